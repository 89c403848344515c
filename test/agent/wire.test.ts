import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Host, type HostOptions, serve, tally } from './host.ts'
import { leave, raw } from './raw.ts'
import { type Attributes, type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const app = (options: HostOptions = {}) => serve('http.cjs', { collector: receiver.url, ...options })

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
const last = 'connection: close\r\n'

function sizes(attributes: Attributes): [unknown, unknown] {
  return [attributes['http.request.body.size'], attributes['http.response.body.size']]
}

test('sizes are the bytes of the bodies on the wire', async () => {
  const host = await app()
  const onWire: Record<string, number> = {}
  for (const path of ['/text', '/hex', '/gzip', '/none', '/same', '/chunked']) {
    const answer = await raw(host.port, get(path, last))
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    onWire[`GET ${path}`] = /transfer-encoding: chunked/i.test(answer) ? unchunk(body) : body.length
  }
  await raw(host.port, `HEAD /text HTTP/1.1\r\nhost: x\r\n${last}\r\n`)
  await host.stop()
  const seen = Object.fromEntries(receiver.calls.map((call) => [call.name, call.attributes['http.response.body.size']]))
  expect(onWire).toMatchObject({ 'GET /text': 6, 'GET /hex': 8, 'GET /none': 0, 'GET /same': 0 })
  expect(onWire['GET /gzip']).toBeLessThan(1000)
  expect(seen).toEqual({ ...onWire, 'HEAD /text': 0 })
})

/** The length of a chunked body without its framing. */
function unchunk(body: string): number {
  let total = 0
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.slice(at, end), 16)
    if (size === 0) return total
    total += size
    at = end + 2 + size + 2
  }
}

test('request bodies: read, chunked, and left unread', async () => {
  const host = await app()
  const body = 'ü'.repeat(40_000)
  expect(await (await fetch(`${host.url}/read`, { method: 'POST', body })).text()).toBe('80000')
  const chunked = '5\r\nhello\r\n3\r\n, y\r\n0\r\n\r\n'
  await raw(host.port, `POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n${last}\r\n${chunked}`)
  const early = `POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n${last}\r\n`
  await raw(host.port, early + 'x'.repeat(1000), (got) => got.includes('too large'))
  await host.stop()
  expect(receiver.calls.map((call) => [call.name, ...sizes(call.attributes)])).toEqual([
    ['POST /read', 80_000, 5],
    ['POST /read', 8, 1],
    ['POST /unread', 300_000, 9],
  ])
})

test('outcomes: one record for each call, however it ends', async () => {
  const host = await app()
  for (const path of ['/text', '/fail', '/gateway', '/nowhere']) await raw(host.port, get(path, last))
  // The client leaves: before anything came, in the middle of the answer, in the middle of its own body.
  await leave(host.port, get('/hang'), () => until('the call', () => host.output().stdout.includes('hanging')))
  await leave(host.port, get('/part'), (socket) => new Promise((resolve) => socket.once('data', resolve)))
  const half = 'POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf'
  await leave(host.port, half, () => until('the call', () => host.output().stdout.includes('reading')))
  // The application breaks the answer off; the socket falls silent and the server's timeout ends it.
  await raw(host.port, get('/broken')).catch(() => {})
  await raw(host.port, get('/silent')).catch(() => {})
  expect(await host.stop()).toMatchObject({ signal: 'SIGTERM', stderr: '' })
  const seen = receiver.calls.map(({ name, attributes }) => [
    name,
    attributes['callsight.outcome'],
    attributes['http.response.status_code'],
    attributes['error.type'],
  ])
  expect(seen.sort()).toEqual(
    [
      ['GET /text', 'ok', 200, undefined],
      ['GET /fail', 'server_error', 500, '500'],
      ['GET /gateway', 'timeout', 504, '504'],
      ['GET (unmatched)', 'client_error', 404, undefined],
      ['GET /hang', 'aborted', undefined, 'aborted'],
      ['GET /part', 'aborted', 200, 'aborted'],
      ['POST /read', 'aborted', undefined, 'aborted'],
      ['GET /broken', 'server_error', 200, 'server_error'],
      ['GET /silent', 'timeout', undefined, 'timeout'],
    ].sort(),
  )
  expect(receiver.counts).toEqual({ seen: 9, sent: 9 })
})

/** Outcome, status and code of each call, sorted by name. */
const endings = () =>
  receiver.calls
    .map(({ name, attributes }) => [
      name,
      attributes['callsight.outcome'],
      attributes['http.response.status_code'],
      attributes['callsight.error.code'],
    ])
    .sort()

test('outcomes: what the process itself broke off is its failure, not the caller’s leaving', async () => {
  const host = await app()
  for (const path of ['/broken', '/short', '/close-all', '/drop', '/drop-socket', '/slow']) {
    await raw(host.port, get(path, last)).catch(() => {})
  }
  await host.stop()
  expect(endings()).toEqual([
    ['GET /broken', 'server_error', 200, 'truncated'],
    ['GET /close-all', 'server_error', 200, 'truncated'],
    ['GET /drop', 'server_error', undefined, undefined],
    ['GET /drop-socket', 'server_error', undefined, undefined],
    ['GET /short', 'server_error', 200, 'truncated'],
    ['GET /slow', 'timeout', 503, undefined],
  ])
})

test.each([
  ['/crash', 200, 'truncated'],
  ['/exit', undefined, undefined],
])('outcomes: %s ends the process in the middle of it', async (path, status, code) => {
  const host = await app()
  await raw(host.port, get(path)).catch(() => {})
  await host.ended
  expect(endings()).toEqual([[`GET ${path}`, 'server_error', status, code]])
})

test('keep-alive and pipelining: every call once, each with its own times', async () => {
  const host = await app()
  const pipelined = get('/late?a') + get('/text?b') + get('/late?c') + get('/text?d', last)
  const begun = performance.now()
  await raw(host.port, pipelined)
  const external = performance.now() - begun
  await host.stop()
  expect(tally(receiver.calls, (call) => call.name)).toEqual({ 'GET /late': 2, 'GET /text': 2 })
  for (const { name, durationMs, attributes } of receiver.calls) {
    const firstByte = Number(attributes['callsight.ttfb_us']) / 1000
    expect(durationMs).toBeLessThan(external + 5)
    if (name === 'GET /late') {
      expect(firstByte).toBeGreaterThan(75)
      expect(durationMs).toBeGreaterThan(115)
    } else expect(firstByte).toBeLessThan(75)
  }
})

test('latency and time to first byte lie within the bounds that the application itself measures', async () => {
  const host = await app()
  for (let i = 0; i < 21; i++) await raw(host.port, get('/timed', last))
  const { stdout } = await host.stop()
  const bounds = [...stdout.matchAll(/timed (.+)/g)].map(([, text]) => JSON.parse(text!) as [number, number][])
  expect([bounds.length, receiver.calls.length]).toEqual([21, 21])
  // Both are moments of one clock, so it does not matter what comes between; microseconds are rounded.
  const measured = receiver.calls.map(({ attributes, durationMs }) => [
    Number(attributes['callsight.ttfb_us']) / 1000,
    durationMs,
  ])
  const outside = bounds.flatMap((call, i) =>
    call.filter(([least, most], j) => measured[i]![j]! < least - 0.01 || measured[i]![j]! > most + 0.01),
  )
  expect(outside).toEqual([])
})

test('the host cannot tell: same bytes, same listeners, same methods', async () => {
  const without = await app({ load: 'not' })
  const talk = async (host: Host) => {
    const answers: string[] = []
    for (const path of ['/text', '/hex', '/chunked', '/gzip', '/none', '/same', '/fail', '/users/1', '/listeners']) {
      answers.push(await raw(host.port, get(path, last)))
    }
    answers.push(await raw(host.port, get('/text') + get('/chunked') + get('/read', last)))
    await host.stop()
    return answers
  }
  const plain = await talk(without)
  const watched = await talk(await app())
  expect(watched).toEqual(plain)
  const traced = await talk(await app({ env: { CALLSIGHT_TRACE_RATIO: '0.000001' } }))
  expect(traced).toEqual(plain)
})

test('a thousand calls under concurrency, exactly', async () => {
  const host = await app()
  const workers = Array.from({ length: 20 }, async (_, worker) => {
    for (let i = 0; i < 50; i++) {
      const headers = { 'x-api-key': `key ${worker % 5}` }
      await (await fetch(`${host.url}/users/${worker * 50 + i}`, { headers })).text()
    }
  })
  await Promise.all(workers)
  await host.stop()
  await until('the final account', () => receiver.counts.sent === 1000)
  expect(receiver.calls).toHaveLength(1000)
  expect(Object.values(tally(receiver.calls, (call) => String(call.attributes['callsight.consumer.id'])))).toEqual([
    200, 200, 200, 200, 200,
  ])
  expect(new Set(receiver.calls.map((call) => call.spanId)).size).toBe(1000)
})
