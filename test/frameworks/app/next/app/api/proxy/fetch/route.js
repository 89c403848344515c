import shop from '../../../../../shop.cjs'

export const dynamic = 'force-dynamic'
export const GET = async () => Response.json(await shop.byFetch())
