import type { Quota } from '../../config/config.ts'

/** From start (inclusive) to end (exclusive), whole minutes in epoch milliseconds. */
export interface Period {
  readonly startMs: number
  readonly endMs: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** The quota's period that contains `nowMs`. A month is one of the time zone, with its 23- and 25-hour days. */
export function periodOf(per: Quota['per'], timeZone: string, nowMs: number): Period {
  if (per === '1m') {
    const startMs = Math.floor(nowMs / MINUTE) * MINUTE
    return { startMs, endMs: startMs + MINUTE }
  }
  const month = monthIn(timeZone, nowMs)
  return { startMs: monthStart(timeZone, month), endMs: monthStart(timeZone, month + 1) }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Months since year 0, by the calendar of the time zone. */
function monthIn(timeZone: string, ms: number): number {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', year: 'numeric', month: 'numeric' })
    formats.set(timeZone, format)
  }
  const parts = format.formatToParts(ms)
  const number = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  return number('year') * 12 + number('month') - 1
}

/**
 * The first minute of a month. Found by bisection over the hours in which it begins somewhere on earth, so that a
 * month whose first midnight is skipped by daylight saving time needs no case of its own.
 */
function monthStart(timeZone: string, month: number): number {
  const utc = Date.UTC(Math.floor(month / 12), month % 12, 1)
  if (timeZone === 'UTC') return utc
  let before = (utc - 16 * HOUR) / MINUTE
  let after = (utc + 16 * HOUR) / MINUTE
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (monthIn(timeZone, middle * MINUTE) < month) before = middle
    else after = middle
  }
  return after * MINUTE
}
