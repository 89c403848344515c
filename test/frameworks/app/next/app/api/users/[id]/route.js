import shop from '../../../../../shop.cjs'

export async function GET(_, { params }) {
  const user = shop.find((await params).id)
  return Response.json(user ?? { error: 'no such user' }, { status: user === undefined ? 404 : 200 })
}
export const PUT = () => new Response(null, { status: 204 })
