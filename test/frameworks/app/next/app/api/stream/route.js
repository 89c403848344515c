import shop from '../../../../shop.cjs'

export const dynamic = 'force-dynamic'
export const GET = () => new Response(ReadableStream.from(shop.pieces()))
