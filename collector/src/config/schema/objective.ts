import { z } from 'zod'
import { limits } from '../../limits.ts'
import { parseDurationMs, parseDurationUs } from '../duration.ts'
import { quoted, Unreadable } from '../fault.ts'
import { parseShare } from '../share.ts'
import { measure, name, text, word } from './value.ts'

const day = 24 * 3600_000

export const goodShape = { latency_below: measure(parseDurationUs).optional() }

export const objectiveShape = {
  name,
  service: text().optional(),
  operation: text().optional(),
  per: word(['consumer']).optional(),
  good: z.strictObject(goodShape).optional(),
  target: measure((value) => {
    const share = parseShare(value)
    if (share.numerator > 0 && share.numerator < share.denominator) return share
    throw new Unreadable(`${quoted(value)} leaves nothing to judge`, 'write more than 0% and less than 100%')
  }),
  window: measure((given) => {
    if (['day', 'week', 'month', 'quarter', 'year'].includes(given)) {
      throw new Unreadable(`the calendar window ${given} is not supported yet`, 'write a rolling one: 30d')
    }
    // What is older than calls are kept cannot be counted exactly: references.ts holds the two against each other.
    return { window: given.trim(), windowMs: parseDurationMs(given, 3600_000, limits.retentionDays * day) }
  }),
  method: word(['occurrences'], ['timeslices', 'ratio_timeslices']).optional(),
}

export const objective = z
  .strictObject(objectiveShape)
  .transform(({ name, service, operation, per, good, target, window }) => {
    return { name, service, operation, per, latencyBelowUs: good?.latency_below, target, ...window }
  })
