import type { Question } from './question.ts'

/** The newest attempt of each receiver: what came of the last notice that went there. */
export function lastDeliveriesQuestion(): Question {
  return {
    sql: `SELECT channel, toUnixTimestamp64Milli(max(ts)) AS at_ms,
  argMax(tuple(attempt, done, status, error), (ts, attempt, done)) AS last,
  last.1 AS attempts, last.2 AS ended, last.3 AS answer, last.4 AS reason
FROM alert_deliveries
WHERE attempt > 0 OR done
GROUP BY channel`,
    params: {},
  }
}
