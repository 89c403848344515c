const fastify = require('fastify')
const { listening, port } = require('./listen.cjs')

const app = fastify()
app.get('/users/:id', async (request) => ({ id: request.params.id }))
app.post('/users', { schema: { body: { type: 'object', required: ['name'] } } }, async (_, reply) => {
  reply.code(201)
  return { ok: true }
})
app.register(
  async (part) => {
    part.addHook('onRequest', async (request, reply) => {
      if (request.headers['x-forbidden']) return reply.code(403).send('no')
    })
    part.get('/orders/:oid', async () => 'order')
  },
  { prefix: '/users/:id' },
)
app.get('/fail', async () => {
  throw new Error('on purpose')
})
app.listen({ port, host: '127.0.0.1' }).then(() => listening(app.server))
