import { z } from 'zod'
import { type Contract, formulas } from '../config.ts'
import { parseDurationMs } from '../duration.ts'
import { quoted, Unreadable } from '../fault.ts'
import { parseShare } from '../share.ts'
import { count, measure, word } from './value.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const share = measure(parseShare)

export const creditShape = { below: share, credit: share }

export const contractShape = {
  formula: word(formulas),
  slice: measure((value) => {
    const ms = parseDurationMs(value, MINUTE, HOUR)
    if (HOUR % ms === 0 && ms % MINUTE === 0) return ms
    throw new Unreadable(`${quoted(value)} does not divide an hour`, 'write 1m, 5m, 10m, 15m, 30m or 1h')
  }).optional(),
  empty: word(['good', 'ignore', 'bad']).optional(),
  unavailable_below: share.optional(),
  min_calls: count(1).optional(),
  credits: z.array(z.strictObject(creditShape)).optional(),
  cap: share.optional(),
}

/** What each formula takes for granted, and does with excluded time; which keys go with which formula is in ../contract.ts. */
const usual: Record<Contract['formula'], Pick<Contract, 'sliceMs' | 'empty' | 'minCalls' | 'excluded'>> = {
  aws: { sliceMs: 5 * MINUTE, empty: 'good', minCalls: 1, excluded: 'forgive' },
  twilio: { sliceMs: MINUTE, empty: 'good', minCalls: 1, excluded: 'forgive' },
  // More than 1000 calls.
  google: { sliceMs: HOUR, empty: 'ignore', minCalls: 1001, excluded: 'ignore' },
  calls: { sliceMs: HOUR, empty: 'ignore', minCalls: 1, excluded: 'ignore' },
}

export const contract = z.strictObject(contractShape).transform((given): Contract => {
  const { sliceMs, empty, minCalls, excluded } = usual[given.formula]
  return {
    formula: given.formula,
    sliceMs: given.slice ?? sliceMs,
    empty: given.empty ?? empty,
    unavailableBelow: given.unavailable_below,
    minCalls: given.min_calls ?? minCalls,
    excluded,
    credits: (given.credits ?? []).toSorted(
      (a, b) => a.below.numerator * b.below.denominator - b.below.numerator * a.below.denominator,
    ),
    cap: given.cap,
  }
})
