import type { SliceRange } from '../../aggregate/slices.ts'
import { durationText } from '../../config/duration.ts'
import { leastDays, periodText } from '../../config/period.ts'
import type { Retention, RetentionKey } from '../../config/retention.ts'
import type { Period } from '../calendar.ts'

/** What decides where a period can be counted exactly. */
export interface Needs {
  readonly period: Period
  readonly sliceMs: number
  readonly excluded: readonly Period[]
  /** Of the promise; undefined: none. */
  readonly latencyUs: number | undefined
  /** From when on the roll-ups count it exactly; undefined: they do not. */
  readonly countedFromMs: number | undefined
}

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const DAY = 24 * 3600_000

/**
 * The tables that a period is counted from, exactly, or why that is not possible. Roll-ups by minute, or by quarter of an
 * hour when the minutes are gone and nothing ends within a quarter; and single calls for the time in which a latency was
 * not counted yet.
 *
 * @param nowMs when it is asked: what is older than its life may be gone, in part
 */
export function sourcesOf(needs: Needs, retention: Retention, nowMs: number): readonly SliceRange[] | string {
  const { period, latencyUs, countedFromMs } = needs
  const kept = (key: RetentionKey, fromMs: number) => fromMs >= nowMs - leastDays(retention[key]) * DAY
  const exactMs = latencyUs === undefined ? period.startMs : Math.ceil((countedFromMs ?? Infinity) / MINUTE) * MINUTE
  const cutMs = Math.min(Math.max(exactMs, period.startMs), period.endMs)
  const ranges: SliceRange[] = []
  if (period.startMs < cutMs) {
    if (!kept('calls', period.startMs)) {
      const latency = durationText(latencyUs! / 1000)
      const since = Number.isFinite(exactMs) ? ` before ${timeText(exactMs)}` : ''
      return `calls under ${latency} were not counted${since}, and single calls are kept for ${periodText(retention.calls)} (retention.calls)`
    }
    ranges.push({ source: 'calls', fromMs: period.startMs, toMs: cutMs })
  }
  if (cutMs < period.endMs) {
    const byQuarter = [needs.sliceMs, cutMs, period.endMs, ...needs.excluded.flatMap(Object.values)].every(
      (ms: number) => ms % QUARTER === 0,
    )
    const range = { fromMs: cutMs, toMs: period.endMs }
    if (kept('minutes', cutMs)) ranges.push({ source: 'calls_1m', ...range })
    else if (byQuarter && kept('rollups', cutMs)) ranges.push({ source: 'calls_15m', ...range })
    else if (byQuarter)
      return `calls by quarter of an hour are kept for ${periodText(retention.rollups)} (retention.rollups)`
    else return `calls by minute are kept for ${periodText(retention.minutes)} (retention.minutes)`
  }
  return ranges
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC')
}
