import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import oracle from 'otlp-transformer-oracle/build/src/generated/root.js'
import { describe, expect, it } from 'vitest'
import { migrate, statements } from '../../collector/src/store/migrate.ts'
import { openStore } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { api, inStore, type RunningCollector, settled, startCollector, temporaryFolder } from '../program.ts'

// biome-ignore lint/suspicious/noExplicitAny: generated code with types of its own
const proto = (oracle as any).opentelemetry.proto.collector
const encoders = {
  traces: proto.trace.v1.ExportTraceServiceRequest,
  metrics: proto.metrics.v1.ExportMetricsServiceRequest,
}

type Attributes = Record<string, string | number | boolean | string[] | Buffer>

const start = Math.floor(Date.now() / 1000) * 1000 - 5000
const nanos = (ms: number) => String(BigInt(ms) * 1_000_000n)

function pairs(attributes: Attributes): { key: string; value: object }[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: Attributes[string]): object {
  if (Array.isArray(value)) return { arrayValue: { values: value.map((one) => ({ stringValue: one })) } }
  if (Buffer.isBuffer(value)) return { bytesValue: value.toString('base64') }
  if (typeof value === 'string') return { stringValue: value }
  return typeof value === 'boolean' ? { boolValue: value } : { intValue: value }
}

function spanOf(id: number, attributes: Attributes, kind = 2) {
  const span = { traceId: hex(id, 32), spanId: hex(id, 16), kind, attributes: pairs(attributes) }
  return { ...span, startTimeUnixNano: nanos(start + id), endTimeUnixNano: nanos(start + id + 20) }
}

const hex = (id: number, digits: number) => id.toString(16).padStart(digits, '0')
const callId = (id: number) => `${hex(id, 32)}-${hex(id, 16)}`

const ours = {
  'service.name': 'shop',
  'service.instance.id': 'i1',
  'telemetry.distro.name': 'callsight',
  'telemetry.distro.version': '0.2.0',
}

function traces(resource: Attributes, scope: string, spans: object[]) {
  return {
    resourceSpans: [{ resource: { attributes: pairs(resource) }, scopeSpans: [{ scope: { name: scope }, spans }] }],
  }
}

/** Sends the same bytes as often as told, and says how each was answered. */
async function send(
  collector: RunningCollector,
  signal: 'traces' | 'metrics',
  request: object,
  wire: 'protobuf' | 'json' = 'json',
  times = 1,
): Promise<number[]> {
  const type = encoders[signal]
  // protobufjs reads ids as base64, JSON has them in hexadecimal.
  const withBytes = () =>
    JSON.parse(JSON.stringify(request), (key, value) =>
      /^(traceId|spanId|parentSpanId)$/.test(key) ? Buffer.from(value, 'hex').toString('base64') : value,
    )
  const plain = wire === 'json' ? JSON.stringify(request) : type.encode(type.fromObject(withBytes())).finish()
  const answers: number[] = []
  for (let i = 0; i < times; i++) {
    const response = await fetch(`${collector.otlp}/v1/${signal}`, {
      method: 'POST',
      body: gzipSync(plain),
      headers: {
        'content-type': wire === 'json' ? 'application/json' : 'application/x-protobuf',
        'content-encoding': 'gzip',
      },
    })
    answers.push(response.status)
    await response.arrayBuffer()
  }
  return answers
}

const failedOrder: Attributes = {
  'http.request.method': 'POST',
  'http.route': '/orders',
  'url.path': '/orders',
  'http.response.status_code': 500,
  'callsight.operation': 'POST /orders',
  'callsight.outcome': 'server_error',
  'callsight.consumer.id': 'acme',
  'callsight.consumer.source': 'jwt',
  'callsight.consumer.verified': false,
  'callsight.loop_wait_us': 4200,
  'callsight.detail': 'failed',
  'callsight.redaction': 'r7',
  'url.query': 'dry=1&token=***',
  'http.request.header.content-type': ['application/json'],
  'http.response.header.set-cookie': ['a=***', 'b=***'],
  'http.request.body.content': '{"book":1,"card":"***"}',
  'http.request.body.size': 23,
  'http.response.body.content': Buffer.from('{"error":"kein Büch'),
  'http.response.body.size': 900,
  'callsight.response.body.truncated': true,
}

const plainCall: Attributes = {
  'http.request.method': 'GET',
  'http.response.status_code': 200,
  'callsight.operation': 'GET /books/{id}',
  'callsight.operation.source': 'guess',
  'callsight.outcome': 'ok',
}

describe.each(['protobuf', 'json'] as const)('an agent’s calls with payloads, as %s', (wire) => {
  it('are stored once each, however often they are sent, and answered with what they carried', async () => {
    const collector = await startCollector()
    const inner = { ...spanOf(9, {}, 1), traceId: hex(1, 32), parentSpanId: hex(1, 16), name: 'INSERT orders' }
    const request = traces(ours, '@callsight/agent', [spanOf(1, failedOrder), spanOf(2, plainCall), inner])
    expect(await send(collector, 'traces', request, wire, 3)).toEqual([200, 200, 200])
    await settled(collector)

    expect(await api(collector, `/api/v1/calls/${callId(1)}`)).toMatchObject({
      operation: 'POST /orders',
      operation_source: 'framework',
      consumer: 'acme',
      consumer_source: 'jwt',
      consumer_verified: false,
      loop_wait_ms: 4.2,
      detail: 'failed',
      attributes: {},
      payload: {
        detail: 'failed',
        redaction: 'r7',
        query: 'dry=1&token=***',
        request: {
          headers: { 'content-type': ['application/json'] },
          body: '{"book":1,"card":"***"}',
          truncated: false,
        },
        response: { headers: { 'set-cookie': ['a=***', 'b=***'] }, body: '{"error":"kein Büch', truncated: true },
      },
      spans: [{ name: 'INSERT orders', kind: 'internal' }],
    })
    expect(await api(collector, `/api/v1/calls/${callId(2)}`)).toMatchObject({
      operation_source: 'guess',
      consumer_verified: true,
      payload: null,
      spans: [],
    })
    const kept = await api<{ calls: { id: string }[] }>(collector, '/api/v1/calls?detail=failed')
    expect(kept.calls.map(({ id }) => id)).toEqual([callId(1)])
    const unknown = await fetch(`${collector.web}/api/v1/calls/${callId(77)}`)
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([
      404,
      expect.stringContaining('application/problem+json'),
    ])
    expect(await unknown.json()).toMatchObject({
      detail: `there is no call ${callId(77)}; calls are kept for as long as retention.calls says`,
    })
    await collector.stop()

    await inStore(collector.data, async (store) => {
      expect(
        await store.query('SELECT span_id, request_bytes, response_bytes, request_truncated FROM payloads'),
      ).toEqual([{ span_id: hex(1, 16), request_bytes: 23, response_bytes: 900, request_truncated: false }])
      expect(await store.query('SELECT count() AS n FROM calls')).toEqual([{ n: 2 }])
      expect(await store.query('SELECT sum(calls) AS n FROM calls_15m')).toEqual([{ n: 2 }])
    })
  })
})

it('a request that was stored and is sent again after kill -9 counts once in payloads, too', async () => {
  const data = join(temporaryFolder(), 'data')
  let collector = await startCollector({ data })
  const request = traces(ours, '@callsight/agent', [spanOf(1, failedOrder)])
  expect(await send(collector, 'traces', request)).toEqual([200])
  await collector.kill()
  collector = await startCollector({ data })
  expect(await send(collector, 'traces', request, 'json', 2)).toEqual([200, 200])
  await collector.stop()
  await inStore(data, async (store) => {
    expect(await store.query('SELECT count() AS n FROM payloads')).toEqual([{ n: 1 }])
    expect(await store.query('SELECT count() AS n FROM calls')).toEqual([{ n: 1 }])
  })
})

it('of a stock SDK no query, no body and no header that could hold a secret is stored anywhere', async () => {
  const collector = await startCollector()
  const attributes = {
    'http.request.method': 'GET',
    'url.full': 'https://api.example.com/v1/things?api_key=hunter2',
    'url.query': 'api_key=hunter2',
    'http.request.header.authorization': ['Bearer hunter2'],
    'http.response.header.content-type': ['text/plain'],
    'http.request.body.content': 'hunter2',
    // It may say so, but it is not our agent.
    'callsight.redaction': 'r7',
  }
  await send(collector, 'traces', traces({ 'service.name': 'sdk' }, 'http', [spanOf(1, attributes, 3)]))
  await settled(collector)
  expect(await api(collector, `/api/v1/calls/${callId(1)}`)).toMatchObject({
    peer: 'api.example.com',
    path: '/v1/things',
    payload: { redaction: '', query: '', response: { headers: { 'content-type': ['text/plain'] }, body: '' } },
  })
  const metrics = await fetch(`${collector.web}/metrics`).then((response) => response.text())
  expect(metrics).toContain('callsight_withheld_total{what="header"} 1')
  expect(metrics).toContain('callsight_withheld_total{what="body"} 1')
  expect(metrics).toContain('callsight_withheld_total{what="query"} 1')
  await collector.stop()
  await inStore(collector.data, async (store) => {
    for (const table of ['calls', 'payloads', 'spans']) {
      const rows = JSON.stringify(await store.query(`SELECT * FROM ${table}`))
      expect(rows).not.toContain('hunter2')
    }
  })
})

describe('the account of an agent', () => {
  /** One report: counters by name, or by name and value of their attribute. */
  function report(started: number, at: number, values: Record<string, number>, resource: Attributes = ours) {
    const metrics = Object.entries(values).map(([key, asInt]) => {
      const [name, part] = key.split(' ')
      const by = /^(faults|disabled)$/.test(name!) ? 'feature' : 'reason'
      const attributes = part === undefined ? [] : pairs({ [by]: part })
      const point = { asInt, startTimeUnixNano: nanos(started), timeUnixNano: nanos(at), attributes }
      const data = { dataPoints: [point], aggregationTemporality: 2, isMonotonic: true }
      const gauge = /^(queue_bytes|queue_calls|open_calls|disabled)$/.test(name!)
      return gauge
        ? { name: `callsight.agent.${name}`, gauge: { dataPoints: [point] } }
        : { name: `callsight.agent.${name}`, sum: data }
    })
    const scopeMetrics = [{ scope: { name: '@callsight/agent' }, metrics }]
    return { resourceMetrics: [{ resource: { attributes: pairs(resource) }, scopeMetrics }] }
  }

  it('adds up over the starts of an instance, and says what is nowhere', async () => {
    const collector = await startCollector()
    await send(
      collector,
      'traces',
      traces(
        ours,
        '@callsight/agent',
        [1, 2, 3, 4, 5].map((id) => spanOf(id, plainCall)),
      ),
    )
    // It was killed with two calls in its queue, and started again under the same name.
    await send(collector, 'metrics', report(start - 60_000, start - 50_000, { seen: 3, sent: 1, work_us: 90 }))
    await send(
      collector,
      'metrics',
      report(start - 60_000, start - 40_000, { seen: 5, sent: 3, work_us: 150, 'faults bodies': 1 }),
    )
    const now = {
      seen: 10,
      sent: 2,
      'dropped queue_full': 4,
      'dropped refused': 1,
      payloads_kept: 3,
      'payloads_dropped rate': 2,
      'faults bodies': 5,
      work_us: 300,
      queue_bytes: 7000,
      queue_calls: 3,
      open_calls: 1,
      'disabled bodies': 1,
    }
    await send(collector, 'metrics', report(start - 30_000, start, now), 'protobuf', 2)
    await send(
      collector,
      'metrics',
      report(start, start, { seen: 0, sent: 0 }, { ...ours, 'service.instance.id': 'i2' }),
    )
    // It started before the oldest call that is kept: how many of its calls are stored cannot be known.
    const old = { ...ours, 'service.instance.id': 'i3' }
    await send(collector, 'metrics', report(start - 40 * 86_400_000, start - 1, { seen: 9, sent: 9 }, old))
    await settled(collector)

    const { agents } = await api<{ agents: Record<string, unknown>[] }>(collector, '/api/v1/agents')
    expect(agents).toEqual([
      {
        service: 'shop',
        instance: 'i1',
        env: '',
        version: '0.2.0',
        starts: 2,
        started_at: expect.any(String),
        reported_at: expect.any(String),
        seen: 15,
        sent: 5,
        stored: 5,
        dropped: { queue_full: 4, refused: 1 },
        in_flight: 3,
        missing: 2,
        spans_dropped: 0,
        payloads_kept: 3,
        payloads_dropped: { rate: 2 },
        work_us: 450,
        work_us_per_call: 30,
        queue_bytes: 7000,
        queue_calls: 3,
        open_calls: 1,
        faults: { bodies: 6 },
        disabled: ['bodies'],
      },
      expect.objectContaining({ instance: 'i2', seen: 0, stored: 0, missing: 0, in_flight: 0, work_us_per_call: null }),
      expect.objectContaining({ instance: 'i3', seen: 9, sent: 9, stored: null, missing: null, in_flight: 0 }),
    ])
    expect(Date.parse(String(agents[0]!.started_at))).toBe(start - 30_000)
    expect(Date.parse(String(agents[0]!.reported_at))).toBe(start)
    await collector.stop()
    await inStore(collector.data, async (store) => {
      expect(await store.query('SELECT count() AS n FROM agent_reports')).toEqual([{ n: 5 }])
    })
  })
})

it('a store of the version before is taken over with its rows, and its views go on', async () => {
  const data = join(temporaryFolder(), 'data')
  mkdirSync(data)
  const sql = new URL('../../collector/sql/', import.meta.url)
  const store = await openStore(`embedded:${data}`)
  try {
    for (const name of readdirSync(sql).sort().slice(0, 5)) {
      for (const statement of statements(readFileSync(new URL(name, sql), 'utf8'))) await store.command(statement)
    }
    const call = {
      direction: 'in',
      service: 'shop',
      instance: 'i1',
      operation: 'GET /old',
      outcome: 'ok',
      duration_us: 7,
    }
    const ids = { trace_id: hex(5, 32), span_id: hex(5, 16) }
    await store.insert('calls', [{ ts: timeText(start), ...call, ...ids }], 'old')
    const account = { service: 'shop', instance: 'i1', version: '0.1.0', seen: 3, sent: 1, dropped: { refused: 1 } }
    await store.insert('agent_reports', [{ ts: timeText(start), ...account }], 'old')
    expect(await migrate(store)).toHaveLength(readdirSync(sql).length)
    expect(await migrate(store)).toEqual([])
    // A migration that was cut off runs again as a whole.
    const later = readdirSync(sql).sort().slice(5)
    await store.command(`ALTER TABLE migrations DELETE WHERE name >= '${later[0]}' SETTINGS mutations_sync = 2`)
    expect(await migrate(store)).toHaveLength(later.length)
    expect(await store.query('SELECT instance, sum(calls) AS n FROM instance_calls GROUP BY ALL')).toEqual([
      { instance: 'i1', n: 1 },
    ])
  } finally {
    await store.close()
  }
  const collector = await startCollector({ data })
  await send(collector, 'traces', traces(ours, '@callsight/agent', [spanOf(1, failedOrder)]))
  await settled(collector)
  expect(await api(collector, `/api/v1/calls/${callId(5)}`)).toMatchObject({
    operation: 'GET /old',
    operation_source: '',
    consumer_verified: true,
    loop_wait_ms: 0,
    peer_port: 0,
    payload: null,
  })
  expect(await api(collector, '/api/v1/services')).toMatchObject({ services: [{ service: 'shop', calls: 2 }] })
  expect(await api(collector, '/api/v1/agents')).toMatchObject({
    agents: [{ version: '0.1.0', starts: 1, seen: 3, stored: 2, in_flight: 1, work_us: 0, disabled: [] }],
  })
  await collector.stop()
  await inStore(data, async (opened) => {
    expect(await opened.query('SELECT sum(calls) AS n FROM calls_1m')).toEqual([{ n: 2 }])
    expect(await opened.query('SELECT sum(calls) AS n FROM calls_15m')).toEqual([{ n: 2 }])
    expect(await opened.query('SELECT operation FROM payloads')).toEqual([{ operation: 'POST /orders' }])
  })
})
