// Restify: paths are registered whole, there are no nested routers.
const { Readable } = require('node:stream')
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const restify = await load('restify')
  const server = restify.createServer()
  server.pre((req, res, next) => {
    if (!req.path().startsWith('/private')) return next()
    res.send(401, { error: 'who?' })
    next(false)
  })
  server.use(restify.plugins.bodyParser())
  // Restify takes a handler that resolves to anything for one that has failed.
  const on = (method, path, handle) =>
    server[method](path, async (req, res) => {
      await handle(req, res)
    })
  on('get', '/', (_, res) => res.send('home'))
  server.get('/old', (_, res, next) => res.redirect('/users', next))
  on('get', '/fail', shop.fail)
  server.get('/stream', (_, res, next) => {
    Readable.from(shop.pieces())
      .pipe(res)
      .on('finish', () => next())
  })
  on('get', '/proxy/fetch', async (_, res) => res.send(await shop.byFetch()))
  on('get', '/proxy/http', async (_, res) => res.send(await shop.byHttp()))
  on('get', '/users', (_, res) => res.send(shop.list()))
  on('post', '/users', (req, res) => {
    if (!shop.valid(req.body)) return res.send(400, { error: 'name' })
    res.send(201, shop.made(req.body))
  })
  const one = (req, res) => {
    const user = shop.find(req.params.id)
    res.send(user === undefined ? 404 : 200, user ?? { error: 'no such user' })
  }
  on('get', '/users/:id', one)
  on('head', '/users/:id', one)
  on('put', '/users/:id', (_, res) => res.send(204))
  on('get', '/users/:id/orders/:oid', (req, res) => res.send(shop.order(req.params.id, req.params.oid)))
  on('get', '/tenants/:tenant/things/:thing', (req, res) => res.send(shop.thing(req.params.tenant, req.params.thing)))
  return server.server
}
