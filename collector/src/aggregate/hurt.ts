import type { AlertRule } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Row } from '../store/store.ts'
import { beyondSign, columns } from './alert.ts'
import { aboutRule, failed, type Question } from './question.ts'

/** Conditions for the calls of one alert: what its rule is about, and its values of the labels that the rule groups by. */
export function aboutAlert(rule: AlertRule, labels: Readonly<Record<string, string>>) {
  const { conditions, params } = aboutRule(rule)
  const own = rule.groupBy.map((name) => `toString(${name}) = {label_${name}:String}`)
  const values = Object.fromEntries(rule.groupBy.map((name) => [`label_${name}`, labels[name] ?? '']))
  return { conditions: [...conditions, ...own], params: { ...params, ...values } }
}

/**
 * For whom an alert is one: consumers of the calls that it was judged on (those that ended in [toMs - over, toMs), not
 * aborted) of which some failed, or were beyond the threshold of a percentile, an average or a maximum; those with the
 * most bad calls first, and how many such consumers there are in all. Calls of nobody known are one consumer, ''.
 */
export function hurtQuestion(rule: AlertRule, labels: Readonly<Record<string, string>>, toMs: number): Question {
  const { conditions, params } = aboutAlert(rule, labels)
  const bad = badCalls(rule)
  const end = 'ts + toIntervalMicrosecond(duration_us)'
  const where = [
    'ts >= fromUnixTimestamp64Milli({start:Int64})',
    'ts < fromUnixTimestamp64Milli({to:Int64})',
    `${end} >= fromUnixTimestamp64Milli({from:Int64})`,
    `${end} < fromUnixTimestamp64Milli({to:Int64})`,
    "outcome != 'aborted'",
    ...conditions,
  ]
  return {
    sql: `SELECT consumer, calls, bad, count() OVER () AS consumers
FROM (
  SELECT consumer, sum(toUInt64(weight)) AS calls, sumIf(toUInt64(weight), ${bad.condition}) AS bad
  FROM calls
  WHERE ${where.join(' AND ')}
  GROUP BY consumer
  HAVING bad > 0
)
ORDER BY bad DESC, calls DESC, consumer
LIMIT ${limits.noticeConsumers}`,
    params: {
      start: toMs - rule.overMs - limits.callMs,
      from: toMs - rule.overMs,
      to: toMs,
      ...bad.params,
      ...params,
    },
  }
}

/** A rule that wants little of something is hurt by calls beyond it; any other by those that failed. */
function badCalls({ when }: AlertRule): { condition: string; params: Row } {
  const timed = when.percentile !== undefined || when.metric === 'avg' || when.metric === 'max'
  if (!timed || !when.comparison.startsWith('>')) return { condition: failed, params: {} }
  const column = columns[when.percentile?.measure ?? 'duration']
  const { numerator, denominator } = when.threshold!
  return {
    condition: `(${failed} OR ${column} * {bad_scale:UInt64} ${beyondSign(when)} {bad_above:UInt64})`,
    params: { bad_scale: denominator, bad_above: numerator },
  }
}
