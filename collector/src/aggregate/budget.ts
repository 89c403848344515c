import { limits } from '../limits.ts'
import type { Question } from './question.ts'

/** How an objective stood over time, to some consumers: the last state of each of at most `points` steps. */
export function budgetQuestion(
  objective: string,
  consumers: readonly string[],
  { fromMs, toMs, points }: { fromMs: number; toMs: number; points: number },
): Question {
  return {
    sql: `SELECT consumer, intDiv(toUnixTimestamp64Milli(objective_states.ts) - {from:Int64}, {step:Int64}) AS place,
  toFloat64(toUnixTimestamp64Milli(max(objective_states.ts))) AS at_ms,
  argMax((attainment, budget_left, burn_rate_1h), objective_states.ts) AS state
FROM objective_states
WHERE objective = {objective:String} AND has({consumers:Array(String)}, consumer)
  AND objective_states.ts >= fromUnixTimestamp64Milli({from:Int64}) AND objective_states.ts <= fromUnixTimestamp64Milli({to:Int64})
GROUP BY consumer, place
ORDER BY consumer, place
LIMIT ${limits.questionRows}`,
    params: {
      objective,
      consumers,
      from: fromMs,
      to: toMs,
      step: Math.max(1, Math.ceil((toMs - fromMs + 1) / points)),
    },
  }
}
