import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { serve, tally } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

/** One kind of batch only, so that the tests can count requests. */
const lean = { CALLSIGHT_CAPTURE_BODIES: 'none' }

async function ask(url: string, times: number): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < times; i++) {
    const response = await fetch(`${url}/users/${i}`)
    await response.arrayBuffer()
    statuses.push(response.status)
  }
  return statuses
}

test('503 with Retry-After: the same bytes again, not earlier, nothing lost', async () => {
  const times: number[] = []
  receiver.intercept = (_, response) => {
    times.push(performance.now())
    if (times.length > 2) return false
    response.writeHead(503, { 'retry-after': '1' }).end()
    return true
  }
  const host = await serve('http.cjs', { collector: receiver.url, env: lean })
  await ask(host.url, 3)
  await until('the delivery', () => receiver.calls.length === 3)
  await host.stop()
  expect(times.length).toBe(3)
  for (const i of [1, 2]) expect(times[i]! - times[i - 1]!).toBeGreaterThan(950)
  expect(receiver.bodies[1]!.equals(receiver.bodies[0]!)).toBe(true)
  expect(receiver.counts).toEqual({ seen: 3, sent: 3 })
})

test.each([
  ['', [undefined, undefined, 'gzip']],
  ['gzip', ['gzip', 'gzip', 'gzip']],
  ['none', [undefined, undefined, undefined]],
])('compression "%s" over loopback: what is sent at once, its repetition, what had to wait', async (how, codings) => {
  receiver.intercept = (_, response) => {
    if (receiver.bodies.length > 1) return false
    response.writeHead(503, { 'retry-after': '3' }).end()
    return true
  }
  const env = { ...lean, OTEL_EXPORTER_OTLP_COMPRESSION: how }
  const host = await serve('http.cjs', { collector: receiver.url, env })
  await ask(host.url, 1)
  await until('the first request', () => receiver.bodies.length === 1)
  await ask(host.url, 1)
  await until('the delivery', () => receiver.calls.length === 2)
  await host.stop()
  expect(receiver.headers.map((headers) => headers['content-encoding'])).toEqual(codings)
  expect(receiver.bodies[1]!.equals(receiver.bodies[0]!)).toBe(true)
  expect(receiver.counts).toEqual({ seen: 2, sent: 2 })
})

test.each([
  [400, 'refused'],
  [401, 'refused'],
  [413, 'too_large'],
])('%i: never sent again, counted as %s, said once', async (status, reason) => {
  receiver.intercept = (_, response) => {
    if (receiver.bodies.length > 1) return false
    response.writeHead(status).end()
    return true
  }
  const host = await serve('http.cjs', { collector: receiver.url, env: lean })
  await ask(host.url, 4)
  await until('the refusal', () => host.output().stderr !== '')
  await ask(host.url, 2)
  const end = await host.stop()
  expect(end.stderr).toBe(`[callsight] the collector refuses data (HTTP ${status}); it is dropped and counted\n`)
  expect(receiver.calls).toHaveLength(2)
  expect(receiver.counts).toEqual({ seen: 6, sent: 2, [`dropped ${reason}`]: 4 })
})

test('partial success: what the collector rejects is counted', async () => {
  receiver.intercept = (_, response) => {
    // ExportTraceServiceResponse { partial_success { rejected_spans: 2, error_message: "no" } }
    response.writeHead(200).end(Buffer.from([0x0a, 6, 0x08, 2, 0x12, 2, 0x6e, 0x6f]))
    return true
  }
  const host = await serve('http.cjs', { collector: receiver.url, env: lean })
  await ask(host.url, 5)
  await host.stop()
  expect(receiver.counts).toEqual({ seen: 5, sent: 3, 'dropped refused': 2 })
})

test('down, then up: calls made meanwhile arrive', async () => {
  const { port, url, close } = receiver
  await close()
  const host = await serve('http.cjs', { collector: url })
  expect(await ask(host.url, 5)).toEqual([200, 200, 200, 200, 200])
  await until('the first failure', () => host.output().stderr !== '')
  receiver = await startReceiver(port)
  await until('the delivery', () => receiver.calls.length === 5)
  const end = await host.stop()
  expect(end.stderr).toBe('[callsight] cannot deliver yet (ECONNREFUSED); calls are kept and sent again later\n')
  expect(receiver.counts).toEqual({ seen: 5, sent: 5 })
})

test('hanging: the application does not notice', async () => {
  let connected = 0
  const hole: Server = createServer(() => {
    connected += 1
  })
  await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
  const host = await serve('http.cjs', { collector: `http://127.0.0.1:${(hole.address() as { port: number }).port}` })
  await ask(host.url, 1)
  await until('the agent to connect', () => connected > 0)
  const begun = performance.now()
  expect(await ask(host.url, 50)).toEqual(Array(50).fill(200))
  expect(performance.now() - begun).toBeLessThan(3000)
  host.process.kill('SIGKILL')
  await host.ended
  hole.close()
})

test('a fault in one feature: contained, counted, said once; the call is recorded without what it would have told', async () => {
  const host = await serve('http.cjs', {
    collector: receiver.url,
    node: ['--require', fileURLToPath(new URL('app/sabotage.cjs', import.meta.url))],
  })
  expect(await ask(host.url, 30)).toEqual(Array(30).fill(200))
  expect(await (await fetch(`${host.url}/text`)).text()).toBe('hällo')
  const end = await host.stop()
  expect(end).toMatchObject({ signal: 'SIGTERM' })
  expect(end.stderr.match(/fault in routes, the application is not affected: Error: sabotage/g)).toHaveLength(1)
  expect(end.stderr.match(/10 faults in routes within a minute: it is switched off in this process/g)).toHaveLength(1)
  expect(receiver.counts).toEqual({ seen: 31, sent: 31 })
  expect(tally(receiver.calls, (call) => call.name)).toEqual({ 'GET _OTHER': 31 })
})

test('413 for a request with headers and bodies: sent again without them, no call is lost', async () => {
  receiver.intercept = (_, response) => {
    if (receiver.contents.at(-1)!.length < 2000) return false
    response.writeHead(413).end()
    return true
  }
  const host = await serve('http.cjs', { collector: receiver.url, env: { CALLSIGHT_CAPTURE_BODIES: 'all' } })
  const headers = { 'content-type': 'application/json' }
  for (let i = 0; i < 2; i++) {
    const body = JSON.stringify({ text: 'word '.repeat(500) })
    await (await fetch(`${host.url}/read`, { method: 'POST', headers, body })).text()
  }
  await host.stop()
  expect(receiver.counts).toEqual({ seen: 2, sent: 2 })
  expect(receiver.vitals['payloads_dropped too_large']).toBe(2)
  expect(receiver.calls.map(({ name }) => name)).toEqual(['POST /read', 'POST /read'])
})
