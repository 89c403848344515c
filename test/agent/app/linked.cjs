// Answers each call by calling the upstream in its argument with every client, as part of its own work.
if (process.env.APP_SDK) require('./sdk.cjs')
if (process.env.APP_DOOR) require('../../../agent/dist/index.js')
const http = require('node:http')
const { clients } = require('./clients.cjs')
const { listening, port } = require('./listen.cjs')
const { setTimeout: sleep } = require('node:timers/promises')
const [origin, origin2] = process.argv.slice(2)

const server = http.createServer(async (req, res) => {
  await sleep(1)
  const headers = req.url === '/forward' ? { traceparent: req.headers.traceparent } : undefined
  for (const client of ['http', 'fetch', 'undici-6', 'undici-7']) {
    await clients[client](origin, 'GET', `${req.url}/${client}`, { headers })
  }
  await clients.http2(origin2, 'GET', `${req.url}/http2`, { headers })
  res.end()
})
server.listen(port, '127.0.0.1', () => listening(server))
