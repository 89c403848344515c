import type { AlertRule } from '../config/config.ts'
import { limits } from '../limits.ts'
import { aboutRule, type Question } from './question.ts'

const minuteMs = 60_000
const dayMs = 24 * 3600_000

/**
 * Who called before and has not for the time of the rule: its labels, `last_ms` (the end of the last minute with a call),
 * `calls` of the 24 hours before that time began, and what says whether a call was to be expected now: calls in the same
 * window a day and a week ago, and in the 24 hours up to these windows' ends, which tell whether anybody was there at all.
 * From the calls by minute.
 */
export function silenceQuestion(rule: AlertRule, toMs: number): Question {
  const { conditions, params } = aboutRule(rule)
  const to = Math.floor(toMs / minuteMs) * minuteMs
  const quietMs = Math.ceil(rule.when.threshold!.numerator / 1000 / minuteMs) * minuteMs
  const within = (from: string, to: string) =>
    `minute >= toDateTime({${from}:UInt32}) AND minute < toDateTime({${to}:UInt32})`
  const where = [`(${within('two_days', 'to')} OR ${within('eight_days', 'week')})`, ...conditions]
  const columns = [
    ...rule.groupBy,
    'toUnixTimestamp(max(minute) + INTERVAL 1 MINUTE) * 1000 AS last_ms',
    `sumIf(calls_1m.calls, ${within('day_before', 'quiet')}) AS calls`,
    `sumIf(calls_1m.calls, ${within('day_window', 'day')}) AS then_day`,
    `sumIf(calls_1m.calls, ${within('two_days', 'day')}) AS around_day`,
    `sumIf(calls_1m.calls, ${within('week_window', 'week')}) AS then_week`,
    `sumIf(calls_1m.calls, ${within('eight_days', 'week')}) AS around_week`,
  ]
  const seconds = (ms: number) => ms / 1000
  return {
    sql: `SELECT ${columns.join(', ')}
FROM calls_1m
WHERE ${where.join(' AND ')}${rule.groupBy.length === 0 ? '' : `\nGROUP BY ${rule.groupBy.join(', ')}`}
HAVING last_ms > 60000 AND last_ms <= {quiet:UInt32} * 1000
ORDER BY calls DESC
LIMIT ${limits.alertGroups}`,
    params: {
      to: seconds(to),
      quiet: seconds(to - quietMs),
      day_before: seconds(to - quietMs - dayMs),
      day: seconds(to - dayMs),
      day_window: seconds(to - dayMs - quietMs),
      two_days: seconds(to - 2 * dayMs),
      week: seconds(to - 7 * dayMs),
      week_window: seconds(to - 7 * dayMs - quietMs),
      eight_days: seconds(to - 8 * dayMs),
      ...params,
    },
  }
}
