import { sliceParts } from '../../aggregate/objective.ts'
import type { Objective, Share } from '../../config/config.ts'
import type { Recent } from './verdict.ts'

/** How fast a window spends the budget. */
export interface Burn {
  /** 1 = exactly as fast as the target allows; null without calls. */
  readonly rate: number | null
  /** What was judged: calls; of slices, whole ones and parts. */
  readonly total: number
  readonly bad: number
}

export interface BurnPair {
  readonly longMs: number
  readonly shortMs: number
  /** Rates above this spend the pair's share of the budget within its long window. */
  readonly factor: number
  readonly severity: 'page' | 'ticket'
  readonly long: Burn
  readonly short: Burn
  /** Both rates are above the factor, and the long window has enough calls and bad ones to say so. */
  readonly burning: boolean
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * Pairs of windows, and the percentage of the budget that the long one may spend before somebody is told: the SRE
 * workbook, chapter 5, table 5-8 ("recommended parameters for a 99.9 % SLO alerting configuration"), and the ticket of a
 * day from its text. For 30 days they come to 14.4, 6, 3 and 1.
 */
export const pairs = [
  { longMs: HOUR, shortMs: 5 * MINUTE, percent: 2, severity: 'page' },
  { longMs: 6 * HOUR, shortMs: 30 * MINUTE, percent: 5, severity: 'page' },
  { longMs: DAY, shortMs: 2 * HOUR, percent: 10, severity: 'ticket' },
  { longMs: 3 * DAY, shortMs: 6 * HOUR, percent: 10, severity: 'ticket' },
] as const

/**
 * Below this a pair says nothing: its long window spends its share of the budget when all is as promised. (Four weeks,
 * 28 days, have 0.93 for the last pair.)
 */
const LEAST_FACTOR = 0.9

/** The pairs that say something about an objective's window, with their factors for it. */
export function pairsOf({ windowMs }: Objective) {
  return pairs
    .map((pair) => ({ ...pair, factor: (pair.percent * windowMs) / (100 * pair.longMs) }))
    .filter(({ factor }) => factor >= LEAST_FACTOR)
}

/** The pairs of an objective, as far as their windows were counted. */
export function burnPairs(objective: Objective, recent: readonly Recent[]): BurnPair[] {
  return pairsOf(objective).flatMap(({ longMs, shortMs, percent, severity, factor }) => {
    const long = recent.find(({ overMs }) => overMs === longMs)
    const short = recent.find(({ overMs }) => overMs === shortMs)
    if (long === undefined || short === undefined) return []
    const above = ({ total, bad }: Recent) => {
      const { numerator, denominator } = objective.target
      // Whole numbers: bad / total / allowed > percent / 100 × window / long.
      const spent = BigInt(bad) * BigInt(denominator) * 100n * BigInt(longMs)
      return spent > BigInt(total) * BigInt(denominator - numerator) * BigInt(percent) * BigInt(objective.windowMs)
    }
    const enough =
      (long.calls >= objective.minCalls && long.badCalls >= objective.minBad) ||
      (objective.empty === 'bad' && long.silent > 0)
    const burning = enough && above(long) && above(short)
    const burn = (one: Recent): Burn => ({ rate: rateOf(one, objective.target), ...judged(objective, one) })
    return [{ longMs, shortMs, factor, severity, long: burn(long), short: burn(short), burning }]
  })
}

/** The share of the bad over the share that the target allows. */
export function rateOf({ total, bad }: { total: number; bad: number }, target: Share): number | null {
  return total === 0 ? null : (bad * target.denominator) / (total * (target.denominator - target.numerator))
}

/** What was judged, in calls or in slices, for people. */
export function judged({ method }: Objective, { total, bad }: { total: number; bad: number }) {
  const unit = method === 'occurrences' ? 1 : sliceParts
  return { total: total / unit, bad: bad / unit }
}
