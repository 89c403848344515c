import { type Contract, formulas, type Share } from './config.ts'
import { type Problem, quoted } from './fault.ts'
import { mapOf } from './part.ts'
import { isLower, parseShare } from './share.ts'

/** The keys that mean something under each formula, beside `formula`, `credits` and `cap`. */
const keysOf: Record<Contract['formula'], readonly string[]> = {
  aws: ['slice', 'empty', 'min_calls'],
  twilio: ['unavailable_below', 'empty', 'min_calls'],
  google: ['min_calls'],
  calls: ['slice'],
}
const special = ['slice', 'empty', 'unavailable_below', 'min_calls']

/** Finds what does not go together in the contract of an objective, in the file as written. */
export function contractProblems({ contract, per, consumer, target }: Record<string, unknown>): Problem[] {
  if (contract === undefined || contract === null) return []
  const terms = mapOf(contract)
  return [...audienceProblems(per ?? consumer), ...formulaProblems(terms), ...creditProblems(terms, target)]
}

function audienceProblems(audience: unknown): Problem[] {
  if (audience !== undefined) return []
  const what = 'the key contract is for a promise made to somebody'
  return [{ path: ['contract'], what, remedy: 'add per: consumer, or consumer: ID, to the objective' }]
}

function formulaProblems(contract: Record<string, unknown>): Problem[] {
  const formula = formulas.find((known) => known === contract.formula)
  if (formula === undefined) return []
  const problems = special.flatMap((key): Problem[] => {
    if (contract[key] === undefined || keysOf[formula].includes(key)) return []
    const those = formulas.filter((other) => keysOf[other].includes(key))
    const what = `the key ${key} says nothing under the formula ${formula}`
    return [{ path: ['contract', key], what, remedy: `remove it; it is for ${those.join(', ')}` }]
  })
  if (formula === 'twilio' && contract.unavailable_below === undefined) {
    const what = 'does not say when a minute is unavailable'
    problems.push({ path: ['contract'], what, remedy: 'add unavailable_below: 95%, a share of good calls' })
  }
  return problems
}

/** A lower attainment is worth a higher credit, and none is due while the promise is kept. */
function creditProblems({ credits }: Record<string, unknown>, target: unknown): Problem[] {
  if (!Array.isArray(credits)) return []
  const promised = shareOf(target)
  const tiers = credits.map((tier: unknown, i) => {
    return { i, below: shareOf(mapOf(tier).below), credit: shareOf(mapOf(tier).credit) }
  })
  return tiers.flatMap(({ i, below, credit }): Problem[] => {
    if (below === undefined) return []
    const path = ['contract', 'credits', i, 'below']
    if (promised !== undefined && isLower(promised, below)) {
      const what = `${quoted(below.text)} is above the target ${promised.text}, so that credit would be due for a promise kept`
      return [{ path, what, remedy: `write at most ${promised.text}` }]
    }
    const before = tiers.slice(0, i).filter((tier) => tier.below !== undefined && tier.credit !== undefined)
    if (before.some((tier) => !isLower(tier.below!, below) && !isLower(below, tier.below!))) {
      return [{ path, what: `${quoted(below.text)} is there twice`, remedy: 'remove one of the two' }]
    }
    const odd = before.find((tier) => {
      if (credit === undefined) return false
      return isLower(tier.below!, below) ? !isLower(credit, tier.credit!) : !isLower(tier.credit!, credit)
    })
    if (odd === undefined) return []
    const what = `below ${below.text} and below ${odd.below!.text} do not earn more the lower it gets`
    return [{ path: ['contract', 'credits', i, 'credit'], what, remedy: 'give the lower one the higher credit' }]
  })
}

function shareOf(value: unknown): Share | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return parseShare(value)
  } catch {
    // The schema tells of it.
    return undefined
  }
}
