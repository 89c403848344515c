import type { AlertRule, Condition } from '../config/config.ts'
import { limits } from '../limits.ts'
import { aboutSubject, failed, type Question } from './question.ts'

/** The label values of an alert that are columns of the calls: those that its rule groups by. */
export function aboutLabels(rule: AlertRule, labels: Readonly<Record<string, string>>) {
  const { conditions, params } = aboutSubject(rule)
  for (const name of rule.groupBy) {
    conditions.push(`${name} = {label_${name}:String}`)
    params[`label_${name}`] = labels[name] ?? ''
  }
  return { conditions, params }
}

/** What a call has to be to hurt somebody: slower than the promise of a percentile, or failed. */
export function isBad(when: Condition): string {
  return when.metric === 'percentile' ? `(${failed} OR duration_us > {above_us:UInt64})` : failed
}

/**
 * For whom an alert is one: consumers of the calls that it was judged on (those that ended in [toMs - over, toMs), not
 * aborted) of which some failed or were slower than the rule allows, those with the most bad calls first, and how many
 * such consumers there are in all. Calls of nobody known are one consumer, ''.
 */
export function hurtQuestion(rule: AlertRule, labels: Readonly<Record<string, string>>, toMs: number): Question {
  const { conditions, params } = aboutLabels(rule, labels)
  const end = 'ts + toIntervalMicrosecond(duration_us)'
  const where = [
    "direction = 'in'",
    "outcome != 'aborted'",
    'ts >= fromUnixTimestamp64Milli({start:Int64})',
    'ts < fromUnixTimestamp64Milli({to:Int64})',
    `${end} >= fromUnixTimestamp64Milli({from:Int64})`,
    `${end} < fromUnixTimestamp64Milli({to:Int64})`,
    ...conditions,
  ]
  return {
    sql: `SELECT consumer, calls, bad, count() OVER () AS consumers
FROM (
  SELECT consumer, sum(toUInt64(weight)) AS calls, sumIf(toUInt64(weight), ${isBad(rule.when)}) AS bad
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
      ...(rule.when.metric === 'percentile' ? { above_us: rule.when.aboveUs } : {}),
      ...params,
    },
  }
}
