import type { Metered } from '../config/config.ts'
import { limits } from '../limits.ts'
import { aboutSubject, type Question } from './question.ts'

const MINUTE = 60_000
export const QUARTER = 15 * MINUTE

/** Attributes, paths and addresses stand in single calls alone; everything else that is counted is in the roll-ups. */
export function needsCalls({ meter }: Metered): boolean {
  return (
    'attribute' in meter || ('distinct' in meter && (meter.distinct === 'path' || meter.distinct === 'client_address'))
  )
}

/**
 * What incoming calls of [fromMs, toMs), both whole minutes, come to by consumer, the most first: whole quarters of an
 * hour from calls_15m, the minutes before and after from calls_1m, or single calls where only these tell. A call counts
 * by the minute in which it began. Different values are counted exactly; an empty value is none.
 */
export function usageQuestion(metered: Metered, fromMs: number, toMs: number): Question {
  const { meter, outcomes } = metered
  const { conditions, params } = aboutSubject({ operation: metered.operation })
  const column = 'sum' in meter ? 'amount' : 'value'
  const where = [...conditions, ...(outcomes === undefined ? [] : ['has({outcomes:Array(String)}, toString(outcome))'])]
  const select = (table: string, time: string, from: string, to: string) =>
    `SELECT consumer, ${expression(metered, table)} AS ${column} FROM ${table}
  WHERE ${["direction = 'in'", "consumer != ''", `${time} >= toDateTime({${from}:UInt32})`, `${time} < toDateTime({${to}:UInt32})`, ...where].join(' AND ')}`
  const firstMs = Math.min(Math.ceil(fromMs / QUARTER) * QUARTER, toMs)
  const lastMs = Math.max(Math.floor(toMs / QUARTER) * QUARTER, firstMs)
  const parts = needsCalls(metered)
    ? [select('calls', 'ts', 'from', 'to')]
    : [
        ...(fromMs < firstMs ? [select('calls_1m', 'minute', 'from', 'first')] : []),
        ...(firstMs < lastMs ? [select('calls_15m', 'quarter', 'first', 'last')] : []),
        ...(lastMs < toMs ? [select('calls_1m', 'minute', 'last', 'to')] : []),
      ]
  return {
    sql: `SELECT consumer, ${'sum' in meter ? 'sum(amount)' : "uniqExactIf(value, value != '')"} AS used
FROM (
${parts.join('\nUNION ALL\n')}
)
GROUP BY consumer
ORDER BY used DESC, consumer
LIMIT ${limits.quotaUsers}`,
    params: {
      from: fromMs / 1000,
      first: firstMs / 1000,
      last: lastMs / 1000,
      to: toMs / 1000,
      ...params,
      ...('attribute' in meter ? { attribute: meter.attribute } : {}),
      ...(outcomes === undefined ? {} : { outcomes }),
    },
  }
}

/** One row's part; columns of a table are named with it where they have the name of an alias. */
function expression({ meter }: Metered, table: string): string {
  if ('attribute' in meter) return 'attributes[{attribute:String}]'
  if ('distinct' in meter) return `toString(${meter.distinct})`
  return meter.sum === 'bytes' ? 'request_bytes + response_bytes' : `${table}.${meter.sum}`
}
