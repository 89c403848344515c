import { quotaFingerprint } from '../judge/quota/threshold.ts'
import type { Question } from './question.ts'

/** What a row of alert_events says, by the names that judge/alert/row.ts reads. */
export const eventColumns = `id, toUnixTimestamp64Milli(alert_events.ts) AS at_ms, rule, fingerprint, labels, severity,
  toString(alert_events.state) AS state, previous, value, threshold, unit, calls, summary, annotations,
  toUnixTimestamp64Milli(alert_events.active_since) AS active_since_ms`

/** The newest event of each alert that is not over: what the judge knew when it stopped. */
export function openAlertsQuestion(): Question {
  return {
    sql: `SELECT ${eventColumns}
FROM alert_events
WHERE alert_events.state IN ('pending', 'firing', 'recovering', 'nodata', 'error')
  AND NOT startsWith(fingerprint, {quota:String})
  AND (fingerprint, alert_events.ts) IN (SELECT fingerprint, max(ts) FROM alert_events GROUP BY fingerprint)`,
    // The threshold of a quota is told of and over.
    params: { quota: quotaFingerprint },
  }
}

/** Who was told of an alert whose rule is no longer there to say so. */
export function receiversQuestion(fingerprint: string): Question {
  return {
    sql: `SELECT DISTINCT arrayJoin(receivers) AS channel
FROM alert_events
WHERE fingerprint = {fingerprint:String}
ORDER BY channel`,
    params: { fingerprint },
  }
}

/** Alert events, newest first. */
export function eventsQuestion(
  filter: { rule?: string | undefined; fromMs?: number | undefined },
  size: number,
): Question {
  const conditions = ['1']
  if (filter.rule !== undefined) conditions.push('rule = {rule:String}')
  if (filter.fromMs !== undefined) conditions.push('alert_events.ts >= fromUnixTimestamp64Milli({from:Int64})')
  return {
    sql: `SELECT ${eventColumns}
FROM alert_events
WHERE ${conditions.join(' AND ')}
ORDER BY alert_events.ts DESC, id
LIMIT ${size}`,
    params: { rule: filter.rule, from: filter.fromMs },
  }
}
