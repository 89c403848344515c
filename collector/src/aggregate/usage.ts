import type { Question } from './question.ts'

/** Whose use is asked for: by id, or by a plan that the calls themselves name. */
export interface Users {
  readonly consumers: readonly string[]
  readonly plans: readonly string[]
}

/**
 * Calls by consumer in [fromMs, toMs), both whole minutes, with the newest plan that the calls name. Every call
 * received counts, whatever came of it.
 */
export function usageQuestion(fromMs: number, toMs: number, users: Users): Question {
  return {
    sql: `SELECT consumer, argMaxIf(plan, minute, plan != '') AS newest_plan, sum(calls_1m.calls) AS used
FROM calls_1m
WHERE direction = 'in' AND minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32}) AND consumer != ''
GROUP BY consumer
HAVING has({consumers:Array(String)}, consumer) OR has({plans:Array(String)}, newest_plan)`,
    params: { from: fromMs / 1000, to: toMs / 1000, consumers: users.consumers, plans: users.plans },
  }
}
