import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from './host.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'
import { GZIPPED, LARGE, startUpstream, type Upstream } from './upstream.ts'

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

interface Result {
  status?: number
  bytes?: number
  error?: string
  ms: number
}

// undici 8 does without Node 20.
const UNDICI =
  Number.parseInt(process.versions.node, 10) >= 22 ? ['undici-6', 'undici-7', 'undici-8'] : ['undici-6', 'undici-7']
const CLIENTS = ['http', 'fetch', 'http2', ...UNDICI]

describe.each(CLIENTS)('%s', (client) => {
  let receiver: Receiver
  let upstream: Upstream
  let closed: number
  let calls: Record<string, ReceivedSpan>
  let results: Record<string, Result>
  let without: Record<string, Result>

  beforeAll(async () => {
    receiver = await startReceiver()
    upstream = await startUpstream(client === 'http2' ? 'http2' : 'http')
    closed = await closedPort()
    const args = [client, upstream.origin, `http://127.0.0.1:${closed}`]
    const plain = await run('outbound.cjs', { args }).ended
    without = JSON.parse(plain.stdout)
    upstream.seen.length = 0
    const end = await run('outbound.cjs', { args, collector: receiver.url }).ended
    expect(end.stderr).toBe('')
    results = JSON.parse(end.stdout)
    calls = Object.fromEntries(
      receiver.calls.map((call) => [`${call.attributes['http.request.method']} ${call.attributes['url.path']}`, call]),
    )
  })
  afterAll(async () => {
    await receiver.close()
    await upstream.close()
  })

  test('each call once, as a client’s, and the application sees what it would see without the agent', () => {
    const asked = Object.keys(results).map((name) => name.split('?')[0])
    expect(Object.keys(calls).sort()).toEqual(asked.sort())
    expect(receiver.calls).toHaveLength(asked.length)
    expect(receiver.counts).toEqual({ seen: asked.length, sent: asked.length })
    expect(new Set(receiver.calls.map(({ kind }) => kind))).toEqual(new Set([3]))
    const outcome = ({ status, bytes, error }: Result) => ({ status, bytes, error })
    for (const name in results) expect([name, outcome(results[name]!)]).toEqual([name, outcome(without[name]!)])
  })

  test('operation, peer, and a query that is redacted', () => {
    const { name, attributes } = calls['GET /users/17']!
    expect(name).toBe('GET /users/{id}')
    expect(attributes).toMatchObject({
      'callsight.operation': 'GET /users/{id}',
      'callsight.operation.source': 'guess',
      'server.address': '127.0.0.1',
      'server.port': upstream.port,
    })
    expect(attributes['http.route']).toBeUndefined()
    expect(calls['GET /unknown']!.attributes).toMatchObject({
      'server.address': 'no-such-host.invalid',
      'server.port': 80,
    })
    expect(calls['POST /refused']!.attributes).toMatchObject({ 'server.port': closed })
    // The first of its operation keeps its detail, redacted.
    expect(attributes['callsight.detail']).toBe('new')
    expect(attributes['url.query']).toMatch(/^token=/)
    expect(JSON.stringify(receiver.calls)).not.toContain('secret')
  })

  test('sizes are those of the bodies on the wire', () => {
    const sizes: Record<string, unknown[]> = {}
    for (const name in calls) {
      const { attributes } = calls[name]!
      sizes[name] = [attributes['http.request.body.size'], attributes['http.response.body.size']]
    }
    expect(sizes).toMatchObject({
      'GET /text': [0, 6],
      'HEAD /text': [0, 0],
      'GET /gzip': [0, GZIPPED.length],
      'GET /chunked': [0, 7],
      'GET /none': [0, 0],
      'GET /same': [0, 0],
      'POST /text': [5, 6],
      'PUT /bytes': [300_000, 2],
      'POST /pieces': [12, 2],
      'GET /large': [0, LARGE],
      'GET /truncated': [0, 10],
      'GET /hangup': [0, 0],
      'GET /part/abort': [0, 4],
      'POST /refused': [0, 0],
    })
    for (const { method, path, requestBytes } of upstream.seen) {
      expect([method, path, sizes[`${method} ${path}`]![0]]).toEqual([method, path, requestBytes])
    }
  })

  test('outcomes, with the reason of a failure', () => {
    const found = Object.fromEntries(
      Object.entries(calls).map(([name, { attributes }]) => [
        name,
        [attributes['callsight.outcome'], attributes['http.response.status_code'], attributes['callsight.error.code']],
      ]),
    )
    const reset = client.startsWith('undici') || client === 'fetch' ? 'UND_ERR_SOCKET' : 'ECONNRESET'
    expect(found).toMatchObject({
      'GET /text': ['ok', 200, undefined],
      'GET /none': ['ok', 204, undefined],
      'GET /same': ['ok', 304, undefined],
      'GET /missing': ['client_error', 404, undefined],
      'GET /fail': ['server_error', 500, undefined],
      'GET /gateway': ['timeout', 504, undefined],
      'GET /truncated': ['server_error', 200, 'truncated'],
      'GET /hangup': ['server_error', undefined, client === 'http2' ? 'NGHTTP2_INTERNAL_ERROR' : reset],
      'GET /hang/timeout': ['timeout', undefined, undefined],
      'GET /hang/abort': ['aborted', undefined, undefined],
      'GET /hang/reason': ['aborted', undefined, undefined],
      'GET /part/abort': ['aborted', 200, undefined],
      // undici tells its reason to nobody but the reader of the body.
      'GET /part/timeout': [client.startsWith('undici') ? 'aborted' : 'timeout', 200, undefined],
      'POST /refused': ['server_error', undefined, 'ECONNREFUSED'],
      'GET /unknown': ['server_error', undefined, 'ENOTFOUND'],
    })
    expect(calls['GET /missing']!.failed).toBe(false)
    expect(calls['GET /truncated']!.failed).toBe(true)
  })

  test('latency and time to first byte', () => {
    const { durationMs, attributes } = calls['GET /late']!
    const firstByte = (attributes['callsight.ttfb_us'] as number) / 1000
    expect(firstByte).toBeGreaterThan(78)
    expect(durationMs).toBeGreaterThan(firstByte + 30)
    for (const name in results) {
      const { ms } = results[name]!
      const call = calls[name.split('?')[0]!]!
      // The application's own clock starts before and stops after, on a busy machine much later.
      expect([name, call.durationMs <= ms + 1]).toEqual([name, true])
    }
  })
})
