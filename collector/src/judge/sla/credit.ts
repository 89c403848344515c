import type { Contract, Share } from '../../config/config.ts'
import { isLower } from '../../config/share.ts'
import { type Fraction, isLess, ofShare } from './fraction.ts'

/** The credit that is due: that of the lowest tier reached, at most the cap. Undefined: none. */
export function creditOf(attained: Fraction | null, { credits, cap }: Contract): Share | undefined {
  if (attained === null) return undefined
  const tier = credits.find(({ below }) => isLess(attained, ofShare(below)))
  if (tier === undefined) return undefined
  return cap !== undefined && isLower(cap, tier.credit) ? cap : tier.credit
}
