import { limits } from '../limits.ts'
import type { Question } from './question.ts'

/** The newest plan that the calls of a consumer name in [fromMs, toMs), and when; from the roll-up of this step. */
export function plansQuestion(table: 'calls_1m' | 'calls_15m', fromMs: number, toMs: number): Question {
  const time = table === 'calls_1m' ? 'minute' : 'quarter'
  return {
    sql: `SELECT consumer, argMax(plan, ${time}) AS newest_plan, toUnixTimestamp(max(${time})) AS seen
FROM ${table}
WHERE direction = 'in' AND consumer != '' AND plan != ''
  AND ${time} >= toDateTime({from:UInt32}) AND ${time} < toDateTime({to:UInt32})
GROUP BY consumer
ORDER BY sum(${table}.calls) DESC, consumer
LIMIT ${limits.quotaUsers}`,
    params: { from: fromMs / 1000, to: toMs / 1000 },
  }
}
