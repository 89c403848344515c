// Pull: nothing is sent, /metrics tells. As the documentation of express-prom-bundle recommends for an API.
const client = require('prom-client')

exports.express = (app) => {
  const bundle = require('express-prom-bundle')
  app.use(bundle({ includeMethod: true, includePath: true, includeStatusCode: true }))
}

/** The same histogram by hand, where there is no express-prom-bundle. */
const durations = () =>
  new client.Histogram({
    name: 'http_request_duration_seconds',
    help: 'duration of requests',
    labelNames: ['status_code', 'method', 'path'],
    buckets: [0.003, 0.03, 0.1, 0.3, 1.5, 10],
  })

exports.fastify = (app) => {
  const histogram = durations()
  app.get('/metrics', async (_, reply) => reply.type(client.register.contentType).send(await client.register.metrics()))
  app.addHook('onResponse', (request, reply, done) => {
    histogram.labels(reply.statusCode, request.method, request.routeOptions.url).observe(reply.elapsedTime / 1000)
    done()
  })
}

exports.http = (handler) => {
  const histogram = durations()
  return async (req, res) => {
    if (req.url === '/metrics') return res.end(await client.register.metrics())
    const stop = histogram.startTimer()
    // Raw http has no routes: numbers are folded, as everybody does by hand.
    const path = req.url.replace(/\d+/g, '#')
    res.on('finish', () => stop({ status_code: res.statusCode, method: req.method, path }))
    handler(req, res)
  }
}
