import { quotaFingerprint } from '../judge/quota/threshold.ts'
import { limits } from '../limits.ts'
import type { Question } from './question.ts'

/** Corrections that count at this time or later, the newest first; of a key that is there twice the first. */
export function correctionsQuestion(sinceMs: number): Question {
  return {
    sql: `SELECT *
FROM (
  SELECT ${correctionColumns}
  FROM quota_corrections
  WHERE quota_corrections.at >= fromUnixTimestamp64Milli({since:Int64})
  ORDER BY quota_corrections.ts, quota, amount
  LIMIT 1 BY consumer, key
)
ORDER BY made_ms DESC
LIMIT ${limits.corrections}`,
    params: { since: sinceMs },
  }
}

/** The correction that a consumer's key stands for. */
export function correctionQuestion(consumer: string, key: string): Question {
  return {
    sql: `SELECT ${correctionColumns}
FROM quota_corrections
WHERE consumer = {consumer:String} AND key = {key:String}
ORDER BY quota_corrections.ts, quota, amount
LIMIT 1`,
    params: { consumer, key },
  }
}

const correctionColumns = `toUnixTimestamp64Milli(quota_corrections.ts) AS made_ms, consumer, quota,
  toUnixTimestamp64Milli(quota_corrections.at) AS at_ms, amount, reason, actor, key`

/** The highest threshold told of in each period, and when each threshold of a rolling window was told of last. */
export function thresholdsToldQuestion(sinceMs: number): Question {
  return {
    sql: `SELECT consumer, quota, toUnixTimestamp(period_start) AS start, allowed, share,
  toUnixTimestamp64Milli(max(quota_thresholds.ts)) AS told_ms
FROM quota_thresholds
WHERE quota_thresholds.ts >= fromUnixTimestamp64Milli({since:Int64})
GROUP BY consumer, quota, start, allowed, share
ORDER BY told_ms DESC
LIMIT ${limits.thresholdsTold}`,
    params: { since: sinceMs },
  }
}

/** Thresholds whose event is stored, and that are not written down as told of: a kill came in between. */
export function thresholdsCutOffQuestion(sinceMs: number): Question {
  return {
    sql: `SELECT id FROM alert_events
WHERE startsWith(fingerprint, {quota:String}) AND alert_events.ts >= fromUnixTimestamp64Milli({since:Int64})
  AND id NOT IN (SELECT event_id FROM quota_thresholds)`,
    params: { quota: quotaFingerprint, since: sinceMs },
  }
}

/** Closed periods that ended at this time or later. */
export function closedPeriodsQuestion(sinceMs: number): Question {
  return {
    sql: `SELECT consumer, quota, plan, per, toUnixTimestamp(period_start) AS start, toUnixTimestamp(period_end) AS end,
  allowed, counted, late, corrected, toUnixTimestamp64Milli(quota_periods.closed_at) AS closed_ms
FROM quota_periods FINAL
WHERE period_end >= toDateTime({since:UInt32})
ORDER BY consumer, quota, start`,
    params: { since: Math.floor(sinceMs / 1000) },
  }
}
