// Pull: /swagger-stats/metrics tells.
const stats = require('swagger-stats')

exports.express = (app) => app.use(stats.getMiddleware({}))

// Its own Fastify plugin needs `fastify.use`, which went with Fastify 2; this is what the plugin does.
exports.fastify = (app) => {
  const middleware = stats.getMiddleware({})
  app.addHook('onRequest', (request, reply, done) => {
    request.raw.originalUrl = request.raw.url
    middleware(request.raw, reply.raw, done)
  })
}

exports.http = (handler) => {
  const middleware = stats.getMiddleware({})
  return (req, res) => {
    req.originalUrl = req.url
    middleware(req, res, () => handler(req, res))
  }
}
