import type { AlertRule, Condition } from '../config/config.ts'
import { ratio } from '../config/share.ts'
import { limits } from '../limits.ts'
import { aboutSubject, failed, type Question } from './question.ts'

/**
 * What a rule's condition is decided on, for each label set with enough calls: the rule's labels, `calls`, and `value`
 * (the percentile in microseconds, exact to the call) or `failed`.
 *
 * Calls count when they ended within [toMs - over, toMs): a call is evidence when it is over, not when it began.
 * Aborted calls are left out, as their duration is the caller's patience and not ours.
 */
export function alertQuestion(rule: AlertRule, toMs: number): Question {
  const { conditions, params } = aboutSubject(rule)
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
  const figures = [...rule.groupBy, 'sum(toUInt64(weight)) AS calls', `${figure(rule.when)} AS value`]
  return {
    sql: `SELECT ${figures.join(', ')}
FROM calls
WHERE ${where.join(' AND ')}${rule.groupBy.length === 0 ? '' : `\nGROUP BY ${rule.groupBy.join(', ')}`}
HAVING calls >= {min_calls:UInt64}
ORDER BY ${rule.when.metric === 'percentile' ? 'value' : 'value / calls'} DESC, calls DESC
LIMIT ${limits.alertGroups}`,
    params: {
      start: toMs - rule.overMs - limits.callMs,
      from: toMs - rule.overMs,
      to: toMs,
      min_calls: rule.minCalls,
      ...params,
    },
  }
}

function figure(when: Condition): string {
  return when.metric === 'percentile'
    ? `quantileExactWeighted(${ratio(when.percentile)})(duration_us, weight)`
    : `sumIf(toUInt64(weight), ${failed})`
}
