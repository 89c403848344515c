// APITALLY_HUB_BASE_URL says where to; APITALLY_BODIES=1 turns on its request log with both bodies.
const settings = {
  clientId: '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d',
  env: 'bench',
  requestLogging: process.env.APITALLY_BODIES
    ? { enabled: true, logRequestHeaders: true, logRequestBody: true, logResponseBody: true }
    : { enabled: false },
}

exports.express = (app) => {
  const { setConsumer, useApitally } = require('apitally/express')
  useApitally(app, settings)
  app.use((req, _, next) => {
    setConsumer(req, req.headers['x-api-key'] ?? 'nobody')
    next()
  })
}

exports.fastify = (app) => {
  const { apitallyPlugin, setConsumer } = require('apitally/fastify')
  app.register(apitallyPlugin, settings)
  app.addHook('onRequest', (request, _, done) => {
    setConsumer(request, request.headers['x-api-key'] ?? 'nobody')
    done()
  })
}
