import type { AlertEvent } from '../judge/alert/step.ts'

/**
 * The body of a notice: Alertmanager's webhook document, version 4, with the one alert that changed. It depends on
 * nothing but its arguments, so that a repeated attempt sends the same bytes under the same id.
 *
 * @param receiver the channel's name
 * @param externalUrl where people find this collector; the document's links start there
 */
export function noticeBody(event: AlertEvent, receiver: string, externalUrl: string): string {
  const status = event.state === 'firing' ? 'firing' : 'resolved'
  const labels = { ...event.labels, alertname: event.rule, severity: event.severity }
  const annotations = {
    summary: event.summary,
    ...(event.value === null ? {} : { value: String(event.value) }),
    threshold: String(event.threshold),
    calls: String(event.calls),
  }
  const group = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{${group.join(', ')}}`,
    truncatedAlerts: 0,
    status,
    receiver,
    groupLabels: labels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: externalUrl,
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: new Date(event.activeSinceMs).toISOString(),
        // As Alertmanager writes "not yet".
        endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : new Date(event.atMs).toISOString(),
        generatorURL: `${externalUrl}/d/callsight-overview`,
        fingerprint: event.fingerprint,
      },
    ],
  })
}
