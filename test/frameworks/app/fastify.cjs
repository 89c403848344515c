// Fastify 4 and 5: prefixes, a schema that refuses, a hook that answers.
const { Readable } = require('node:stream')
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const fastify = await load('fastify')
  const app = fastify()
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/private')) return reply.code(401).send({ error: 'who?' })
  })
  app.get('/', async () => 'home')
  // Fastify 4 and 5 take the arguments of `redirect` the other way round.
  app.get('/old', async (_, reply) => reply.code(302).header('location', '/users').send())
  app.get('/fail', async () => shop.fail())
  app.get('/stream', async (_, reply) => reply.send(Readable.from(shop.pieces())))
  app.get('/proxy/fetch', () => shop.byFetch())
  app.get('/proxy/http', () => shop.byHttp())
  app.register(
    async (users) => {
      users.get('', async () => shop.list())
      const body = { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } }
      users.post('', { schema: { body } }, async (request, reply) => reply.code(201).send(shop.made(request.body)))
      users.get('/:id', async (request, reply) => {
        const user = shop.find(request.params.id)
        return user ?? reply.code(404).send({ error: 'no such user' })
      })
      users.put('/:id', async (_, reply) => reply.code(204).send())
      users.register(
        async (orders) => {
          orders.get('/:oid', async (request) => shop.order(request.params.id, request.params.oid))
        },
        { prefix: '/:id/orders' },
      )
    },
    { prefix: '/users' },
  )
  app.register(
    async (tenant) => {
      tenant.get('/things/:thing', async (request) => shop.thing(request.params.tenant, request.params.thing))
    },
    { prefix: '/tenants/:tenant' },
  )
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
