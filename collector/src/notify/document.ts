import { labelsOfAlert } from '../judge/notice/labels.ts'
import { limits } from '../limits.ts'
import { hurtText } from './message.ts'
import type { Notice, NoticeAlert } from './notice.ts'

type Texts = Readonly<Record<string, string>>

/**
 * The body of a notice: Alertmanager's webhook document, version 4. It depends on nothing but the notice and the
 * channel, so that a repeated attempt sends the same bytes under the same id. It has at most limits.noticeBytes:
 * long texts are cut, then the least bad alerts are left out and counted in `truncatedAlerts`.
 *
 * @param receiver the channel's name
 * @param externalUrl where people find this collector, for a notice whose links do not say it
 */
export function noticeBody(notice: Notice, receiver: string, externalUrl: string): string {
  const documents = notice.alerts.map(documentOf)
  let body = ''
  for (const chars of [Number.POSITIVE_INFINITY, 400, 100]) {
    let kept = documents.map((alert) => cut(alert, chars))
    for (;;) {
      body = JSON.stringify(whole(notice, kept, { receiver, externalUrl, chars }))
      if (Buffer.byteLength(body) <= limits.noticeBytes) return body
      // A text that somebody made long must not push the others out.
      if (kept.length <= 1 || chars === Number.POSITIVE_INFINITY) break
      // The common labels become shorter or longer with every alert that goes, so it is tried rather than reckoned.
      kept = kept.slice(0, Math.floor(kept.length * 0.8))
    }
  }
  return body
}

function whole(
  notice: Notice,
  alerts: ReturnType<typeof documentOf>[],
  { receiver, externalUrl, chars }: { receiver: string; externalUrl: string; chars: number },
) {
  return {
    version: '4',
    groupKey: notice.groupKey,
    truncatedAlerts: notice.truncated + notice.alerts.length - alerts.length,
    status: notice.status,
    notification_reason: notice.reason,
    receiver,
    groupLabels: cutTexts(notice.groupLabels, chars),
    commonLabels: common(alerts.map(({ labels }) => labels)),
    commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    externalURL: /^(.*)\/d\/[^/?]+\?/.exec(notice.alerts[0]?.links.board ?? '')?.[1] ?? externalUrl,
    alerts,
  }
}

/** One alert of it, as an Alertmanager takes it, too. */
export function documentOf(alert: NoticeAlert) {
  const { event, startsAtMs, endsAtMs, links, compared } = alert
  const optional = {
    value: event.value === null ? '' : String(event.value),
    hurt: hurtText(alert.hurt, alert.hurtConsumers),
    compared,
    calls_url: links.calls,
  }
  return {
    status: endsAtMs === undefined ? 'firing' : 'resolved',
    labels: labelsOfAlert(event),
    annotations: {
      summary: event.summary,
      threshold: String(event.threshold),
      calls: String(event.calls),
      ...Object.fromEntries(Object.entries(optional).filter(([, text]) => text !== '')),
    } as Texts,
    startsAt: new Date(startsAtMs).toISOString(),
    // As Alertmanager writes "not yet".
    endsAt: endsAtMs === undefined ? '0001-01-01T00:00:00Z' : new Date(endsAtMs).toISOString(),
    generatorURL: links.board,
    fingerprint: event.fingerprint,
  }
}

/** What all of them say alike. */
function common(all: readonly Texts[]): Texts {
  const [first = {}, ...others] = all
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  )
}

function cut(alert: ReturnType<typeof documentOf>, chars: number): ReturnType<typeof documentOf> {
  // Half a URL leads nowhere.
  const { calls_url = '', ...texts } = alert.annotations
  return {
    ...alert,
    labels: cutTexts(alert.labels, chars),
    annotations: {
      ...cutTexts(texts, chars),
      ...(calls_url === '' || calls_url.length > chars * 3 ? {} : { calls_url }),
    },
    generatorURL: alert.generatorURL.length > chars * 3 ? '' : alert.generatorURL,
  }
}

function cutTexts(texts: Texts, chars: number): Texts {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, text.length > chars ? `${text.slice(0, chars - 1)}…` : text]),
  )
}
