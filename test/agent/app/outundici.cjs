// What undici can do beyond one request. Arguments: the copy, an upstream, one that switches protocols, one with HTTP/2.
const [name, origin, raw, secure] = process.argv.slice(2)
const undici = require(name)
const { setTimeout: sleep } = require('node:timers/promises')

const read = async (response) =>
  `${response.statusCode ?? response.status} ${(await (response.body.text?.() ?? response.text())).length}`

const cases = {
  redirect: async () => read(await undici.fetch(`${origin}/redirect`)),
  async retry() {
    const dispatcher = new undici.RetryAgent(new undici.Agent(), { maxRetries: 5, minTimeout: 5, maxTimeout: 5 })
    return read(await undici.request(`${origin}/flaky/${name}`, { dispatcher }))
  },
  async proxy() {
    const dispatcher = new undici.ProxyAgent({ uri: origin, proxyTunnel: true })
    return read(await undici.request(`${origin}/text/proxied`, { dispatcher }))
  },
  async mock() {
    const dispatcher = new undici.MockAgent()
    dispatcher.disableNetConnect()
    dispatcher.get('http://mocked.test').intercept({ path: '/mocked' }).reply(200, 'mock')
    return read(await undici.request('http://mocked.test/mocked', { dispatcher }))
  },
  async upgrade() {
    const { socket } = await undici.upgrade(`${raw}/upgrade`, { protocol: 'echo' })
    socket.destroy()
  },
  async stream() {
    let bytes = 0
    const { Writable } = require('node:stream')
    await undici.stream(
      `${origin}/large/stream`,
      { method: 'GET' },
      () =>
        new Writable({
          write(chunk, _, done) {
            bytes += chunk.length
            done()
          },
        }),
    )
    return bytes
  },
  async http2() {
    const dispatcher = new undici.Agent({ allowH2: true, connect: { rejectUnauthorized: false } })
    const headers = { 'content-type': 'text/plain' }
    return read(await undici.request(`${secure}/text/http2`, { dispatcher, method: 'POST', body: 'over two', headers }))
  },
  async 'timeout of headers'() {
    const dispatcher = new undici.Agent({ headersTimeout: 50 })
    return undici.request(`${origin}/hang/headers`, { dispatcher }).catch((error) => error.code)
  },
  async 'an answer that nobody reads'() {
    await undici.fetch(`${origin}/large/unread`)
    for (let i = 0; i < 100; i++) {
      await sleep(20)
      gc()
    }
  },
}

async function main() {
  const results = {}
  for (const one in cases) results[one] = (await cases[one]()) ?? null
  console.log(JSON.stringify(results))
  process.exit()
}
main()
