// Hono on Node: nested `route()`, a base path with a parameter, middleware that answers.
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const { Hono } = await load('hono')
  const { getRequestListener, serve } = await load('@hono/node-server')
  const app = new Hono()
  app.use(async (_, next) => next())
  app.use('/private/*', async (c, next) => (c.req.header('x-key') ? next() : c.json({ error: 'who?' }, 401)))
  app.get('/', (c) => c.text('home'))
  app.get('/old', (c) => c.redirect('/users'))
  app.get('/fail', shop.fail)
  app.get('/stream', () => new Response(ReadableStream.from(shop.pieces())))
  app.get('/proxy/fetch', async (c) => c.json(await shop.byFetch()))
  app.get('/proxy/http', async (c) => c.json(await shop.byHttp()))
  app.onError((_, c) => c.text('failed', 500))

  const users = new Hono()
  users.get('/', (c) => c.json(shop.list()))
  users.post('/', async (c) => {
    const body = await c.req.json()
    return shop.valid(body) ? c.json(shop.made(body), 201) : c.json({ error: 'name' }, 400)
  })
  users.get('/:id', (c) => {
    const user = shop.find(c.req.param('id'))
    return user === undefined ? c.json({ error: 'no such user' }, 404) : c.json(user)
  })
  users.put('/:id', (c) => c.body(null, 204))
  const orders = new Hono()
  orders.get('/:oid', (c) => c.json(shop.order(c.req.param('id'), c.req.param('oid'))))
  users.route('/:id/orders', orders)
  app.route('/users', users)

  const tenant = new Hono().basePath('/tenants/:tenant')
  tenant.get('/things/:thing', (c) => c.json(shop.thing(c.req.param('tenant'), c.req.param('thing'))))
  app.route('/', tenant)
  if (process.env.APP_LISTENER) return getRequestListener(app.fetch)
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(server))
  })
}
