import type { AlertRule, Fraction } from '../../config/config.ts'
import { compare, ratio } from '../../config/share.ts'
import { limits } from '../../limits.ts'
import { surelyAbove } from './confidence.ts'
import type { Point } from './reading.ts'

/** One window of a rule: now, or at the same minutes of a week before. */
export interface Window {
  /** Weeks before now. */
  readonly week: number
  /** Windows before the end of what is judged, or before that minute of that week: 0 is the newest. */
  readonly slot: number
  readonly calls: number
  readonly failed: number
  /** The percentile, of rules on one, in microseconds. */
  readonly us: number
  /** Of windows of now: calls by bucket of the histogram of durations (sql/0003). */
  readonly buckets?: ReadonlyMap<number, number>
}

/** What is usual in a window, in the unit of the condition. */
export interface Usual {
  readonly median: number
  /** The median distance from it, never less than chance alone makes. */
  readonly mad: number
}

/** The median of |x - median| of normal numbers is this many of their standard deviations. */
const madOfNormal = 0.6745
const noWindow = { calls: 0, failed: 0, us: 0 }

/**
 * A label set's newest windows, each held against the same window, two before it and two after it, of the four weeks
 * before. The modified z-score 0.6745 · (x − median) / MAD (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993)
 * decides: median and median deviation do not care about a single odd week. More is unusual, of numbers of calls less is, too.
 * Without enough history there is no verdict: such a point breaks nothing and has no `usual`.
 */
export function anomalyPoints(rule: AlertRule, windows: readonly Window[]): Point[] {
  const now = windows.filter(({ week }) => week === 0)
  if (!isTraffic(rule)) return now.sort((a, b) => a.slot - b.slot).map((window) => pointOf(rule, window, windows))
  // No call is a number of calls.
  return Array.from({ length: rule.points.of }, (_, slot) => {
    const window = now.find((one) => one.slot === slot) ?? { ...noWindow, week: 0, slot }
    return pointOf(rule, window, windows)
  })
}

/** What is usual in a window of now; undefined without enough history. */
export function usualOf(
  rule: AlertRule,
  now: Pick<Window, 'slot' | 'calls'>,
  windows: readonly Window[],
): Usual | undefined {
  const before = windows.filter(({ week }) => week > 0)
  const near = before.filter(({ slot }) => Math.abs(slot - now.slot) <= limits.anomalySlots)
  // A week in which nobody called around that time was before there was anything to count, or says nothing.
  const weeks = new Set((isTraffic(rule) ? before : near).map(({ week }) => week))
  const values = near.map((window) => measured(rule, window)).map(ratio)
  if (isTraffic(rule)) {
    const all = weeks.size * (2 * limits.anomalySlots + 1)
    values.push(...Array.from({ length: all - values.length }, () => 0))
  }
  if (weeks.size < limits.anomalyLeastWeeks || values.length < limits.anomalyLeastWindows) return undefined
  const middle = median(values)
  const mad = median(values.map((value) => Math.abs(value - middle)))
  return { median: middle, mad: Math.max(mad, middle * limits.anomalyLeastShare, chance(rule, now, near, middle)) }
}

/** The deviation that is no news: what chance makes of so many calls, and what is too little to care about. */
function chance(rule: AlertRule, { calls }: Pick<Window, 'calls'>, near: readonly Window[], middle: number): number {
  const { metric } = rule.when
  if (metric === 'percentile') return limits.anomalyLeastUs
  if (metric === 'error_rate') {
    const rate = Math.max(middle, sum(near, 'failed') / Math.max(1, sum(near, 'calls')))
    const binomial = madOfNormal * Math.sqrt((rate * (1 - rate)) / Math.max(1, calls))
    return Math.max(binomial, limits.anomalyLeastRate)
  }
  const unit = metric === 'rps' ? 1000 / rule.overMs : 1
  return madOfNormal * Math.sqrt(Math.max(1, middle / unit)) * unit
}

function pointOf(rule: AlertRule, now: Window, windows: readonly Window[]): Point {
  const value = measured(rule, now)
  const usual = usualOf(rule, now, windows)
  if (usual === undefined) return { calls: now.calls, value, breaks: false, lingers: false }
  const far = (ratio(rule.when.anomaly!.score) * usual.mad) / madOfNormal
  const below = isTraffic(rule) && ratio(value) < usual.median
  const limit = (far: number) => fractionOf(rule, below ? lowest(rule, usual, far) : usual.median + far)
  const threshold = limit(far)
  const beyond = compare(value, below ? '<' : '>', threshold)
  // What there are too few calls for is decided by how many there should be, where that is the question.
  const expected = isTraffic(rule) ? Math.max(now.calls, usual.median * callsPerUnit(rule)) : now.calls
  const breaks = beyond && expected >= rule.minCalls && isSure(rule, now, usual)
  return {
    calls: now.calls,
    value,
    threshold,
    breaks,
    // Half as unusual is not over yet: it would come and go by chance.
    lingers: compare(value, below ? '<' : '>', limit(far / 2)),
    usual: { median: fractionOf(rule, usual.median), spread: fractionOf(rule, usual.mad / madOfNormal) },
  }
}

/**
 * A third is as unusual as three times as many: nothing is further below than by all of it, so distances would hardly ever
 * tell. Never so near that chance alone gets there.
 */
function lowest(rule: AlertRule, usual: Usual, far: number): number {
  const perUnit = rule.when.metric === 'rps' ? rule.overMs / 1000 : 1
  const byChance = limits.anomalyLeastScore * Math.sqrt(usual.median / perUnit)
  return Math.max(0, Math.min(usual.median ** 2 / (usual.median + far), usual.median - byChance))
}

/** True where the calls show with the confidence asked for that it is more than usual, or where none is asked for. */
function isSure(rule: AlertRule, { calls, failed, buckets }: Window, usual: Usual): boolean {
  const { when, confidence } = rule
  if (confidence === undefined || isTraffic(rule)) return true
  if (when.percentile === undefined) {
    const rate = fractionOf(rule, Math.max(usual.median, limits.anomalyLeastRate))
    return surelyAbove(failed, calls, rate, confidence)
  }
  let slower = 0
  for (const [bucket, count] of buckets ?? []) {
    // The middle of the bucket, as percentiles are read.
    if (2 ** ((bucket - 0.5) / 16) > usual.median + 0.5) slower += count
  }
  const { numerator, denominator } = when.percentile.share
  return surelyAbove(slower, calls, { numerator: denominator - numerator, denominator }, confidence)
}

function measured(rule: AlertRule, { calls, failed, us }: Window): Fraction {
  const { metric } = rule.when
  if (metric === 'percentile') return { numerator: us, denominator: 1 }
  if (metric === 'error_rate') return { numerator: failed, denominator: calls }
  return metric === 'rps' ? { numerator: calls * 1000, denominator: rule.overMs } : { numerator: calls, denominator: 1 }
}

function isTraffic({ when }: Pick<AlertRule, 'when'>): boolean {
  return when.metric === 'rps' || when.metric === 'calls'
}

function callsPerUnit({ when, overMs }: AlertRule): number {
  return when.metric === 'rps' ? overMs / 1000 : 1
}

/** Microseconds are whole; of the others a millionth is. */
function fractionOf({ when }: AlertRule, value: number): Fraction {
  const denominator = when.unit === 'us' ? 1 : 1_000_000
  return { numerator: Math.round(value * denominator), denominator }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

function sum(windows: readonly Window[], key: 'calls' | 'failed'): number {
  return windows.reduce((total, window) => total + window[key], 0)
}
