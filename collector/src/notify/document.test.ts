import { describe, expect, it } from 'vitest'
import type { AlertEvent } from '../judge/alert/step.ts'
import { limits } from '../limits.ts'
import { noticeBody } from './document.ts'
import { hurtText } from './message.ts'
import type { Notice, NoticeAlert } from './notice.ts'

const at = Date.UTC(2026, 10, 21, 10)

function alert(i: number, more: Partial<AlertEvent> = {}): NoticeAlert {
  const event: AlertEvent = {
    id: `evt_${i}`,
    atMs: at,
    rule: 'slow',
    fingerprint: `f${i}`,
    labels: { service: 'shop', operation: `GET /${i}` },
    severity: 'page',
    state: 'firing',
    value: 412.3,
    threshold: 300,
    calls: 50,
    summary: `slow: p95 is 412.3 ms (operation=GET /${i})`,
    activeSinceMs: at - 60_000,
    ...more,
  }
  return {
    event,
    startsAtMs: event.activeSinceMs,
    endsAtMs: undefined,
    links: {
      board: `https://x.example.com/sub/d/callsight-overview?from=${i}`,
      calls: `https://x.example.com/sub/api/v1/calls?${i}`,
    },
    hurt: [{ consumer: 'acme', calls: 40, failed: 12 }],
    hurtConsumers: 3,
    compared: 'p95 was 120 ms in the same 5m a week before',
  }
}

function notice(alerts: readonly NoticeAlert[], truncated = 0): Notice {
  return {
    id: 'ntc_1',
    groupKey: '{}:{alertname="slow"}',
    groupLabels: { alertname: 'slow' },
    status: 'firing',
    reason: 'changed',
    alerts,
    truncated,
    createdMs: at,
  }
}

const bodyOf = (given: Notice) => {
  const text = noticeBody(given, 'ops', 'http://elsewhere')
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limits.noticeBytes)
  return JSON.parse(text)
}

describe('the document of a notice', () => {
  it('has what all its alerts say alike, and what each says alone', () => {
    const over = { ...alert(2, { state: 'resolved' }), endsAtMs: at, hurt: [], hurtConsumers: 0, compared: '' }
    expect(bodyOf(notice([alert(1), over], 4))).toMatchObject({
      version: '4',
      status: 'firing',
      notification_reason: 'changed',
      receiver: 'ops',
      truncatedAlerts: 4,
      groupLabels: { alertname: 'slow' },
      commonLabels: { alertname: 'slow', service: 'shop', severity: 'page' },
      commonAnnotations: { value: '412.3', threshold: '300', calls: '50' },
      externalURL: 'https://x.example.com/sub',
      alerts: [
        {
          status: 'firing',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: 'https://x.example.com/sub/d/callsight-overview?from=1',
          annotations: {
            hurt: 'acme: 12 of 40 calls, and 2 more consumers',
            compared: 'p95 was 120 ms in the same 5m a week before',
            calls_url: 'https://x.example.com/sub/api/v1/calls?1',
          },
        },
        { status: 'resolved', startsAt: '2026-11-21T09:59:00.000Z', endsAt: '2026-11-21T10:00:00.000Z' },
      ],
    })
  })

  it('stays below 20 kB: the least bad are left out and counted', () => {
    const body = bodyOf(
      notice(
        Array.from({ length: 50 }, (_, i) => alert(i)),
        7,
      ),
    )
    expect(body.alerts.length).toBeGreaterThan(10)
    expect(body.alerts.length + body.truncatedAlerts).toBe(57)
    expect(body.alerts[0].fingerprint).toBe('f0')
  })

  it('stays below 20 kB with labels that are as long as can be', () => {
    const long = '…'.repeat(2048)
    const names = ['service', 'env', 'version', 'operation', 'consumer', 'plan', 'style', 'method', 'route']
    const labels = Object.fromEntries(names.map((name) => [name, long]))
    const board = `https://x.example.com/d/callsight-overview?${'x'.repeat(40_000)}`
    const one = { ...alert(1, { labels, summary: long.repeat(9) }), links: { board, calls: board } }
    const body = bodyOf({ ...notice([one, one]), groupLabels: labels })
    expect(body.alerts.length).toBeGreaterThan(0)
    expect(body.alerts.length + body.truncatedAlerts).toBe(2)
    expect(body.alerts[0].labels.consumer).toMatch(/^…{50,}$/)
    expect(body.alerts[0].annotations.calls_url).toBeUndefined()
  })

  it('says who is hurt', () => {
    expect(hurtText([], 0)).toBe('')
    expect(hurtText([{ consumer: 'a', calls: 9, failed: 3 }], 1)).toBe('a: 3 of 9 calls')
    expect(hurtText([{ consumer: 'a', calls: 9, failed: 3 }], 2)).toBe('a: 3 of 9 calls, and 1 more consumer')
  })
})
