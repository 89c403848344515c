import type { Question } from './question.ts'

/** Calls of one consumer in [fromMs, toMs), both whole minutes, and the newest plan that they name. */
export function monthCallsQuestion(consumer: string, fromMs: number, toMs: number): Question {
  return {
    sql: `SELECT argMaxIf(plan, minute, plan != '') AS newest_plan, sum(calls_1m.calls) AS used
FROM calls_1m
WHERE direction = 'in' AND consumer = {consumer:String} AND minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32})
HAVING used > 0`,
    params: { consumer, from: fromMs / 1000, to: toMs / 1000 },
  }
}
