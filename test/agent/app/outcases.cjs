// What only `http` can do, one case after the other; prints what each has come to. Also what must not be recorded.
const http = require('node:http')
const https = require('node:https')
const [origin, raw, secure] = process.argv.slice(2)
const { setTimeout: sleep } = require('node:timers/promises')

const agent = new http.Agent({ keepAlive: true })
const counts = (emitter) =>
  Object.fromEntries(
    emitter
      .eventNames()
      .map((name) => [String(name), emitter.listenerCount(name)])
      .sort(),
  )

/** Runs until the request is closed. */
const closed = (request, act = () => {}) =>
  new Promise((resolve) => {
    let error
    request.on('error', (cause) => {
      error = cause.code
    })
    request.on('close', () => resolve({ error }))
    act(request)
  })
const get = (path, options, read) =>
  http.get(origin + path, { agent, ...options }, (response) => (read ? read(response) : response.resume()))

const cases = {
  async 'timeout event'() {
    const request = get('/hang/event')
    return closed(request, () => request.setTimeout(60, () => request.destroy()))
  },
  async 'timeout option'() {
    const request = get('/hang/option', { timeout: 60 })
    return closed(request, () => request.on('timeout', () => request.destroy(new Error('too slow'))))
  },
  async 'timeout passed, answer came'() {
    return closed(get('/late/timeout', { timeout: 40 }))
  },
  async 'destroyed request'() {
    const request = get('/hang/destroy')
    setTimeout(() => request.destroy(), 40)
    return closed(request)
  },
  async 'destroyed answer'() {
    return closed(get('/part/destroy', {}, (response) => response.once('data', () => response.destroy())))
  },
  async 'destroyed answer, with an error'() {
    const read = (response) => response.on('error', () => {}).once('data', () => response.destroy(new Error('enough')))
    return closed(get('/part/error', {}, read))
  },
  async 'left loop'() {
    const read = async (response) => {
      for await (const _ of response) break
    }
    return closed(get('/part/loop', {}, read))
  },
  async 'aborted before it began'() {
    return closed(get('/text/aborted', { signal: AbortSignal.abort() }))
  },
  async 'no slot'() {
    const narrow = new http.Agent({ maxSockets: 1 })
    const first = get('/hang/slot', { agent: narrow })
    const second = get('/hang/queued', { agent: narrow })
    setTimeout(() => second.destroy(), 30)
    // It is told when its turn comes.
    setTimeout(() => first.on('error', () => {}).destroy(), 60)
    return closed(second)
  },
  async upgrade() {
    const request = http.get(`${raw}/upgrade`, { headers: { connection: 'Upgrade', upgrade: 'echo' } })
    return new Promise((resolve) => request.on('upgrade', (_, socket) => resolve(socket.destroy() && 'upgraded')))
  },
  async 'upgrade refused by nobody'() {
    return closed(http.get(`${raw}/upgrade/nobody`, { headers: { connection: 'Upgrade', upgrade: 'echo' } }))
  },
  async connect() {
    const { hostname, port } = new URL(raw)
    const request = http.request({ host: hostname, port, method: 'CONNECT', path: 'example.com:443' }).end()
    return new Promise((resolve) =>
      request.on('connect', (answer, socket) => resolve(socket.destroy() && answer.statusCode)),
    )
  },
  async continue() {
    const request = http.request(`${raw}/continue`, { method: 'POST', headers: { expect: '100-continue' } })
    request.on('continue', () => request.end('body'))
    request.flushHeaders()
    request.on('response', (response) => response.resume())
    return closed(request)
  },
  async hints() {
    return closed(http.get(`${raw}/hints`, (response) => response.resume()))
  },
  async encodings() {
    const request = http.request(`${origin}/encodings`, { method: 'POST', agent }, (response) => response.resume())
    const returned = [request.write('00ff10', 'hex'), request.write('häh', 'latin1', () => {})]
    request.end('aGVsbG8=', 'base64', () => {})
    return {
      ...(await closed(request)),
      returned,
      lengths: ['write', 'end', 'emit', 'destroy'].map((name) => request[name].length),
    }
  },
  async 'array of headers'() {
    const headers = ['host', origin.slice(7), 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']
    return closed(http.get(`${origin}/array`, { headers, agent }, (response) => response.resume()))
  },
  async 'unknown certificate'() {
    const request = https.request(`${secure}/untrusted`, { method: 'POST' })
    request.end('never sent')
    return closed(request)
  },
  async https() {
    return closed(https.get(`${secure}/trusted`, { rejectUnauthorized: false }, (response) => response.resume()))
  },
  async listeners() {
    let result
    const request = get('/text/listeners', {}, (response) => {
      result = {
        response: counts(response),
        flowing: response.readableFlowing,
        own: Object.getOwnPropertyNames(response).sort(),
      }
      response.resume()
    })
    result = { request: counts(request), own: Object.getOwnPropertyNames(request).sort() }
    const asked = result
    await closed(request)
    return { asked, answered: result }
  },
  async 'nobody reads'() {
    // Node drains an answer that nobody has asked for; a second listener would keep it from doing so.
    const request = () => closed(http.get(`${origin}/large/unread`, { agent: false }))
    return (await Promise.all(Array.from({ length: 6 }, request))).length
  },
  async intakes() {
    const post = (path, headers) =>
      closed(http.request(origin + path, { method: 'POST', agent, headers }, (r) => r.resume()).end('x'))
    await post('/api/7/envelope/?sentry_key=1')
    await post('/v0.4/traces')
    await post('/intake/v2/events')
    await post('/v1/traces', { 'user-agent': 'OTel-OTLP-Exporter-JavaScript/0.223.0' })
    await post('/agent_listener/invoke_raw_method?method=metric_data')
    await fetch(`${origin}/api/7/envelope/`, { method: 'POST', body: 'x' }).then((r) => r.text())
    // A path like any other.
    return post('/v1/metrics')
  },
}

async function main() {
  const results = {}
  for (const name in cases) results[name] = (await cases[name]()) ?? null
  await sleep(20)
  console.log(JSON.stringify(results))
  process.exit()
}
process.on('uncaughtException', (error) => {
  console.log(`uncaught ${error.stack}`)
  process.exit(1)
})
main()
