/** From start (inclusive) to end (exclusive), whole minutes in epoch milliseconds. */
export interface Period {
  readonly startMs: number
  readonly endMs: number
}

export type CalendarUnit = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year'

/** A day of the calendar; months count from 1. */
export interface CalendarDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * The calendar period of the time zone that contains `nowMs`. The periods of one unit, zone and anchor tile time: where
 * one ends the next begins. A day on which the zone's clock changes has 23 or 25 hours, and a day that it leaves out
 * has none.
 *
 * Weeks begin on Monday, as in ISO 8601. An hour is one of the zone's clock, so it begins at :30 in India; where the
 * clock moves by half an hour (Lord Howe Island) a shorter one fills the gap.
 *
 * @param timeZone a name of the IANA database
 * @param anchor the day on which a month, quarter or year begins, 1 to 31, the month's last day where it is shorter; or
 * a date on which some week, month, quarter or year begins (15 March 2026, a Sunday: weeks from Sunday, months from the
 * 15th, quarters from 15 March, June …, years from 15 March). Other units have none.
 * @throws {RangeError} for a time zone that does not exist
 */
export function calendarPeriod(
  unit: CalendarUnit,
  timeZone: string,
  nowMs: number,
  anchor: number | CalendarDate = 1,
): Period {
  if (unit === 'minute') {
    const startMs = Math.floor(nowMs / MINUTE) * MINUTE
    return { startMs, endMs: startMs + MINUTE }
  }
  if (unit === 'hour') return hourAt(timeZone, nowMs)
  const firstDay = firstDays(unit, anchor)
  let nth = firstDay.nthAt(Math.floor((nowMs + offsetAt(timeZone, nowMs)) / DAY))
  // Where a clock is set back past midnight, a moment after the first minute of a day may still be dated the day before.
  while (dayStart(timeZone, firstDay.of(nth)) > nowMs) nth--
  while (dayStart(timeZone, firstDay.of(nth + 1)) <= nowMs) nth++
  return { startMs: dayStart(timeZone, firstDay.of(nth)), endMs: dayStart(timeZone, firstDay.of(nth + 1)) }
}

/**
 * The hour of the week in the time zone, 0 to 167, the first one on Monday at midnight.
 *
 * @throws {RangeError} for a time zone that does not exist
 */
export function hourOfWeek(timeZone: string, ms: number): number {
  const hours = Math.floor((ms + offsetAt(timeZone, ms)) / HOUR)
  return mod(hours - MONDAY * 24, 7 * 24)
}

/** The days on which the periods of a unit begin, counted from 1970-01-01. */
interface FirstDays {
  /** Of the nth period, counted from any. */
  of(nth: number): number
  /** Which period a day lies in. */
  nthAt(day: number): number
}

/** 1970-01-05, the first Monday. */
const MONDAY = 4

function firstDays(unit: Exclude<CalendarUnit, 'minute' | 'hour'>, anchor: number | CalendarDate): FirstDays {
  if (unit === 'day') return { of: (nth) => nth, nthAt: (day) => day }
  if (unit === 'week') {
    const first = typeof anchor === 'number' ? MONDAY : dayNumber(anchor.year * 12 + anchor.month - 1, anchor.day)
    return { of: (nth) => first + nth * 7, nthAt: (day) => Math.floor((day - first) / 7) }
  }
  const { month, day: dayOfMonth } = typeof anchor === 'number' ? { month: 1, day: anchor } : anchor
  const months = { month: 1, quarter: 3, year: 12 }[unit]
  const shift = (month - 1) % months
  return {
    of: (nth) => dayNumber(nth * months + shift, dayOfMonth),
    nthAt: (day) => {
      const date = new Date(day * DAY)
      const current = date.getUTCFullYear() * 12 + date.getUTCMonth()
      const begun = current - mod(current - shift, months)
      return (begun - shift) / months - (dayNumber(begun, dayOfMonth) > day ? 1 : 0)
    },
  }
}

/** @param month since the year 0 @param day clamped to the month's last */
function dayNumber(month: number, day: number): number {
  const year = Math.floor(month / 12)
  const last = new Date(Date.UTC(year, mod(month, 12) + 1, 0)).getUTCDate()
  return Date.UTC(year, mod(month, 12), Math.min(day, last)) / DAY
}

/**
 * The first minute of a day. Found by bisection over the hours in which it begins somewhere on earth, so that a day whose
 * first midnight is skipped by daylight saving time needs no case of its own.
 */
function dayStart(timeZone: string, day: number): number {
  const utc = day * DAY
  if (timeZone === 'UTC') return utc
  // Where no clock changes nearby, which is nearly always, midnight is where the offset says.
  const plain = utc - offsetAt(timeZone, utc)
  let before = utc - 16 * HOUR
  let after = utc + 16 * HOUR
  if (offsetAt(timeZone, before) === offsetAt(timeZone, after) && offsetAt(timeZone, plain) === utc - plain)
    return plain
  while (after - before > MINUTE) {
    const middle = Math.floor((before + after) / 2 / MINUTE) * MINUTE
    if (middle + offsetAt(timeZone, middle) < utc) before = middle
    else after = middle
  }
  return after
}

function hourAt(timeZone: string, nowMs: number): Period {
  const shift = (ms: number) => mod(offsetAt(timeZone, ms), HOUR)
  const now = shift(nowMs)
  const startMs = Math.floor((nowMs + now) / HOUR) * HOUR - now
  const endMs = startMs + HOUR
  return {
    startMs: shift(startMs) === now ? startMs : changeBetween(startMs, nowMs, (ms) => shift(ms) === now),
    endMs: shift(endMs - MINUTE) === now ? endMs : changeBetween(nowMs, endMs, (ms) => shift(ms) !== now),
  }
}

/** The first minute between the two from which on something holds. */
function changeBetween(fromMs: number, toMs: number, holds: (ms: number) => boolean): number {
  let before = Math.floor(fromMs / MINUTE)
  let after = Math.floor(toMs / MINUTE)
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (holds(middle * MINUTE)) after = middle
    else before = middle
  }
  return after * MINUTE
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** What the zone's clock is ahead of UTC, in milliseconds, whole minutes (as it is everywhere since 1972). */
function offsetAt(timeZone: string, ms: number): number {
  if (timeZone === 'UTC') return 0
  const parts = new Map(
    clockOf(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'))
  return local - Math.floor(ms / MINUTE) * MINUTE
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timeZone)
  if (clock === undefined) {
    const two = '2-digit'
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
    })
    clocks.set(timeZone, clock)
  }
  return clock
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by
}
