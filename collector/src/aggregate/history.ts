import { quotaFingerprint } from '../judge/quota/threshold.ts'
import { limits } from '../limits.ts'
import type { Question } from './question.ts'

const columns = `id, toUnixTimestamp64Milli(alert_events.ts) AS at_ms, rule, fingerprint, labels, severity,
  toString(alert_events.state) AS state, value, threshold, calls, summary,
  toUnixTimestamp64Milli(alert_events.active_since) AS active_since_ms`

/** The newest event of each alert that is not over: what the judge knew when it stopped. */
export function openAlertsQuestion(): Question {
  return {
    sql: `SELECT ${columns}
FROM alert_events
WHERE alert_events.state IN ('pending', 'firing') AND NOT startsWith(fingerprint, {quota:String})
  AND (fingerprint, alert_events.ts) IN (SELECT fingerprint, max(ts) FROM alert_events GROUP BY fingerprint)`,
    // The threshold of a quota is told of and over.
    params: { quota: quotaFingerprint },
  }
}

/** Notices of young events that were neither delivered nor given up, with the attempts made so far, in their order. */
export function undeliveredQuestion(nowMs: number): Question {
  return {
    sql: `SELECT channel, attempts, ${columns}
FROM (
  SELECT event_id, channel, max(attempt) AS attempts
  FROM alert_deliveries
  WHERE ts >= fromUnixTimestamp64Milli({since:Int64})
  GROUP BY event_id, channel
  HAVING NOT max(done)
) AS delivery
INNER JOIN alert_events ON alert_events.id = delivery.event_id
WHERE alert_events.ts >= fromUnixTimestamp64Milli({since:Int64})
ORDER BY alert_events.ts, id`,
    params: { since: nowMs - limits.noticeAgeMs },
  }
}

/** Who was told of an alert whose rule is no longer there to say so. */
export function receiversQuestion(fingerprint: string): Question {
  return {
    sql: `SELECT DISTINCT channel FROM alert_deliveries
WHERE event_id IN (SELECT id FROM alert_events WHERE fingerprint = {fingerprint:String})
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
    sql: `SELECT ${columns}
FROM alert_events
WHERE ${conditions.join(' AND ')}
ORDER BY alert_events.ts DESC, id
LIMIT ${size}`,
    params: { rule: filter.rule, from: filter.fromMs },
  }
}
