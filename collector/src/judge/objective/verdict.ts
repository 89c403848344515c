import { sliceParts } from '../../aggregate/objective.ts'
import type { Objective } from '../../config/config.ts'
import type { Period } from '../calendar.ts'
import { type BurnPair, burnPairs, rateOf } from './burn.ts'
import { type Interval, wilson } from './wilson.ts'

/**
 * What is judged: calls by the method occurrences, and by the others slices of time, in billionths. Whole numbers all,
 * so that no verdict hangs on rounding.
 */
export interface Count {
  /** Calls that count, and the bad ones among them. */
  readonly calls: number
  readonly badCalls: number
  readonly total: number
  readonly bad: number
  /** Slices without calls. */
  readonly silent: number
}

export interface Recent extends Count {
  readonly overMs: number
}

/** Of the whole window, and of its recent end. */
export interface ObjectiveCounts extends Count {
  /** Calls of which only the histogram is left, in the bucket of the promised latency: as well good as bad. */
  readonly unsureCalls: number
  /** What the rest of a calendar window will add to `total` whatever happens: slices to come. */
  readonly ahead: number
  readonly recent: readonly Recent[]
}

/** Null means that no call says anything. */
export interface ObjectiveVerdict {
  /** Good over all, of what there is so far. */
  readonly attainment: number | null
  /** Where attainment lies with 95 % confidence, calls taken for a sample of what the API does (Wilson); null for ratio_timeslices. */
  readonly interval: Interval | null
  /** Whether the budget suffices, decided on whole numbers. */
  readonly met: boolean | null
  /** 1 = nothing bad, 0 = as much as allowed, negative = more. */
  readonly budgetLeft: number | null
  /** The same in what is judged. */
  readonly budget: { readonly allowed: number; readonly spent: number; readonly left: number } | null
  /** Worst first are those that alert: the 1h/5m pair comes first. */
  readonly burns: readonly BurnPair[]
  /** The budget is gone after this long at the burn rate of now; 0: it is gone; null: not within the window, or unknown. */
  readonly exhaustedInMs: number | null
}

/**
 * Judges one promise. Everything counted weighs the same, so attainment is the ratio over the window and no mean of
 * ratios: of calls for occurrences, of slices for timeslices, and for ratio_timeslices of what of each slice was good
 * (OpenSLO v1, `budgetingMethod`). The budget is what the target leaves of all that counts: of a calendar window of
 * slices all slices of the period, as they are known ahead; else of what there is so far.
 */
export function judgeObjective(
  objective: Objective,
  counts: ObjectiveCounts,
  window: Period,
  atMs: number,
): ObjectiveVerdict {
  const { target } = objective
  const { total, bad, ahead } = counts
  const burns = burnPairs(objective, counts.recent)
  if (total === 0) {
    return { attainment: null, interval: null, met: null, budgetLeft: null, budget: null, burns, exhaustedInMs: null }
  }
  const share = target.denominator - target.numerator
  const allowed = ((total + ahead) * share) / target.denominator
  return {
    attainment: (total - bad) / total,
    interval: objective.method === 'ratio_timeslices' ? null : intervalOf(objective, counts),
    met: BigInt(bad) * BigInt(target.denominator) <= BigInt(total + ahead) * BigInt(share),
    budgetLeft: 1 - (bad * target.denominator) / ((total + ahead) * share),
    budget: { allowed, spent: bad, left: allowed - bad },
    burns,
    exhaustedInMs: exhaustion(objective, counts, window, atMs, allowed - bad),
  }
}

function intervalOf({ method }: Objective, { total, bad }: Count): Interval {
  const unit = method === 'occurrences' ? 1 : sliceParts
  return wilson((total - bad) / unit, total / unit)
}

/**
 * When the budget is gone, if bad calls go on as they come now: over the shortest long window that has enough calls.
 *
 * A rolling window keeps its size, so what is left is spent by every bad call; what is older than the window leaves it,
 * so beyond its length nothing is foretold. In a calendar window every call adds to the budget, too, but for slices,
 * whose number is known.
 */
function exhaustion(
  objective: Objective,
  counts: ObjectiveCounts,
  window: Period,
  atMs: number,
  left: number,
): number | null {
  if (left <= 0) return 0
  const hour = 3600_000
  const now = counts.recent.find(({ overMs, calls, silent }) => {
    return overMs >= hour && (calls >= objective.minCalls || (objective.empty === 'bad' && silent > 0))
  })
  if (now === undefined || now.bad === 0) return null
  const grows = objective.calendar !== undefined && counts.ahead === 0
  const { numerator, denominator } = objective.target
  const spent = now.bad - (grows ? (now.total * (denominator - numerator)) / denominator : 0)
  if (spent <= 0) return null
  const ms = Math.round((left * now.overMs) / spent)
  const endMs = objective.calendar === undefined ? atMs + objective.windowMs : window.endMs
  return atMs + ms < endMs ? ms : null
}

/** The burn rate of a recent window, for showing. */
export function recentRate(objective: Objective, counts: ObjectiveCounts, overMs: number): number | null {
  const recent = counts.recent.find((one) => one.overMs === overMs)
  return recent === undefined ? null : rateOf(recent, objective.target)
}
