import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './host.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'
import { startRawUpstream, startUpstream, type Upstream } from './upstream.ts'

let receiver: Receiver
let upstream: Upstream
let raw: Upstream
let secure: Upstream
let without: Record<string, unknown>
let results: Record<string, unknown>

beforeAll(async () => {
  receiver = await startReceiver()
  upstream = await startUpstream()
  raw = await startRawUpstream()
  secure = await startUpstream('https')
  const args = [upstream.origin, raw.origin, `https://localhost:${secure.port}`]
  const plain = await run('outcases.cjs', { args }).ended
  without = JSON.parse(plain.stdout)
  upstream.seen.length = 0
  const end = await run('outcases.cjs', { args, collector: receiver.url }).ended
  expect(end.stderr).toBe(plain.stderr)
  results = JSON.parse(end.stdout)
})
afterAll(async () => {
  await Promise.all([receiver.close(), upstream.close(), raw.close(), secure.close()])
})

const of = (path: string): ReceivedSpan[] => receiver.calls.filter(({ attributes }) => attributes['url.path'] === path)
const how = (path: string): unknown[] =>
  of(path).map(({ attributes }) => [
    attributes['callsight.outcome'],
    attributes['http.response.status_code'],
    attributes['callsight.error.code'],
  ])

test('the application sees what it would see without the agent: listeners, properties, errors, return values', () => {
  expect(results).toEqual(without)
  expect(results).toMatchObject({ 'nobody reads': 6 })
})

test.each([
  ['/hang/event', 'timeout', undefined, undefined],
  ['/hang/option', 'timeout', undefined, undefined],
  ['/late/timeout', 'ok', 200, undefined],
  ['/hang/destroy', 'aborted', undefined, undefined],
  ['/part/destroy', 'aborted', 200, undefined],
  ['/part/error', 'aborted', 200, undefined],
  ['/part/loop', 'aborted', 200, undefined],
  ['/text/aborted', 'aborted', undefined, undefined],
  ['/hang/queued', 'aborted', undefined, undefined],
  ['/upgrade', 'ok', 101, undefined],
  ['/upgrade/nobody', 'ok', 101, undefined],
  ['/continue', 'ok', 200, undefined],
  ['/hints', 'ok', 200, undefined],
  ['/untrusted', 'server_error', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['/trusted', 'ok', 200, undefined],
])('%s: %s %s %s, once', (path, ...expected) => {
  expect(how(path)).toEqual([expected])
})

test('sizes: encodings, nothing before the handshake', () => {
  const size = (path: string) => of(path)[0]!.attributes['http.request.body.size']
  expect(size('/encodings')).toBe(upstream.seen.find(({ path }) => path === '/encodings')!.requestBytes)
  expect(size('/encodings')).toBe(3 + 3 + 5)
  expect(size('/untrusted')).toBe(0)
  expect(size('/continue')).toBe(4)
})

test('an interim answer is not the first byte of the answer', () => {
  for (const path of ['/continue', '/hints']) {
    expect(of(path)[0]!.attributes['callsight.ttfb_us']).toBeGreaterThan(58_000)
  }
})

test('answers that nobody reads end, and count as what they were', () => {
  expect(how('/large/unread')).toEqual(Array.from({ length: 6 }, () => ['ok', 200, undefined]))
  for (const { attributes } of of('/large/unread')) expect(attributes['http.response.body.size']).toBe(3_000_000)
})

test('peers and operations', () => {
  expect(of('/trusted')[0]!.attributes).toMatchObject({ 'server.address': 'localhost', 'server.port': secure.port })
  const tunnel = receiver.calls.filter(({ name }) => name === 'CONNECT')
  expect(tunnel.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([200])
})

test('ids are those that the other side was told, also in a header given as an array', () => {
  const [call] = of('/array')
  expect([call!.traceId, call!.spanId]).toEqual(['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'])
})

test('no request of the agent, none to another monitor’s intake', () => {
  const monitors = /envelope|v0\.4|intake|agent_listener|v1\/traces/
  expect(upstream.seen.filter(({ path }) => monitors.test(path))).toHaveLength(6)
  expect(receiver.calls.filter(({ attributes }) => monitors.test(String(attributes['url.path'])))).toEqual([])
  expect(receiver.calls.filter(({ attributes }) => attributes['server.port'] === receiver.port)).toEqual([])
  expect(how('/v1/metrics')).toEqual([['ok', 200, undefined]])
})
