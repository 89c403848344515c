// Hapi: a plugin with a prefix, validation, an extension that answers before the routing.
const { PassThrough, Readable } = require('node:stream')
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const Hapi = await load('@hapi/hapi')
  const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: false })
  server.ext('onRequest', (request, h) =>
    request.path.startsWith('/private') ? h.response({ error: 'who?' }).code(401).takeover() : h.continue,
  )
  const valid = (body) => {
    if (!shop.valid(body)) throw new Error('name')
    return body
  }
  const users = {
    name: 'users',
    register: async (part) => {
      part.route([
        { method: 'GET', path: '/', handler: () => shop.list() },
        {
          method: 'POST',
          path: '/',
          options: { validate: { payload: valid } },
          handler: (request, h) => h.response(shop.made(request.payload)).code(201),
        },
        {
          method: 'GET',
          path: '/{id}',
          handler: (request, h) => shop.find(request.params.id) ?? h.response({ error: 'no such user' }).code(404),
        },
        { method: 'PUT', path: '/{id}', handler: (_, h) => h.response().code(204) },
        {
          method: 'GET',
          path: '/{id}/orders/{oid}',
          handler: ({ params }) => shop.order(params.id, params.oid),
        },
      ])
    },
  }
  await server.register(users, { routes: { prefix: '/users' } })
  server.route([
    { method: 'GET', path: '/', handler: () => 'home' },
    { method: 'GET', path: '/old', handler: (_, h) => h.redirect('/users') },
    { method: 'GET', path: '/fail', handler: shop.fail },
    { method: 'GET', path: '/stream', handler: () => Readable.from(shop.pieces()).pipe(new PassThrough()) },
    { method: 'GET', path: '/proxy/fetch', handler: () => shop.byFetch() },
    { method: 'GET', path: '/proxy/http', handler: () => shop.byHttp() },
    {
      method: 'GET',
      path: '/tenants/{tenant}/things/{thing}',
      handler: ({ params }) => shop.thing(params.tenant, params.thing),
    },
  ])
  await server.start()
  return server.listener
}
