import type { AlertEvent } from '../judge/alert/step.ts'
import type { Notice } from './notice.ts'

/** A notice of one event alone, with what the event itself knows. */
export function noticeOf(event: AlertEvent, externalUrl: string): Notice {
  const firing = event.state === 'firing'
  const labels = { ...event.labels, alertname: event.rule, severity: event.severity }
  const group = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const board = `${externalUrl}/d/callsight-overview`
  return {
    id: event.id,
    groupKey: `{}:{${group.join(', ')}}`,
    groupLabels: labels,
    status: firing ? 'firing' : 'resolved',
    reason: firing ? 'firing' : 'resolved',
    alerts: [
      {
        event,
        startsAtMs: event.activeSinceMs,
        endsAtMs: firing ? undefined : event.atMs,
        links: { board, calls: `${externalUrl}/api/v1/calls` },
        hurt: [],
        hurtConsumers: 0,
        compared: '',
      },
    ],
    truncated: 0,
    createdMs: event.atMs,
  }
}
