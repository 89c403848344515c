import type { AlertRule } from '../config/config.ts'
import { aboutAlert } from './hurt.ts'
import { failed, type Question } from './question.ts'

const minute = 60_000

/** What an alert's figure is compared with: the whole minutes that hold [startMs, endMs). */
export interface Stretch {
  readonly startMs: number
  readonly endMs: number
}

/** The same window a week before, and the hour that ended where the window began. */
export function stretchesBefore(overMs: number, toMs: number): { week: Stretch; hour: Stretch } {
  const startMs = Math.floor((toMs - overMs) / minute) * minute
  const endMs = Math.ceil(toMs / minute) * minute
  const week = 7 * 24 * 3600_000
  return {
    week: { startMs: startMs - week, endMs: endMs - week },
    hour: { startMs: startMs - 3600_000, endMs: startMs },
  }
}

/**
 * What an alert's rule would have been judged on in two stretches of time, `stretch` being `week` or `hour`: its calls,
 * the failed ones, and their durations as a histogram. Read from the minutes, so percentiles are up to 2.2 % off; that a
 * call counts when it begins and not when it ends does not matter here.
 */
export function beforeQuestion(
  rule: AlertRule,
  labels: Readonly<Record<string, string>>,
  { week, hour }: { week: Stretch; hour: Stretch },
): Question {
  const { conditions, params } = aboutAlert(rule, labels)
  const within = (name: string) =>
    `(minute >= toDateTime({${name}_from:UInt32}) AND minute < toDateTime({${name}_to:UInt32}))`
  // As the rule counts them: where time and failure are judged, aborted calls say nothing.
  const judged = rule.when.metric === 'rps' ? [] : ["outcome != 'aborted'"]
  const where = [`(${within('week')} OR ${within('hour')})`, ...judged, ...conditions]
  return {
    sql: `SELECT if(minute < toDateTime({week_to:UInt32}), 'week', 'hour') AS stretch,
  sum(calls_1m.calls) AS all, sumIf(calls_1m.calls, ${failed}) AS bad, sum(calls_1m.duration_us) AS time_us,
  mapKeys(sumMap(calls_1m.hist) AS merged) AS buckets, mapValues(merged) AS counts
FROM calls_1m
WHERE ${where.join(' AND ')}
GROUP BY stretch`,
    params: {
      week_from: week.startMs / 1000,
      week_to: week.endMs / 1000,
      hour_from: hour.startMs / 1000,
      hour_to: hour.endMs / 1000,
      ...params,
    },
  }
}

/**
 * A percentile from a histogram of calls_1m (sql/0003): the middle of the bucket, on its logarithmic scale, that holds
 * the smallest duration which this share of the calls does not exceed.
 *
 * @param share from 0 to 1
 * @returns microseconds; null without calls
 */
export function histogramPercentile(
  buckets: readonly number[],
  counts: readonly number[],
  share: number,
): number | null {
  const sorted = buckets.map((bucket, i) => ({ bucket, count: counts[i]! })).sort((a, b) => a.bucket - b.bucket)
  const total = sorted.reduce((sum, { count }) => sum + count, 0)
  let seen = 0
  for (const { bucket, count } of sorted) {
    seen += count
    if (seen >= share * total && count > 0) return 2 ** ((bucket - 0.5) / 16)
  }
  return null
}
