import type { Question } from './question.ts'

/** One version of the statements of a consumer's month, the newest without a version, by objective. */
export function statementsQuestion(consumer: string, month: string, version?: number): Question {
  // Should two collectors ever have made the same version at once, the first holds.
  return {
    sql: `SELECT objective, version, toFloat64(toUnixTimestamp64Milli(made_at)) AS made_ms, final,
  toFloat64(toUnixTimestamp64Milli(watermark)) AS watermark_ms, checksum, statement
FROM sla_statements
WHERE consumer = {consumer:String} AND month = {month:Date}${version === undefined ? '' : ' AND version = {version:UInt32}'}
ORDER BY objective, version DESC, made_at
LIMIT 1 BY objective`,
    params: { consumer, month: `${month}-01`, ...(version === undefined ? {} : { version }) },
  }
}

/** The consumers whose statement of a month under an objective is closed. */
export function closedStatementsQuestion(objective: string, month: string): Question {
  return {
    sql: `SELECT DISTINCT consumer
FROM sla_statements
WHERE month = {month:Date} AND objective = {objective:String} AND final
ORDER BY consumer`,
    params: { objective, month: `${month}-01` },
  }
}
