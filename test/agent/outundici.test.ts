import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, tally } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { startRawUpstream, startUpstream, type Upstream } from './upstream.ts'

// undici 8 does without Node 20.
const UNDICI = ['undici-6', 'undici-7', ...(Number.parseInt(process.versions.node, 10) >= 22 ? ['undici-8'] : [])]

describe.each(UNDICI)('%s', (name) => {
  let receiver: Receiver
  let upstreams: Upstream[]
  let results: unknown

  beforeAll(async () => {
    receiver = await startReceiver()
    upstreams = await Promise.all([startUpstream(), startRawUpstream(), startUpstream('https2')])
    const [upstream, raw, secure] = upstreams as [Upstream, Upstream, Upstream]
    const args = [name, upstream.origin, raw.origin, `https://localhost:${secure.port}`]
    const end = await run('outundici.cjs', { args, collector: receiver.url, node: ['--expose-gc'] }).ended
    expect(end.stderr.replace(/.*ExperimentalWarning.*\n|.*--trace-warnings.*\n|.*UNDICI-\w+.*\n/g, '')).toBe('')
    results = JSON.parse(end.stdout)
  })
  afterAll(async () => {
    await receiver.close()
    for (const upstream of upstreams) await upstream.close()
  })

  test('the application gets what it asked for', () => {
    expect(results).toMatchObject({
      redirect: '200 5',
      retry: '200 7',
      proxy: '200 5',
      mock: '200 4',
      stream: 3_000_000,
      http2: '200 5',
      'timeout of headers': 'UND_ERR_HEADERS_TIMEOUT',
    })
  })

  test('every hop and every attempt is a call; a tunnel, a mock and the streams beneath HTTP/2 are none', () => {
    const calls = tally(receiver.calls, ({ attributes }) =>
      ['http.request.method', 'url.path', 'http.response.status_code', 'callsight.outcome', 'callsight.error.code']
        .map((key) => attributes[key])
        .filter((value) => value !== undefined)
        .join(' '),
    )
    expect(calls).toEqual({
      'GET /redirect 302 ok': 1,
      'GET /text/redirected 200 ok': 1,
      [`GET /flaky/${name} 503 server_error`]: 2,
      [`GET /flaky/${name} 200 ok`]: 1,
      'GET /text/proxied 200 ok': 1,
      'GET /upgrade 101 ok': 1,
      'GET /large/stream 200 ok': 1,
      'POST /text/http2 200 ok': 1,
      'GET /hang/headers timeout UND_ERR_HEADERS_TIMEOUT': 1,
      'GET /large/unread 200 ok': 1,
    })
  })

  test('sizes over HTTP/2, and an unread answer that ends with the last byte that came', () => {
    const of = (path: string) => receiver.calls.find(({ attributes }) => attributes['url.path'] === path)!
    const { attributes } = of('/text/http2')
    expect([attributes['http.request.body.size'], attributes['http.response.body.size']]).toEqual([8, 6])
    // It is collected long after.
    expect(of('/large/unread').durationMs).toBeLessThan(1000)
    expect(receiver.vitals.open_calls ?? 0).toBe(0)
  })
})
