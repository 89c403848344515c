import { z } from 'zod'
import { limits } from '../../limits.ts'
import { parseCondition } from '../condition.ts'
import { type AlertRule, alertLabels } from '../config.ts'
import { receiver } from './channel.ts'
import { count, duration, name, text, word } from './value.ts'

export const ruleShape = {
  name,
  when: text(parseCondition),
  over: duration(10_000, limits.alertWindowMs).optional(),
  for: duration(0, limits.alertWindowMs).optional(),
  keep_firing_for: duration(0, limits.alertWindowMs).optional(),
  min_calls: count(1).optional(),
  service: text().optional(),
  operation: text().optional(),
  consumer: text().optional(),
  group_by: z.array(word(alertLabels)).optional(),
  severity: name.optional(),
  notify: z.array(receiver).optional(),
}

/** One alert rule, as in the file and as the API takes it. */
export const ruleSchema = z.strictObject(ruleShape).transform(
  (rule): AlertRule => ({
    name: rule.name,
    when: rule.when,
    overMs: rule.over ?? 5 * 60_000,
    forMs: rule.for ?? 0,
    keepFiringForMs: rule.keep_firing_for ?? 0,
    // One slow call among fewer than these is already the percentile.
    minCalls: rule.min_calls ?? 10,
    service: rule.service,
    operation: rule.operation,
    consumer: rule.consumer,
    groupBy: [...new Set(rule.group_by ?? [])].sort(),
    severity: rule.severity ?? 'warning',
    notify: [...new Set(rule.notify ?? [])],
  }),
)
