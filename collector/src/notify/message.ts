import { limits } from '../limits.ts'
import type { Notice, NoticeAlert } from './notice.ts'

/** A notice as people read it: what broke, since when, for whom, compared with when, and where to look. */
export interface Message {
  /** `Firing: slow-checkout (POST /orders)` */
  readonly title: string
  readonly status: 'firing' | 'resolved'
  /** Of its worst alert. */
  readonly severity: string
  readonly alerts: readonly MessageAlert[]
  /** Says how many alerts are left out; empty when none is. */
  readonly leftOut: string
}

export interface MessageAlert {
  readonly status: 'firing' | 'resolved'
  readonly summary: string
  /** In their order: Since, For whom, Compared; those that are known. */
  readonly facts: readonly { readonly name: string; readonly value: string }[]
  readonly links: readonly { readonly name: string; readonly url: string }[]
}

const words: Record<Notice['reason'], string> = {
  firing: 'Firing',
  changed: 'Firing',
  repeat: 'Still firing',
  resolved: 'Resolved',
  flapping: 'Flapping',
  threshold: 'Threshold reached',
  test: 'Test',
}

/** @param shown how many of the alerts it tells of, at most */
export function messageOf(notice: Notice, shown: number = limits.noticeAlertsShown): Message {
  const { alerts, truncated, status, reason } = notice
  const told = alerts.slice(0, shown)
  const left = truncated + alerts.length - told.length
  const word = status === 'resolved' && reason !== 'test' && reason !== 'flapping' ? 'Resolved' : words[reason]
  return {
    title: clipped(`${word}: ${subjectOf(notice)}`, limits.noticeTitleChars),
    status,
    severity: alerts[0]?.event.severity ?? '',
    alerts: told.map(alertOf),
    leftOut: left === 0 ? '' : `${counted(left, 'more alert')} left out here; the board has all of them.`,
  }
}

/**
 * The message with as many alerts as fit.
 *
 * @param render makes of a message what is sent
 * @param fits whether a service takes that
 */
export function fitted<R>(notice: Notice, render: (message: Message) => R, fits: (rendered: R) => boolean): R {
  // Half of the rest at a time: rendering is work, and what is larger fits less.
  let [least, most] = [0, Math.min(notice.alerts.length, limits.noticeAlertsShown)]
  let best: R | undefined
  while (best === undefined || least < most) {
    const shown = best === undefined ? most : Math.ceil((least + most) / 2)
    const rendered = render(messageOf(notice, shown))
    if (fits(rendered) || shown === 0) {
      if (shown === most) return rendered
      best = rendered
      least = shown
    } else {
      most = shown - 1
      best ??= render(messageOf(notice, 0))
    }
  }
  return best
}

/**
 * One line, at most this long after it is escaped; what is cut off ends in an ellipsis. Characters stay whole.
 */
export function clipped(text: string, chars: number, safe: (text: string) => string = (same) => same): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  const whole = safe(line)
  if (whole.length <= chars) return whole
  let kept = ''
  // Nothing gets shorter by being made safe.
  for (const character of line.slice(0, chars)) {
    const next = safe(character)
    if (kept.length + next.length > chars - 1) break
    kept += next
  }
  return `${kept.replace(/[\uD800-\uDBFF]$/, '').trimEnd()}…`
}

/** `acme: 40 of 120 calls, bob: 3 of 9 calls, and 5 more consumers`, or empty. */
export function hurtText(hurt: NoticeAlert['hurt'], consumers: number): string {
  const named = hurt.map(({ consumer, calls, failed }) => {
    return `${consumer === '' ? 'unknown callers' : consumer}: ${failed} of ${counted(calls, 'call')}`
  })
  const more = consumers - hurt.length
  return more > 0 && named.length > 0 ? `${named.join(', ')}, and ${counted(more, 'more consumer')}` : named.join(', ')
}

/** `2026-11-21 10:00:05 UTC` */
export function timeWords(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function subjectOf({ alerts, truncated, groupLabels }: Notice): string {
  const count = alerts.length + truncated
  const names = [...new Set(alerts.map(({ event }) => event.rule))]
  const rules = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more rules`] : names
  const about = count === 1 ? (alerts[0]?.event.labels ?? groupLabels) : groupLabels
  const values = Object.entries(about)
    .filter(([name, value]) => name !== 'alertname' && name !== 'severity' && value !== '')
    .map(([, value]) => value)
  const place = values.length === 0 ? '' : ` (${values.join(', ')})`
  return count === 1 ? `${rules[0] ?? ''}${place}` : `${rules.join(', ')}, ${counted(count, 'alert')}${place}`
}

function alertOf(alert: NoticeAlert): MessageAlert {
  const { event, startsAtMs, endsAtMs, links, compared } = alert
  const until = endsAtMs === undefined ? '' : ` until ${timeWords(endsAtMs)}, ${lastingText(endsAtMs - startsAtMs)}`
  const facts = [
    { name: 'Since', value: `${timeWords(startsAtMs)}${until}` },
    { name: 'For whom', value: hurtText(alert.hurt, alert.hurtConsumers) },
    { name: 'Compared', value: compared },
  ]
  return {
    status: endsAtMs === undefined ? 'firing' : 'resolved',
    summary: event.summary,
    facts: facts.filter(({ value }) => value !== ''),
    // A link that is cut leads nowhere.
    links: [
      { name: 'Board', url: links.board },
      { name: 'Calls', url: links.calls },
    ].filter(({ url }) => url.length <= limits.noticeUrlChars),
  }
}

/** `3 d 2 h`, `12 min`, `5 s`: the two largest units. */
function lastingText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const
  let rest = Math.max(0, ms)
  const parts = units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? [] : [`${count} ${unit}`]
  })
  return parts.slice(0, 2).join(' ') || 'less than a second'
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
