import shop from '../../../../../../../shop.cjs'

export async function GET(_, { params }) {
  const { id, oid } = await params
  return Response.json(shop.order(id, oid))
}
