import type { Labels } from '../judge/alert/step.ts'
import { hurtText } from './message.ts'
import type { Notice, NoticeAlert } from './notice.ts'

/**
 * The body of a notice: Alertmanager's webhook document, version 4. It depends on nothing but its arguments, so that a
 * repeated attempt sends the same bytes under the same id.
 *
 * @param receiver the channel's name
 * @param externalUrl where people find this collector
 */
export function noticeBody(notice: Notice, receiver: string, externalUrl: string): string {
  const alerts = notice.alerts.map((alert) => ({
    status: alert.endsAtMs === undefined ? 'firing' : 'resolved',
    labels: labelsOf(alert),
    annotations: annotationsOf(alert),
    startsAt: new Date(alert.startsAtMs).toISOString(),
    // As Alertmanager writes "not yet".
    endsAt: alert.endsAtMs === undefined ? '0001-01-01T00:00:00Z' : new Date(alert.endsAtMs).toISOString(),
    generatorURL: alert.links.board,
    fingerprint: alert.event.fingerprint,
  }))
  return JSON.stringify({
    version: '4',
    groupKey: notice.groupKey,
    truncatedAlerts: notice.truncated,
    status: notice.status,
    receiver,
    groupLabels: notice.groupLabels,
    commonLabels: shared(alerts.map(({ labels }) => labels)),
    commonAnnotations: shared(alerts.map(({ annotations }) => annotations)),
    externalURL: externalUrl,
    notification_reason: notice.reason,
    alerts,
  })
}

export function labelsOf({ event }: NoticeAlert): Labels {
  return { ...event.labels, alertname: event.rule, severity: event.severity }
}

export function annotationsOf(alert: NoticeAlert): Labels {
  const { event, links, compared } = alert
  const hurt = hurtText(alert)
  return {
    summary: event.summary,
    ...(event.value === null ? {} : { value: String(event.value) }),
    threshold: String(event.threshold),
    calls: String(event.calls),
    ...(hurt === '' ? {} : { hurt }),
    ...(compared === '' ? {} : { compared }),
    calls_url: links.calls,
  }
}

/** What all of them have alike. */
function shared([first = {}, ...others]: readonly Labels[]): Labels {
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((labels) => labels[name] === value)),
  )
}
