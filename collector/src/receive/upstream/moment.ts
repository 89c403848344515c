import { limits } from '../../limits.ts'

const NUMBER = /^\d{1,19}(?:\.\d{1,9})?$/
/** As Go writes durations: `6m0s`, `17ms`, `1h2m3.5s`. */
const DURATION = /^(?:\d{1,12}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h|d)){1,8}$/
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g
/** RFC 3339, and what differs from it in a blank or a missing zone (then UTC). */
const ISO_DATE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/i
/** The three forms of RFC 9110, 5.6.7. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [A-Za-z0-9 :-]{14,40}$/

const MILLISECONDS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Beyond this a number of seconds is no waiting time (31 years) but a moment (September 2001). */
const EPOCH = 1e9

/**
 * The moment a field tells, however it does: seconds from now, a duration, or seconds, milli-, micro- or nanoseconds
 * since 1970, or a date. Numbers are told apart by their size.
 *
 * @param nowMs when the answer came
 * @returns epoch milliseconds, whole; undefined for anything else, and for what is too far away to be meant
 */
export function momentOf(field: string, nowMs: number): number | undefined {
  const text = field.trim()
  if (NUMBER.test(text)) return near(fromNumber(Number(text), nowMs), nowMs)
  if (DURATION.test(text)) {
    let sum = 0
    for (const [, number, unit] of text.matchAll(DURATION_PART)) {
      sum += Number(number) * MILLISECONDS[unit as keyof typeof MILLISECONDS]
    }
    return near(nowMs + sum, nowMs)
  }
  const iso = ISO_DATE.exec(text)
  if (iso !== null) return near(Date.parse(iso[1] === undefined ? `${text.replace(' ', 'T')}Z` : text), nowMs)
  return HTTP_DATE.test(text) ? near(Date.parse(text), nowMs) : undefined
}

function fromNumber(number: number, nowMs: number): number {
  if (number < EPOCH) return nowMs + number * 1000
  if (number < EPOCH * 100) return number * 1000
  if (number < EPOCH * 1e5) return number
  return number < EPOCH * 1e8 ? number / 1000 : number / 1e6
}

function near(ms: number, nowMs: number): number | undefined {
  // NaN is not near.
  return Math.abs(ms - nowMs) <= limits.upstreamAheadMs ? Math.round(ms) : undefined
}
