// Fastify over HTTP/2.
const fastify = require('fastify')
const callsight = require('@callsight/agent')
const { listening, port } = require('./listen.cjs')

const app = fastify({ http2: true })
app.get('/users/:id', async (request) => {
  callsight.setConsumer({ id: `user ${request.params.id}` })
  return { id: request.params.id }
})
app.post('/users', async (request, reply) => {
  reply.code(500)
  return { error: 'on purpose', got: request.body }
})
app.listen({ port, host: '127.0.0.1' }).then(() => listening(app.server))
