import { limits } from '../limits.ts'
import type { Question } from './question.ts'

/** What a row of both answers is about. */
const keys = 'env, service, peer, peer_port, policy'

/**
 * The newest word on each quota of ours at another server, of those heard of lately: what the newest answer did not tell
 * is what the last one told that did. `refused` are the calls turned away for it in the hour until `atMs`.
 */
export function upstreamQuestion(atMs: number): Question {
  return {
    sql: `SELECT ${keys}, ${newest},
  toUnixTimestamp64Milli(max(ts)) AS seen_ms,
  argMaxIf(upstream_limits.unit, ts, upstream_limits.dialect != 'none') AS unit,
  argMaxIf(upstream_limits.dialect, ts, upstream_limits.dialect != 'none') AS dialect,
  argMax(upstream_limits.window_s, ts) AS window_s,
  toUnixTimestamp64Milli(max(retry_at)) AS retry_ms,
  sumIf(upstream_limits.calls, ts >= ${time('hour')}) AS calls,
  sumIf(upstream_limits.refused, ts >= ${time('hour')}) AS refused
FROM upstream_limits
WHERE ts >= ${time('from')} AND ts <= ${time('until')}
GROUP BY ${keys}
ORDER BY seen_ms DESC, ${keys}
LIMIT {most:UInt32}`,
    params: {
      from: atMs - limits.upstreamSeenMs,
      hour: atMs - limits.upstreamRefusedMs,
      until: atMs + limits.futureMs,
      most: limits.upstreamQuotas,
    },
  }
}

/** NULL is skipped by the functions of ClickHouse: each is the newest that is known. */
const newest = `argMax(upstream_limits.allowed, ts) AS allowed,
  argMax(upstream_limits.remaining, ts) AS remaining,
  toUnixTimestamp64Milli(argMax(resets_at, ts)) AS resets_ms`

/**
 * How the window of each quota that is under way was used up so far: `points` are pairs of a time in milliseconds and
 * what was left then, oldest first. What belongs to one window is told by when it ends: moments told as seconds from now
 * differ by the second they were rounded to.
 */
export function upstreamUseQuestion(atMs: number): Question {
  return {
    sql: `WITH standing AS (
  SELECT ${keys}, toUnixTimestamp64Milli(argMax(resets_at, ts)) AS ends_ms,
    coalesce(argMax(window_s, ts), intDiv(ends_ms - toUnixTimestamp64Milli(max(ts)), 1000)) AS length_s,
    multiIf(length_s <= 120, 1, length_s <= 7200, 60, 900) AS slot_s
  FROM upstream_limits
  WHERE ts >= ${time('from')} AND ts <= ${time('until')}
  GROUP BY ${keys}
  HAVING ends_ms > {at:Int64}
)
SELECT ${keys}, arraySort(groupArray((at_ms, left))) AS points
FROM (
  SELECT ${keys}, toUnixTimestamp64Milli(max(ts)) AS at_ms, argMax(remaining, ts) AS left
  FROM upstream_limits INNER JOIN standing USING (${keys})
  WHERE ts >= ${time('from')} AND ts <= ${time('until')} AND remaining IS NOT NULL
    AND abs(toUnixTimestamp64Milli(resets_at) - ends_ms) <= {slack:Int64}
  GROUP BY ${keys}, intDiv(toUnixTimestamp(ts), slot_s)
  ORDER BY at_ms DESC
  LIMIT {points:UInt32} BY ${keys}
)
GROUP BY ${keys}`,
    params: {
      from: atMs - limits.upstreamSeenMs,
      at: atMs,
      until: atMs + limits.futureMs,
      slack: limits.upstreamSlackMs,
      points: limits.upstreamPoints,
    },
  }
}

function time(parameter: string): string {
  return `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`
}
