import type { Metered } from '../config/config.ts'
import { limits } from '../limits.ts'
import { aboutSubject, type Question } from './question.ts'

/**
 * What calls of [fromMs, toMs), both whole hours of UTC, come to by consumer and hour, for sums only: `hours` counts from
 * fromMs, `amounts` has what each came to, hours without calls are left out. The busiest consumers first.
 */
export function usageHoursQuestion({ meter, operation, outcomes }: Metered, fromMs: number, toMs: number): Question {
  if (!('sum' in meter)) throw new Error(`${meter.text} does not add up over hours`)
  const { conditions, params } = aboutSubject({ operation })
  const where = [
    "direction = 'in'",
    "consumer != ''",
    'quarter >= toDateTime({from:UInt32})',
    'quarter < toDateTime({to:UInt32})',
    ...conditions,
    ...(outcomes === undefined ? [] : ['has({outcomes:Array(String)}, toString(outcome))']),
  ]
  const amount = meter.sum === 'bytes' ? 'request_bytes + response_bytes' : `calls_15m.${meter.sum}`
  return {
    sql: `SELECT consumer, groupArray(hour) AS hours, groupArray(amount) AS amounts
FROM (
  SELECT consumer, intDiv(toUnixTimestamp(quarter) - {from:UInt32}, 3600) AS hour, sum(${amount}) AS amount
  FROM calls_15m
  WHERE ${where.join(' AND ')}
  GROUP BY consumer, hour
)
GROUP BY consumer
ORDER BY sum(amount) DESC, consumer
LIMIT ${limits.forecastUsers}`,
    params: { from: fromMs / 1000, to: toMs / 1000, ...params, ...(outcomes === undefined ? {} : { outcomes }) },
  }
}
