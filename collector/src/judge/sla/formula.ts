import type { Contract, Share } from '../../config/config.ts'
import type { Period } from '../calendar.ts'
import { isExcluded } from './exclusion.ts'
import { type Fraction, fraction, isLess, ofShare, sumOf } from './fraction.ts'

/** Calls of one slice as the store counts them, those in excluded time apart. */
export interface Cell {
  /** Where the slice begins; under google an hour of UTC, else counted from the period's start. */
  readonly startMs: number
  /** Empty where operations are not told apart. */
  readonly operation: string
  readonly excluded: boolean
  readonly total: number
  readonly bad: number
}

/** A slice that costs attainment. */
export interface BadSlice extends Period {
  readonly operation: string
  /** What was judged; both 0 for a slice without calls that the contract calls bad. */
  readonly total: number
  readonly bad: number
  /** Starts of the cells in it: more than one where hours are judged by the day. */
  readonly cells: readonly number[]
}

/** What a formula found in a period. */
export interface Measure {
  /** Null: nothing says anything. */
  readonly attained: Fraction | null
  /** Slices of the period (google: measurement periods with calls), those that count, those without calls, … */
  readonly slices: number
  readonly counted: number
  readonly empty: number
  /** … those that cost something before what is excluded is given back (twilio: B), and those given back (twilio: C). */
  readonly faulty: number
  readonly forgiven: number
  /** In order of time. */
  readonly bad: readonly BadSlice[]
}

interface Slice extends Period {
  readonly operation: string
  readonly total: number
  readonly bad: number
  readonly excludedTotal: number
  readonly excludedBad: number
}

export interface Terms {
  readonly contract: Contract
  readonly target: Share
  /** The part of the month that is judged, whole minutes. */
  readonly period: Period
  /** In order, not touching. */
  readonly excluded: readonly Period[]
}

const HOUR = 3600_000
const DAY = 24 * HOUR

/** Counts a period by the contract's formula. */
export function measure(cells: readonly Cell[], terms: Terms): Measure {
  const slices = slicesOf(cells, terms)
  switch (terms.contract.formula) {
    case 'aws':
      return meanOfSlices(slices, terms)
    case 'twilio':
      return availableMinutes(slices, terms)
    case 'google':
      return worstPeriod(slices, terms)
    case 'calls':
      return goodCalls(slices)
  }
}

/**
 * The mean of the slices' shares of good calls; a slice without calls counts as the contract says, 100 % as it stands
 * there. Failures in excluded time are no failures of the provider: they are left out, and good calls stay.
 *
 * Amazon API Gateway SLA of 2022-05-05, "Monthly Uptime Percentage" and "Availability": https://aws.amazon.com/api-gateway/sla/
 */
function meanOfSlices(slices: readonly Slice[], terms: Terms): Measure {
  const { contract } = terms
  const losses: { part: number; whole: number }[] = []
  const bad: BadSlice[] = []
  const all = countOf(terms)
  let ignored = 0
  let silent = all - slices.length
  let forgiven = 0
  let faulty = 0
  const silence = (slice: Period) => {
    const policy = silentPolicy(slice, terms)
    if (policy === 'ignore') ignored++
    if (policy !== 'bad') return
    losses.push({ part: 1, whole: 1 })
    bad.push({ startMs: slice.startMs, endMs: slice.endMs, operation: '', total: 0, bad: 0, cells: [] })
  }
  for (const slice of slices) {
    const kept = slice.total + slice.excludedTotal - slice.excludedBad
    if (slice.bad + slice.excludedBad > 0) faulty++
    if (slice.bad === 0 && slice.excludedBad > 0) forgiven++
    if (kept === 0 || slice.total + slice.excludedTotal < contract.minCalls) {
      silent++
      silence(slice)
    } else if (slice.bad > 0) {
      losses.push({ part: slice.bad, whole: kept })
      bad.push(shown(slice, kept, slice.bad))
    }
  }
  for (const slice of absent(slices, terms)) silence(slice)
  const counted = all - ignored
  const lost = sumOf(losses)
  return {
    attained:
      counted === 0
        ? null
        : fraction(BigInt(counted) * lost.denominator - lost.numerator, BigInt(counted) * lost.denominator),
    slices: all,
    counted,
    empty: silent,
    faulty,
    forgiven,
    bad: bad.sort(byTime),
  }
}

/**
 * (A - B + C) / A in minutes: A all, B unavailable, C unavailable but excluded, which are given back.
 *
 * Twilio SLA of 2021-02-15, "Actual Monthly Uptime Percentage": https://www.twilio.com/legal/service-level-agreement
 */
function availableMinutes(slices: readonly Slice[], terms: Terms): Measure {
  const { contract } = terms
  const least = ofShare(contract.unavailableBelow ?? terms.target)
  const down = (bad: number, total: number) => total > 0 && isLess(fraction(total - bad, total), least)
  const bad: BadSlice[] = []
  const all = countOf(terms)
  let ignored = 0
  let silent = all - slices.length
  let faulty = 0
  let forgiven = 0
  const silence = (slice: Period) => {
    const policy = silentPolicy(slice, terms)
    if (policy === 'ignore') ignored++
    if (policy !== 'bad') return
    faulty++
    bad.push({ startMs: slice.startMs, endMs: slice.endMs, operation: '', total: 0, bad: 0, cells: [] })
  }
  for (const slice of slices) {
    const total = slice.total + slice.excludedTotal
    if (total < contract.minCalls) {
      silent++
      silence(slice)
    } else if (down(slice.bad + slice.excludedBad, total)) {
      faulty++
      const kept = total - slice.excludedBad
      if (down(slice.bad, kept)) bad.push(shown(slice, kept, slice.bad))
      else forgiven++
    }
  }
  for (const slice of absent(slices, terms)) silence(slice)
  const counted = all - ignored
  return {
    attained: counted === 0 ? null : fraction(counted - faulty + forgiven, counted),
    slices: all,
    counted,
    empty: silent,
    faulty,
    forgiven,
    bad: bad.sort(byTime),
  }
}

/**
 * Each operation in each of its measurement periods: an hour with more than 1000 calls by itself, the other hours of a day
 * of UTC together. The promise is kept when each period keeps it, so the worst one is what was attained. Calls in
 * excluded time are ignored.
 *
 * Google Standard Payments, "System availability":
 * https://developers.google.com/standard-payments/guides/connectivity/service-level-agreements
 */
function worstPeriod(slices: readonly Slice[], { contract, target, period }: Terms): Measure {
  const periods = new Map<string, { -readonly [K in keyof BadSlice]: BadSlice[K] }>()
  for (const { operation, startMs, total, bad } of slices) {
    if (total === 0) continue
    const alone = total >= contract.minCalls
    const [start, length] = alone ? [startMs, HOUR] : [Math.floor(startMs / DAY) * DAY, DAY]
    const key = `${length} ${start} ${operation}`
    const before = periods.get(key)
    periods.set(key, {
      startMs: Math.max(start, period.startMs),
      endMs: Math.min(start + length, period.endMs),
      operation,
      total: total + (before?.total ?? 0),
      bad: bad + (before?.bad ?? 0),
      cells: [...(before?.cells ?? []), startMs],
    })
  }
  let worst: Fraction | null = null
  const bad: BadSlice[] = []
  for (const one of periods.values()) {
    const share = fraction(one.total - one.bad, one.total)
    if (worst === null || isLess(share, worst)) worst = share
    if (isLess(share, ofShare(target))) bad.push({ ...one, cells: one.cells.toSorted((a, b) => a - b) })
  }
  return {
    attained: worst,
    slices: periods.size,
    counted: periods.size,
    empty: 0,
    faulty: bad.length,
    forgiven: 0,
    bad: bad.sort(byTime),
  }
}

/** Good calls over all calls of the period. Calls in excluded time are ignored. */
function goodCalls(slices: readonly Slice[]): Measure {
  const total = slices.reduce((sum, slice) => sum + slice.total, 0)
  const failed = slices.reduce((sum, slice) => sum + slice.bad, 0)
  const bad = slices.filter((slice) => slice.bad > 0).map((slice) => shown(slice, slice.total, slice.bad))
  const counted = slices.filter((slice) => slice.total > 0).length
  return {
    attained: total === 0 ? null : fraction(total - failed, total),
    slices: slices.length,
    counted,
    empty: slices.length - counted,
    faulty: bad.length,
    forgiven: 0,
    bad: bad.sort(byTime),
  }
}

/** A slice without calls whose time is excluded counts against nobody. */
function silentPolicy({ startMs, endMs }: Period, { contract, excluded }: Terms): Contract['empty'] {
  const judged = contract.excluded === 'forgive' && contract.empty !== 'bad'
  return !judged && isExcluded(excluded, startMs, endMs) ? 'ignore' : contract.empty
}

function slicesOf(cells: readonly Cell[], { contract, period }: Terms): Slice[] {
  const slices = new Map<string, { -readonly [K in keyof Slice]: Slice[K] }>()
  for (const { startMs, operation, excluded, total, bad } of cells) {
    if (excluded && contract.excluded === 'ignore') continue
    const key = `${startMs} ${operation}`
    let slice = slices.get(key)
    if (slice === undefined) {
      const endMs = Math.min(startMs + contract.sliceMs, period.endMs)
      slice = { startMs, endMs, operation, total: 0, bad: 0, excludedTotal: 0, excludedBad: 0 }
      slices.set(key, slice)
    }
    slice[excluded ? 'excludedTotal' : 'total'] += total
    slice[excluded ? 'excludedBad' : 'bad'] += bad
  }
  return [...slices.values()]
}

/** Slices of the period; where a clock moves by half an hour, the last one may be shorter. */
function countOf({ contract, period }: Terms): number {
  return Math.ceil((period.endMs - period.startMs) / contract.sliceMs)
}

/** The slices without a call that is judged. */
function* absent(slices: readonly Slice[], { contract, period }: Terms): Generator<Period> {
  const present = new Set(slices.map(({ startMs }) => startMs))
  for (let startMs = period.startMs; startMs < period.endMs; startMs += contract.sliceMs) {
    if (!present.has(startMs)) yield { startMs, endMs: Math.min(startMs + contract.sliceMs, period.endMs) }
  }
}

function shown({ startMs, endMs, operation }: Slice, total: number, bad: number): BadSlice {
  return { startMs, endMs, operation, total, bad, cells: [startMs] }
}

function byTime(a: BadSlice, b: BadSlice): number {
  return (
    a.startMs - b.startMs || a.endMs - b.endMs || (a.operation < b.operation ? -1 : a.operation > b.operation ? 1 : 0)
  )
}
