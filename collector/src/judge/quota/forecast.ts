import { hourOfWeek, type Period } from '../calendar.ts'

/** What lies between low and high with a chance of 80 %, and the middle of it. */
export interface Range {
  readonly low: number
  readonly middle: number
  readonly high: number
}

export interface Forecast {
  /** Use at the period's end. */
  readonly end: Range
  /**
   * When the limit is reached, epoch milliseconds; `low` is the earliest. Null: not within the period. A time that would
   * be after the period's end is the period's end; when the limit is reached already all three are now.
   */
  readonly exhaustedAtMs: Range | null
  /**
   * Back-tested: forecasts of the same kind made at past days for the time until the period's end, a week at most; the
   * sum of their errors over the sum of what it came to. Null without enough past.
   */
  readonly errorRatio: number | null
}

/** What was used in each whole hour until about now. */
export interface History {
  /** Oldest first. */
  readonly amounts: ArrayLike<number>
  /** The hour of the week of each, 0 to 167, by the clock of whoever makes the traffic. */
  readonly hoursOfWeek: ArrayLike<number>
}

/** What an hour of the week usually comes to, and how much that varies. */
export interface Rhythm {
  /** By the hour of the week. */
  readonly profile: ArrayLike<number>
  /** Weeks that the profile is the mean of; 0: the same for every hour, of fewer than seven days. */
  readonly weeks: number
  /** Hours that the profile was made from. */
  readonly hours: number
  /** Variance of the use of a day over its mean (1 for calls that come independently of one another). */
  readonly dispersion: number
  /** … and the independent days or hours it is known from. */
  readonly degrees: number
}

const HOUR = 3600_000
const DAY = 24
const WEEK = 168
const maxWeeks = 4

/**
 * The rhythm of a history: of its last whole weeks, four at most; below a week the mean of all hours. What was before
 * the first use is no history.
 *
 * @returns null with less than a day of it, or without any use
 */
export function rhythmOf({ amounts, hoursOfWeek }: History): Rhythm | null {
  let first = 0
  while (first < amounts.length && amounts[first] === 0) first++
  const length = amounts.length - first
  if (length < DAY) return null
  const { profile, weeks, start } = profileOf({ amounts, hoursOfWeek }, first)
  const hours = amounts.length - start
  // With one week a day cannot be held against the same one of another: the differences between its days stand in.
  const expected = weeks === 1 ? flat(amounts, start) : profile
  const block = hours >= 3 * DAY ? DAY : 1
  const blocks = Math.floor(hours / block)
  let squares = 0
  for (let i = 0; i < blocks; i++) {
    const end = amounts.length - i * block
    let was = 0
    let usual = 0
    for (let hour = end - block; hour < end; hour++) {
      was += amounts[hour]!
      usual += expected[hoursOfWeek[hour]!]!
    }
    // Where nothing is usual, nothing was in any week.
    if (usual > 0) squares += (was - usual) ** 2 / usual
  }
  const degrees = weeks > 1 ? blocks - 7 : blocks - 1
  return { profile, weeks, hours, dispersion: squares / degrees, degrees }
}

/** Of the last whole weeks after the first use, or of all there is. */
function profileOf({ amounts, hoursOfWeek }: History, first: number) {
  const weeks = Math.min(Math.floor((amounts.length - first) / WEEK), maxWeeks)
  const start = weeks > 0 ? amounts.length - weeks * WEEK : first
  return { profile: weeks > 0 ? meanByHour(amounts, hoursOfWeek, start) : flat(amounts, start), weeks, start }
}

function meanByHour(amounts: ArrayLike<number>, hoursOfWeek: ArrayLike<number>, start: number): Float64Array {
  const sums = new Float64Array(WEEK)
  const counts = new Float64Array(WEEK)
  for (let hour = start; hour < amounts.length; hour++) {
    sums[hoursOfWeek[hour]!]! += amounts[hour]!
    counts[hoursOfWeek[hour]!]! += 1
  }
  // A clock that is changed skips an hour of the week once.
  return sums.map((sum, i) => (counts[i] === 0 ? 0 : sum / counts[i]!))
}

function flat(amounts: ArrayLike<number>, start: number): Float64Array {
  let sum = 0
  for (let hour = start; hour < amounts.length; hour++) sum += amounts[hour]!
  return new Float64Array(WEEK).fill(sum / (amounts.length - start))
}

/** The hours that are left of a period, each with the share of it that is left. */
export interface Ahead {
  readonly fromMs: number
  readonly hoursOfWeek: ArrayLike<number>
  readonly shares: ArrayLike<number>
}

/** @param hoursOfWeek of the hours from the one of `atMs` to the period's end, by UTC hours */
export function aheadOf({ endMs }: Period, atMs: number, hoursOfWeek: ArrayLike<number>): Ahead {
  const shares = new Float64Array(hoursOfWeek.length)
  let ms = atMs
  for (let i = 0; i < shares.length; i++) {
    const next = Math.min(Math.floor(ms / HOUR) * HOUR + HOUR, endMs)
    shares[i] = (next - ms) / HOUR
    ms = next
  }
  return { fromMs: atMs, hoursOfWeek, shares }
}

/** The hours of the week that are left of a period, the one that is under way first. */
export function hoursLeft({ endMs }: Period, timeZone: string, atMs: number): Uint8Array {
  const startMs = Math.floor(atMs / HOUR) * HOUR
  return hoursOfWeekFrom(timeZone, startMs, Math.max(Math.ceil((endMs - startMs) / HOUR), 0))
}

/**
 * What a use comes to when it goes on in its rhythm.
 *
 * The range is that of a sum whose variance is proportional to its mean (quasi-Poisson), with the uncertainty of the
 * profile itself: of n weeks' mean, an hour that comes k times is off by the same each time. 80 % by Student's t.
 *
 * @param used until `ahead` begins
 */
export function foretell(rhythm: Rhythm, ahead: Ahead, used: number, limit: number): Omit<Forecast, 'errorRatio'> {
  const { profile, weeks, dispersion } = rhythm
  const t = quantile90(rhythm.degrees)
  const seen = new Float64Array(WEEK)
  let mean = 0
  let repeated = 0
  let hours = 0
  let low = used
  let middle = used
  let high = used
  let [earliest, expected, latest]: (number | undefined)[] = []
  for (let i = 0; i < ahead.shares.length; i++) {
    const share = ahead.shares[i]!
    const hour = ahead.hoursOfWeek[i]!
    const atMs = ahead.fromMs + hours * HOUR
    mean += profile[hour]! * share
    if (weeks > 0) {
      repeated += ((seen[hour]! + share) ** 2 - seen[hour]! ** 2) * (profile[hour]! / weeks)
      seen[hour]! += share
    } else {
      repeated = (mean * (hours + share)) / rhythm.hours
    }
    hours += share
    const spread = t * Math.sqrt(dispersion * (mean + repeated))
    // Use never falls, so neither does its lower bound.
    const least = Math.max(low, used + mean - spread)
    latest ??= crossing(low, least, limit, atMs, share)
    expected ??= crossing(middle, used + mean, limit, atMs, share)
    earliest ??= crossing(high, used + mean + spread, limit, atMs, share)
    low = least
    middle = used + mean
    high = used + mean + spread
  }
  const end = { low, middle, high }
  const { fromMs } = ahead
  if (used >= limit) return { end, exhaustedAtMs: { low: fromMs, middle: fromMs, high: fromMs } }
  if (expected === undefined) return { end, exhaustedAtMs: null }
  const endMs = Math.round(fromMs + hours * HOUR)
  return { end, exhaustedAtMs: { low: earliest ?? expected, middle: expected, high: latest ?? endMs } }
}

/** When a use that grows evenly in this part of an hour reaches the limit. */
function crossing(before: number, after: number, limit: number, fromMs: number, share: number): number | undefined {
  if (after < limit || after === before) return undefined
  return Math.round(fromMs + (share * HOUR * Math.max(limit - before, 0)) / (after - before))
}

/** 90 % of Student's t with so many degrees of freedom are below this (Cornish and Fisher's expansion). */
function quantile90(degrees: number): number {
  const z = 1.2815515655446004
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
}

/**
 * How far off such forecasts would have been: made at each past day that has enough history before it, for the hours
 * after it.
 *
 * @param hours how far ahead; a week at most is tried, and what the past has room for
 */
export function backtest({ amounts, hoursOfWeek }: History, hours: number): number | null {
  let first = 0
  while (first < amounts.length && amounts[first] === 0) first++
  // Forecasts from a mean say nothing about those from a week's rhythm.
  const least = first + (amounts.length - first < WEEK ? DAY : WEEK)
  const ahead = Math.min(Math.max(Math.round(hours), 1), WEEK, amounts.length - least)
  if (ahead < 1) return null
  const all = Float64Array.from(amounts)
  let errors = 0
  let total = 0
  for (let made = all.length - ahead; made >= least; made -= DAY) {
    const { profile } = profileOf({ amounts: all.subarray(0, made), hoursOfWeek }, first)
    let was = 0
    let foretold = 0
    for (let hour = made; hour < made + ahead; hour++) {
      was += all[hour]!
      foretold += profile[hoursOfWeek[hour]!]!
    }
    errors += Math.abs(foretold - was)
    total += was
  }
  return total === 0 ? null : errors / total
}

/**
 * The forecast of a use from its history, all in one: for a quota of ours or of somebody else's.
 *
 * @param history whole hours, the last of them the newest that is over
 * @param startMs when its first hour begins
 * @returns null without enough history
 */
export function forecastOf(given: {
  readonly history: ArrayLike<number>
  readonly startMs: number
  readonly timeZone: string
  readonly atMs: number
  readonly period: Period
  readonly used: number
  readonly limit: number
}): Forecast | null {
  const { history, startMs, timeZone, atMs, period, used, limit } = given
  const past = { amounts: history, hoursOfWeek: hoursOfWeekFrom(timeZone, startMs, history.length) }
  const rhythm = rhythmOf(past)
  if (rhythm === null) return null
  const errorRatio = backtest(past, (period.endMs - atMs) / HOUR)
  return { ...foretell(rhythm, aheadOf(period, atMs, hoursLeft(period, timeZone, atMs)), used, limit), errorRatio }
}

/** The hours of the week of so many hours from a time on. */
export function hoursOfWeekFrom(timeZone: string, startMs: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => hourOfWeek(timeZone, startMs + i * HOUR))
}
