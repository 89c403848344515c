// Fastify as @fastify/jwt leaves it: a verified user on Fastify's own request object.
const callsight = process.env.APP_LOADS_AGENT ? require('../../../agent/dist/index.js') : undefined
const fastify = require('fastify')
const { listening, port } = require('./listen.cjs')

const app = fastify()
app.decorateRequest('user', null)
app.addHook('preHandler', async (request) => {
  if (request.headers['x-login']) request.user = { sub: request.headers['x-login'] }
})
app.get('/whoami', async () => 'ok')
app.get('/told', async (request) => {
  callsight.setConsumer({ id: 'told with the request' }, request)
  return 'ok'
})
app.listen({ port, host: '127.0.0.1' }).then(() => listening(app.server))
