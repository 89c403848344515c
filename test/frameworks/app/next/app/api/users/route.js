import shop from '../../../../shop.cjs'

export const dynamic = 'force-dynamic'
export const GET = () => Response.json(shop.list())
export async function POST(request) {
  const body = await request.json()
  if (!shop.valid(body)) return Response.json({ error: 'name' }, { status: 400 })
  return Response.json(shop.made(body), { status: 201 })
}
