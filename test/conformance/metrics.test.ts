import { afterAll, expect, it } from 'vitest'
import { limits } from '../../collector/src/limits.ts'
import { Decoder } from '../../collector/src/receive/decoder.ts'
import type { Row } from '../../collector/src/store/store.ts'
import { openEngine } from './engine.ts'
import { type Attributes, metricsOf, NOW, pairs } from './otlp.ts'

const engine = openEngine()
afterAll(() => engine.close())

const startNs = 1_795_215_600_000_000_000n
const timeNs = 1_795_219_200_123_456_789n
const resource = { 'service.name': 'shop', 'service.instance.id': 'i1', 'telemetry.distro.version': '0.1.0' }

function point(name: string, value: number, attributes: Attributes = {}, start = startNs) {
  const data = {
    dataPoints: [
      {
        attributes: pairs(attributes),
        startTimeUnixNano: String(start),
        timeUnixNano: String(timeNs),
        ...(Number.isInteger(value) ? { asInt: value } : { asDouble: value }),
      },
    ],
  }
  return start === 0n ? { name, gauge: data } : { name, sum: data }
}

function taken(metrics: unknown[], from: Attributes = resource, env: string | undefined = undefined) {
  const decoder = new Decoder({ consumers: [], keySecret: undefined, pastMs: 86_400_000, now: () => NOW })
  const result = decoder.take('metrics', 'protobuf', metricsOf(metrics, from), { env, token: '' })
  return { rejected: result.rejected, ...engine.rowsOf(decoder.drain()) } as Record<string, unknown>
}

it('makes one row of an agent’s account, keeps the numbers of runtimes, and counts the metrics of others', () => {
  const metrics = [
    point('callsight.agent.seen', 10),
    point('callsight.agent.sent', 7),
    point('callsight.agent.dropped', 2, { reason: 'queue_full' }),
    point('callsight.agent.dropped', 1, { reason: 'refused' }),
    point('callsight.agent.spans_dropped', 4),
    point('callsight.agent.payloads_kept', 6),
    point('callsight.agent.payloads_dropped', 3, { reason: 'rate' }),
    point('callsight.agent.faults', 2, { feature: 'bodies' }),
    point('callsight.agent.work_us', 512.9),
    // A gauge has no start.
    point('callsight.agent.queue_bytes', 9000, {}, 0n),
    point('callsight.agent.queue_calls', 8),
    point('callsight.agent.open_calls', 1),
    point('callsight.agent.disabled', 1, { feature: 'outgoing' }),
    point('callsight.agent.disabled', 1, { feature: 'bodies' }),
    point('callsight.agent.disabled', 0, { feature: 'routes' }),
    point('callsight.agent.something_new', 5),
    point('nodejs.eventloop.delay', 0.5, { quantile: 'p99', n: 1 }, 0n),
    point('http.server.active_requests', 3),
    { name: 'http.server.request.duration', histogram: { dataPoints: [{ count: '3' }, { count: '4' }] } },
  ]
  expect(taken(metrics, resource, 'prod')).toEqual({
    agent_reports: [
      {
        ts: '2026-11-21 00:00:00.123',
        env: 'prod',
        service: 'shop',
        instance: 'i1',
        version: '0.1.0',
        started_at: '2026-11-20 23:00:00.000',
        seen: 10,
        sent: 7,
        dropped: { queue_full: 2, refused: 1 },
        spans_dropped: 4,
        payloads_kept: 6,
        payloads_dropped: { rate: 3 },
        faults: { bodies: 2 },
        work_us: 512,
        queue_bytes: 9000,
        queue_calls: 8,
        open_calls: 1,
        disabled: ['bodies', 'outgoing'],
      },
    ],
    runtime_metrics: [
      {
        ts: '2026-11-21 00:00:00.123',
        env: 'prod',
        service: 'shop',
        instance: 'i1',
        metric: 'nodejs.eventloop.delay',
        attributes: { quantile: 'p99', n: '1' },
        value: 0.5,
      },
    ],
    rejected: 3,
  })
})

it('makes no row of a request without an account, and survives impossible values', () => {
  expect(taken([point('other', 1)])).toEqual({ rejected: 1 })
  const impossible = [
    point('callsight.agent.seen', Number.NaN),
    point('callsight.agent.sent', -5),
    point('go.x', Infinity),
  ]
  const { agent_reports, runtime_metrics } = taken(impossible, {})
  expect(agent_reports).toMatchObject([{ service: 'unknown_service', seen: 0, sent: 0 }])
  expect(runtime_metrics).toBeUndefined()
})

it('makes no row of a newer agent’s unknown metric alone, and does not tell it off', () => {
  expect(taken([point('callsight.agent.something_new', 5)])).toEqual({ rejected: 0 })
})

it('bounds the reasons and features of one account', () => {
  const many = Array.from({ length: 500 }, (_, i) => point('callsight.agent.dropped', 1, { reason: `r${i}` }))
  const [report] = taken([...many, point('callsight.agent.dropped', 9, { reason: 'r0' })]).agent_reports as Row[]
  expect(Object.keys(report!.dropped as object)).toHaveLength(limits.reportParts)
  expect(report!.dropped).toMatchObject({ r0: 9 })
})
