import { expect, it } from 'vitest'
import { reportRows } from './report.ts'

const point = (metric: string, value: number, attributes = {}, timeNs = 1_795_219_200_123_456_789n) => ({
  metric,
  value,
  attributes,
  timeNs,
})
const resource = { 'service.name': 'shop', 'service.instance.id': 'i1', 'telemetry.distro.version': '0.1.0' }

it('makes one row of an agent’s account, and counts the metrics of others', () => {
  const points = [
    point('callsight.agent.seen', 10),
    point('callsight.agent.sent', 7),
    point('callsight.agent.dropped', 2, { reason: 'queue_full' }),
    point('callsight.agent.dropped', 1, { reason: 'refused' }),
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
        seen: 10,
        sent: 7,
        dropped: { queue_full: 2, refused: 1 },
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
