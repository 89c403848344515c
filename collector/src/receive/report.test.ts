import { expect, it } from 'vitest'
import { reportRows } from './report.ts'

const startNs = 1_795_215_600_000_000_000n
const timeNs = 1_795_219_200_123_456_789n
const point = (metric: string, value: number, attributes = {}) => ({ metric, value, attributes, startNs, timeNs })
const resource = { 'service.name': 'shop', 'service.instance.id': 'i1', 'telemetry.distro.version': '0.1.0' }

it('makes one row of an agent’s account, and counts the metrics of others', () => {
  const points = [
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
    { ...point('callsight.agent.queue_bytes', 9000), startNs: 0n },
    point('callsight.agent.queue_calls', 8),
    point('callsight.agent.open_calls', 1),
    point('callsight.agent.disabled', 1, { feature: 'outgoing' }),
    point('callsight.agent.disabled', 1, { feature: 'bodies' }),
    point('callsight.agent.disabled', 0, { feature: 'routes' }),
    point('callsight.agent.something_new', 5),
    point('nodejs.eventloop.delay', 0.5),
  ]
  expect(reportRows([{ resource, scope: '', points, others: 3 }], 'prod')).toEqual({
    rows: [
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
    others: 4,
  })
})

it('makes no row of a request without an account, and survives impossible values', () => {
  expect(reportRows([{ resource, scope: '', points: [point('other', 1)], others: 0 }], undefined)).toEqual({
    rows: [],
    others: 1,
  })
  const [row] = reportRows(
    [
      {
        resource: {},
        scope: '',
        points: [point('callsight.agent.seen', Number.NaN), point('callsight.agent.sent', -5)],
        others: 0,
      },
    ],
    undefined,
  ).rows
  expect(row).toMatchObject({ service: 'unknown_service', seen: 0, sent: 0 })
})

it('makes no row of a newer agent’s unknown metric alone, and does not tell it off', () => {
  const points = [point('callsight.agent.something_new', 5)]
  expect(reportRows([{ resource, scope: '', points, others: 0 }], undefined)).toEqual({ rows: [], others: 0 })
})
