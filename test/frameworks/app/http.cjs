// Node's own server, and Connect (APP_CONNECT), which adds nothing but middleware: both route by hand.
const { Readable } = require('node:stream')
const shop = require('./shop.cjs')

const routes = [
  ['GET', /^\/$/, (_, res) => res.end('home')],
  ['GET', /^\/old$/, (_, res) => answer(res, 302, '', { location: '/users' })],
  ['GET', /^\/stream$/, (_, res) => Readable.from(shop.pieces()).pipe(res)],
  ['GET', /^\/proxy\/fetch$/, async (_, res) => answer(res, 200, await shop.byFetch())],
  ['GET', /^\/proxy\/http$/, async (_, res) => answer(res, 200, await shop.byHttp())],
  ['GET', /^\/fail$/, shop.fail],
  ['GET', /^\/users$/, (_, res) => answer(res, 200, shop.list())],
  ['POST', /^\/users$/, create],
  ['GET', /^\/users\/(\w+)$/, one],
  ['HEAD', /^\/users\/(\w+)$/, one],
  ['PUT', /^\/users\/(\w+)$/, (_, res) => answer(res, 204, '')],
  ['GET', /^\/users\/(\w+)\/orders\/(\w+)$/, (_, res, id, oid) => answer(res, 200, shop.order(id, oid))],
  ['GET', /^\/tenants\/(\w+)\/things\/(\w+)$/, (_, res, tenant, thing) => answer(res, 200, shop.thing(tenant, thing))],
]

function answer(res, status, body, headers = { 'content-type': 'application/json' }) {
  res.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function create(req, res) {
  const body = await shop.read(req)
  if (!shop.valid(body)) return answer(res, 400, { error: 'name' })
  answer(res, 201, shop.made(body))
}

function one(_, res, id) {
  const user = shop.find(id)
  answer(res, user === undefined ? 404 : 200, user ?? { error: 'no such user' })
}

async function serve(req, res) {
  const { pathname } = new URL(req.url, 'http://localhost')
  try {
    for (const [method, path, handle] of routes) {
      const found = req.method === method && path.exec(pathname)
      if (found) return await handle(req, res, ...found.slice(1))
    }
    answer(res, 404, { error: 'nothing here' })
  } catch {
    answer(res, 500, { error: 'failed' })
  }
}

function guard(req, res, next) {
  if (req.originalUrl?.startsWith('/private') || req.url.startsWith('/private')) answer(res, 401, { error: 'who?' })
  else next()
}

module.exports = async (load) => {
  if (process.env.APP_CONNECT === undefined) return (req, res) => guard(req, res, () => serve(req, res))
  const connect = await load('connect')
  return connect().use(guard).use(serve)
}
