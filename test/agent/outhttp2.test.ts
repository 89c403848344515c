import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { startUpstream, type Upstream } from './upstream.ts'

let receiver: Receiver
let upstream: Upstream
let without: unknown
let results: unknown

beforeAll(async () => {
  receiver = await startReceiver()
  upstream = await startUpstream('http2')
  const args = [upstream.origin]
  const plain = await run('outhttp2.cjs', { args }).ended
  without = JSON.parse(plain.stdout)
  const end = await run('outhttp2.cjs', { args, collector: receiver.url }).ended
  expect(end.stderr).toBe('')
  results = JSON.parse(end.stdout)
})
afterAll(() => Promise.all([receiver.close(), upstream.close()]))

test('the application sees what it would see without the agent: listeners, properties, errors, codes', () => {
  expect(results).toEqual(without)
})

test.each([
  ['/hang/close', 'aborted', undefined, undefined],
  ['/hang/destroy', 'aborted', undefined, undefined],
  ['/hang/error', 'aborted', undefined, undefined],
  ['/hang/once', 'aborted', undefined, undefined],
  ['/hang/session', 'aborted', undefined, undefined],
  ['/hang/timeout', 'timeout', undefined, undefined],
  ['/refused', 'server_error', undefined, 'NGHTTP2_REFUSED_STREAM'],
  ['/gone', 'server_error', 200, 'truncated'],
  ['/text/unread', 'ok', 200, undefined],
])('%s: %s %s %s, once', (path, ...expected) => {
  const found = receiver.calls
    .filter(({ attributes }) => attributes['url.path'] === path)
    .map(({ attributes }) => [
      attributes['callsight.outcome'],
      attributes['http.response.status_code'],
      attributes['callsight.error.code'],
    ])
  expect(found).toEqual([expected])
})

test('streams of one connection are calls of their own', () => {
  const shared = receiver.calls.filter(({ name }) => name === 'POST /shared/{id}')
  const sizes = shared.map(({ attributes }) => attributes['http.request.body.size'] as number)
  expect(sizes.sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => 2 * i))
})

test('no exporter’s requests', () => {
  expect(upstream.seen.filter(({ path }) => path.includes('opentelemetry'))).toHaveLength(2)
  expect(receiver.calls.filter(({ name }) => name.includes('opentelemetry'))).toEqual([])
})
