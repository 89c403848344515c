// Bodies of all calls, as it comes. MOESIF_URL says where to.
const moesif = require('moesif-nodejs')

const middleware = () =>
  moesif({
    applicationId: 'an application id of the benchmark, which nobody checks',
    baseUri: process.env.MOESIF_URL,
    identifyUser: (req) => req.headers['x-api-key'],
  })

exports.express = (app) => app.use(middleware())

exports.fastify = (app) => {
  const observe = middleware()
  app.addHook('onRequest', (request, reply, done) => observe(request.raw, reply.raw, done))
}

exports.http = (handler) => {
  const observe = middleware()
  return (req, res) => observe(req, res, () => handler(req, res))
}
