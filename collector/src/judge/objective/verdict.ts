import type { Share } from '../../config/config.ts'

/** Calls and the bad ones among them, in the window and at its recent end. */
export interface ObjectiveCounts {
  readonly total: number
  readonly bad: number
  readonly total1h: number
  readonly bad1h: number
  readonly total5m: number
  readonly bad5m: number
}

/** Null means that no call says anything. */
export interface ObjectiveVerdict {
  /** Good calls over all calls. */
  readonly attainment: number | null
  /** Whether the target is reached, decided on whole numbers. */
  readonly met: boolean | null
  /** 1 = no bad call, 0 = as many as allowed, negative = more. */
  readonly budgetLeft: number | null
  /** 1 = bad calls come exactly as fast as the target allows. */
  readonly burnRate1h: number | null
  readonly burnRate5m: number | null
}

/**
 * Judges one promise. Every call weighs the same, so this is the ratio over the window and no mean of ratios.
 * Burn rate as in the SRE workbook, chapter 5: the share of bad calls over the share that the target allows.
 */
export function judgeObjective(counts: ObjectiveCounts, target: Share): ObjectiveVerdict {
  const { total, bad } = counts
  const allowed = target.denominator - target.numerator
  const burn = (bad: number, total: number) => (total === 0 ? null : (bad * target.denominator) / (total * allowed))
  const spent = burn(bad, total)
  return {
    attainment: total === 0 ? null : (total - bad) / total,
    met: total === 0 ? null : BigInt(bad) * BigInt(target.denominator) <= BigInt(total) * BigInt(allowed),
    budgetLeft: spent === null ? null : 1 - spent,
    burnRate1h: burn(counts.bad1h, counts.total1h),
    burnRate5m: burn(counts.bad5m, counts.total5m),
  }
}
