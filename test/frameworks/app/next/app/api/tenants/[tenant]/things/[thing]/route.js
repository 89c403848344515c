import shop from '../../../../../../../shop.cjs'

export async function GET(_, { params }) {
  const { tenant, thing } = await params
  return Response.json(shop.thing(tenant, thing))
}
