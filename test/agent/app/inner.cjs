// Makes calls of its own: a client call by http, one by fetch, and a span of the application.
// An SDK comes before everything else, as its documentation asks for.
if (process.env.APP_SDK) require('./sdk.cjs')

const http = require('node:http')
const { trace } = require('@opentelemetry/api')
const { setTimeout: sleep } = require('node:timers/promises')
const { listening, port } = require('./listen.cjs')

const get = (url) =>
  new Promise((resolve, reject) => http.get(url, (res) => res.resume().on('end', resolve)).on('error', reject))

const server = http.createServer(async (req, res) => {
  if (req.url === '/leaf') return res.end('leaf')
  if (req.url === '/modules') {
    const loaded = Object.keys(require.cache).filter((file) => file.includes('@opentelemetry'))
    return res.end(JSON.stringify(loaded))
  }
  const leaf = `http://127.0.0.1:${server.address().port}/leaf`
  trace.getActiveSpan()?.setAttribute('shelf', 'poetry')
  await sleep(2)
  await trace.getTracer('bookshop').startActiveSpan('load books', async (span) => {
    span.setAttribute('books', 3)
    await get(leaf)
    await (await fetch(leaf)).text()
    span.end()
  })
  const active = trace.getActiveSpan()?.spanContext()
  res.end(JSON.stringify(active ?? {}))
})
server.listen(port, '127.0.0.1', () => listening(server))
