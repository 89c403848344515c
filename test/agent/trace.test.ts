import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HostOptions, serve } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const app = (ratio: number, options: HostOptions = {}) =>
  serve('inner.cjs', {
    collector: receiver.url,
    ...options,
    env: { CALLSIGHT_TRACE_RATIO: String(ratio), ...options.env },
  })

interface Ids {
  traceId: string
  spanId: string
}
const ask = async (url: string, headers: Record<string, string> = {}) =>
  (await (await fetch(url, { headers })).json()) as Partial<Ids>

test.each(['--require', '--import'] as const)(
  'ratio 1, %s: the call is its span, inner spans come along',
  async (load) => {
    const host = await app(1, { load })
    const active = await ask(`${host.url}/books`)
    expect(await host.stop()).toMatchObject({ signal: 'SIGTERM', stderr: '' })

    const call = receiver.calls.find(({ name }) => name === 'GET /books')!
    expect([call.traceId, call.spanId, call.parentSpanId]).toEqual([active.traceId, active.spanId, ''])
    // What the application sets on the active span is on the call.
    expect(call.attributes).toMatchObject({ shelf: 'poetry', 'callsight.outcome': 'ok' })
    // The call itself, and the two it makes to its own process, seen from both sides; none as an HTTP span as well.
    expect(receiver.calls).toHaveLength(5)
    expect(receiver.inner).toHaveLength(1)
    const [own] = receiver.inner
    expect(own).toMatchObject({
      scope: 'bookshop',
      name: 'load books',
      parentSpanId: call.spanId,
      attributes: { books: 3 },
    })
    const clients = receiver.calls.filter(({ kind }) => kind === 3)
    expect(clients).toHaveLength(2)
    for (const client of clients) {
      expect(client).toMatchObject({ name: 'GET /leaf', traceId: call.traceId, parentSpanId: own!.spanId })
      // The callee is this very process: its call continues the trace.
      const leaf = receiver.calls.find(({ parentSpanId }) => parentSpanId === client.spanId)
      expect(leaf).toMatchObject({ name: 'GET /leaf', traceId: call.traceId })
    }
    expect(receiver.counts).toEqual({ seen: 5, sent: 5 })
  },
)

test('a call that is to be ignored has no inner spans either', async () => {
  const host = await app(1, { env: { CALLSIGHT_IGNORE: '/books' } })
  expect(await ask(`${host.url}/books`)).toEqual({})
  await host.stop()
  expect(receiver.inner).toEqual([])
  expect(receiver.calls.map(({ kind }) => kind)).not.toContain(1)
})

test('ratio 0 loads nothing of OpenTelemetry, and still continues the caller’s trace', async () => {
  const host = await app(0)
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const loaded = (await (await fetch(`${host.url}/modules`, { headers: { traceparent: parent } })).json()) as string[]
  await host.stop()
  expect(loaded.filter((file) => !/opentelemetry.api/.test(file))).toEqual([])
  expect(receiver.calls[0]).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
  })
})

test('ratio 1 loads the tracer, and none of the exporters that a whole SDK brings along', async () => {
  const host = await app(1)
  const loaded = (await (await fetch(`${host.url}/modules`)).json()) as string[]
  await host.stop()
  expect(loaded.filter((file) => file.includes('sdk-trace'))).not.toEqual([])
  expect(loaded.filter((file) => /exporter-|sdk-node|sdk-metrics|sdk-logs|grpc/.test(file))).toEqual([])
})

test('a share: about as many as asked for; the parent’s decision is followed', async () => {
  const host = await app(0.5)
  for (let i = 0; i < 60; i++) await ask(`${host.url}/books`)
  const sampled = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const unsampled = '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'
  expect((await ask(`${host.url}/books`, { traceparent: sampled })).traceId).toBe('0af7651916cd43dd8448eb211c80319c')
  expect(await ask(`${host.url}/books`, { traceparent: unsampled })).toEqual({})
  await host.stop()
  const traced = receiver.inner.filter(({ name }) => name === 'load books')
  // 60 tosses of a coin: outside of 10…50 once in ten million runs.
  expect(traced.length - 1).toBeGreaterThan(10)
  expect(traced.length - 1).toBeLessThan(50)
  expect(receiver.calls).toHaveLength(62 * 5)
  expect(traced.filter(({ traceId }) => traceId.startsWith('0af7651916'))).toHaveLength(1)
})

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const sdkFirst = ['--require', file('app/sdk.cjs'), '--require', file('../../agent/dist/register.js')]

test.each<[string, HostOptions]>([
  ['starts it', { env: { APP_SDK: '1' } }],
  ['preloads it before the agent', { load: 'not', node: sdkFirst }],
])('the application %s, its own SDK: ours stays away, calls take its ids', async (_, options) => {
  const host = await app(1, options)
  const active = await ask(`${host.url}/books`)
  const { stdout, stderr } = await host.stop()
  expect(stderr).toBe('')
  const call = receiver.calls.find(({ name }) => name === 'GET /books')!
  expect([call.traceId, call.spanId]).toEqual([active.traceId, active.spanId])
  // Its own spans are its own business, and it never sees the agent's requests.
  expect(receiver.inner).toEqual([])
  const servers = stdout.match(/^span 1 .*/gm)
  const clients = stdout.match(/^span 2 .*/gm)
  expect([servers?.length, clients?.length]).toEqual([3, 1])
  expect(stdout).toContain(call.spanId)
})
