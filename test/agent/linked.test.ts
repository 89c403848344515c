import { afterEach, beforeEach, expect, test } from 'vitest'
import { run, serve } from './host.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'
import { startUpstream, type Upstream } from './upstream.ts'

let receiver: Receiver
let upstream: Upstream
let upstream2: Upstream

beforeEach(async () => {
  receiver = await startReceiver()
  upstream = await startUpstream()
  upstream2 = await startUpstream('http2')
})
afterEach(() => Promise.all([receiver.close(), upstream.close(), upstream2.close()]))

const CLIENTS = ['http', 'fetch', 'undici-6', 'undici-7', 'http2']

/** Asks the application once; returns its incoming call and the outgoing ones, by client. */
async function ask(path: string, env: Record<string, string>, headers: Record<string, string> = {}) {
  const args = [upstream.origin, upstream2.origin]
  const host = await serve('linked.cjs', { collector: receiver.url, args, env })
  expect((await fetch(host.url + path, { headers })).status).toBe(200)
  const { stderr, stdout } = await host.stop()
  expect(stderr).toBe('')
  const incoming = receiver.calls.find(({ kind }) => kind === 2)!
  const outgoing: Record<string, ReceivedSpan> = {}
  for (const call of receiver.calls.filter(({ kind }) => kind === 3)) outgoing[call.name.split('/').at(-1)!] = call
  expect(Object.keys(outgoing)).toHaveLength(CLIENTS.length)
  expect(receiver.calls).toHaveLength(CLIENTS.length + 1)
  return { incoming, outgoing, stdout }
}

/** What the upstream was told, by the path it was asked for. */
function told(client: string): string | undefined {
  const seen = [...upstream.seen, ...upstream2.seen].find(({ path }) => path.endsWith(`/${client}`))
  return seen!.headers.traceparent as string | undefined
}

test('untraced: outgoing calls are children of the incoming one, and no header is added', async () => {
  const { incoming, outgoing } = await ask('/plain', { APP_DOOR: '1' })
  for (const client of CLIENTS) {
    expect(outgoing[client]).toMatchObject({ traceId: incoming.traceId, parentSpanId: incoming.spanId })
    expect(outgoing[client]!.spanId).not.toBe(incoming.spanId)
    expect(told(client)).toBeUndefined()
  }
})

test('a trace that came in goes on; a header that the application passes on names its caller, not the call', async () => {
  const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' }
  const { incoming, outgoing } = await ask('/forward', { APP_DOOR: '1' }, headers)
  expect(incoming).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' })
  for (const client of CLIENTS) {
    expect(outgoing[client]).toMatchObject({ traceId: incoming.traceId, parentSpanId: incoming.spanId })
    expect(outgoing[client]!.spanId).not.toBe('b7ad6b7169203331')
    expect(told(client)).toBe(headers.traceparent)
  }
})

test('traced: a call has the ids that its header tells, and its span is not sent again', async () => {
  const { incoming, outgoing } = await ask('/traced', { CALLSIGHT_TRACE_RATIO: '1' })
  for (const client of CLIENTS) {
    expect(outgoing[client]).toMatchObject({ traceId: incoming.traceId, parentSpanId: incoming.spanId })
    // OpenTelemetry does not instrument http2.
    if (client !== 'http2') expect(told(client)).toBe(`00-${incoming.traceId}-${outgoing[client]!.spanId}-01`)
  }
  expect(receiver.inner).toEqual([])
})

test('the application’s own SDK: its ids, beneath its span', async () => {
  const { incoming, outgoing, stdout } = await ask('/own', { APP_SDK: '1', CALLSIGHT_TRACE_RATIO: '1' })
  for (const client of CLIENTS) {
    expect(outgoing[client]).toMatchObject({ traceId: incoming.traceId, parentSpanId: incoming.spanId })
  }
  expect(told('http')).toBe(`00-${incoming.traceId}-${outgoing.http!.spanId}-01`)
  expect(stdout).toContain(outgoing.http!.spanId)
})

test.each(['--require', '--import'] as const)('a module imports what is watched (%s)', async (load) => {
  const args = [upstream.origin, upstream2.origin]
  const end = await run('outbound.mjs', { collector: receiver.url, args, load }).ended
  expect([end.code, end.stderr]).toEqual([0, ''])
  const paths = receiver.calls.map(({ attributes }) => attributes['url.path'])
  expect(paths.sort()).toEqual(['/text/connect', '/text/fetch', '/text/http', '/text/promised'])
})
