// Koa with @koa/router: a nested router, a prefix with a parameter, middleware of the application and of a router.
const { Readable } = require('node:stream')
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const Koa = await load('koa')
  const Router = await load('@koa/router')
  const app = new Koa()
  app.silent = true
  app.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/private')) return next()
    ctx.status = 401
    ctx.body = { error: 'who?' }
  })

  const orders = new Router()
  orders.get('/:oid', (ctx) => {
    ctx.body = shop.order(ctx.params.id, ctx.params.oid)
  })
  const users = new Router({ prefix: '/users' })
  users.use(async (_, next) => next())
  users.get('/', (ctx) => {
    ctx.body = shop.list()
  })
  users.post('/', async (ctx) => {
    const body = await shop.read(ctx.req)
    ctx.status = shop.valid(body) ? 201 : 400
    ctx.body = shop.valid(body) ? shop.made(body) : { error: 'name' }
  })
  users.get('/:id', (ctx) => {
    const user = shop.find(ctx.params.id)
    ctx.status = user === undefined ? 404 : 200
    ctx.body = user ?? { error: 'no such user' }
  })
  users.put('/:id', (ctx) => {
    ctx.status = 204
  })
  users.use('/:id/orders', orders.routes(), orders.allowedMethods())

  const tenant = new Router({ prefix: '/tenants/:tenant' })
  tenant.get('/things/:thing', (ctx) => {
    ctx.body = shop.thing(ctx.params.tenant, ctx.params.thing)
  })

  const router = new Router()
  router.get('/', (ctx) => {
    ctx.body = 'home'
  })
  router.get('/old', (ctx) => ctx.redirect('/users'))
  router.get('/fail', shop.fail)
  router.get('/stream', (ctx) => {
    ctx.body = Readable.from(shop.pieces())
  })
  router.get('/proxy/fetch', async (ctx) => {
    ctx.body = await shop.byFetch()
  })
  router.get('/proxy/http', async (ctx) => {
    ctx.body = await shop.byHttp()
  })
  for (const part of [router, users, tenant]) app.use(part.routes()).use(part.allowedMethods())

  // Only Koa: an application mounted below a path, where the router sees the rest of the path alone.
  const inner = new Koa()
  const status = new Router()
  status.get('/status/:name', (ctx) => {
    ctx.body = 'fine'
  })
  inner.use(status.routes())
  const mount = await load('koa-mount')
  app.use(mount('/mounted', mount('/twice', inner)))
  return app.callback()
}
