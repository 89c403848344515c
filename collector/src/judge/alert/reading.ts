import type { AlertRule, Fraction } from '../../config/config.ts'
import { compare, ratio } from '../../config/share.ts'
import { surelyAbove, surelyBelow } from './confidence.ts'

export type Labels = Readonly<Record<string, string>>

/** What was measured in one window. */
export interface Point {
  /** Calls that count; one that stands for several counts as that many. */
  readonly calls: number
  /** In the unit of the condition. */
  readonly value: Fraction
  /**
   * Of error rates and percentiles: the calls that failed or lie beyond the threshold, and of how many single calls this
   * is known (fewer than `calls` where some stand for several).
   */
  readonly beyond?: { readonly calls: number; readonly pieces: number } | undefined
  /** Where the condition has none, or not the same for all. */
  readonly threshold?: Fraction | undefined
  /** Where something else decides whether it breaks. */
  readonly breaks?: boolean | undefined
  /** … and whether a firing alert goes on. */
  readonly lingers?: boolean | undefined
  /** Of rules on what is unusual: what is usual at that time, give or take. */
  readonly usual?: { readonly median: Fraction; readonly spread: Fraction } | undefined
  /** The window, where it is not the rule's, in milliseconds. */
  readonly overMs?: number | undefined
}

/** What is known of one label set, the newest window first. */
export interface Reading {
  /** What the alert is about. */
  readonly labels: Labels
  readonly points: readonly Point[]
}

/** Whether the condition holds in this window, decided on whole numbers, and surely where the rule asks for it. */
export function breaks(rule: AlertRule, point: Point): boolean {
  if (point.breaks !== undefined) return point.breaks
  if (point.calls < rule.minCalls) return false
  const threshold = thresholdOf(rule, point)
  return compare(point.value, rule.when.comparison, threshold) && isSure(rule, point)
}

/** Whether a firing alert goes on: not recovered yet, sure or not, of however few calls. */
export function lingers(rule: AlertRule, point: Point): boolean {
  const { when, recover } = rule
  if (point.lingers !== undefined) return point.lingers
  if (when.metric === 'burn_rate') return breaks(rule, point)
  if (recover === undefined) return compare(point.value, when.comparison, thresholdOf(rule, point))
  return compare(point.value, when.comparison.startsWith('>') ? '>' : '<', recover)
}

/** In the unit of the condition. */
export function thresholdOf({ when }: Pick<AlertRule, 'when'>, point?: Point): Fraction {
  return point?.threshold ?? when.threshold ?? { numerator: when.anomaly ? 0 : 1, denominator: 1 }
}

/** The share of calls that decides: of failed ones, or of those beyond the threshold of a percentile. */
export function decisiveShare({ when }: AlertRule): Fraction {
  if (when.percentile === undefined) return thresholdOf({ when })
  const { numerator, denominator } = when.percentile.share
  return { numerator: denominator - numerator, denominator }
}

/** True where the calls show it with the confidence asked for, or where none is asked for. */
function isSure(rule: AlertRule, { beyond, calls }: Point): boolean {
  if (rule.confidence === undefined || beyond === undefined) return true
  const share = decisiveShare(rule)
  // No number of calls is enough to be sure of all or of none.
  if (share.numerator === 0 || share.numerator === share.denominator) return true
  const part = Math.floor((beyond.calls * beyond.pieces) / calls)
  const test = rule.when.comparison.startsWith('>') ? surelyAbove : surelyBelow
  return test(part, beyond.pieces, share, rule.confidence)
}

/** The window that is told of: the newest that breaks, else the newest. */
export function tellingPoint(rule: AlertRule, { points }: Reading): Point | undefined {
  return points.find((point) => breaks(rule, point)) ?? points[0]
}

/** As people and tables have it: milliseconds, shares, bytes, calls, calls a second, factors. */
export function shown({ unit }: AlertRule['when'], value: Fraction): number {
  return unit === 'us' ? ratio(value) / 1000 : ratio(value)
}
