// Makes one call of each sort to the upstream in its arguments, by one client, and prints what came of each.
const [client, origin, closed] = process.argv.slice(2)
const { clients } = require('./clients.cjs')
const { setTimeout: sleep } = require('node:timers/promises')

const soon = (ms, reason) => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(reason), ms)
  return controller.signal
}

const asks = {
  // fetch is loaded when it is first used.
  'GET /first': {},
  'GET /text': {},
  'HEAD /text': {},
  'GET /gzip': {},
  'GET /chunked': {},
  'GET /none': {},
  'GET /same': {},
  'POST /text': { body: 'grün' },
  'PUT /bytes': { body: Buffer.alloc(300_000, 7) },
  'POST /pieces': { body: ['one,', Buffer.from('two,'), 'drei'] },
  'GET /users/17?token=secret': {},
  'GET /users/18': {},
  'GET /missing': {},
  'GET /fail': {},
  'GET /gateway': {},
  'GET /late': {},
  'GET /large': {},
  'GET /truncated': {},
  'GET /hangup': {},
  'GET /hang/timeout': { signal: () => AbortSignal.timeout(80) },
  'GET /hang/abort': { signal: () => soon(40) },
  'GET /hang/reason': { signal: () => soon(40, new Error('enough')) },
  'GET /part/abort': { signal: () => soon(60) },
  'GET /part/timeout': { signal: () => AbortSignal.timeout(60) },
  'POST /refused': { body: 'nobody hears', origin: closed },
  'GET /unknown': { origin: 'http://no-such-host.invalid' },
}

async function main() {
  const results = {}
  const ask = clients[client]
  for (const [name, { signal, origin: elsewhere, ...options }] of Object.entries(asks)) {
    const [method, path] = name.split(' ')
    const begun = performance.now()
    const result = await ask(elsewhere ?? origin, method, path, { ...options, signal: signal?.() }).catch((error) => ({
      error: error.name,
    }))
    results[name] = { ...result, ms: performance.now() - begun }
  }
  await sleep(50)
  console.log(JSON.stringify(results))
  process.exit()
}
main()
