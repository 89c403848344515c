import { metrics } from '../metrics.ts'
import type { Row } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import { originOf } from './call.ts'
import type { Point, PointGroup } from './otlp.ts'
import { text } from './value.ts'

/** Metrics of one number, by the name after callsight.agent., and the column each goes to. */
const numbers = [
  'seen',
  'sent',
  'spans_dropped',
  'payloads_kept',
  'work_us',
  'queue_bytes',
  'queue_calls',
  'open_calls',
] as const
/** Metrics with one number for each value of an attribute. */
const divided = { dropped: 'reason', payloads_dropped: 'reason', faults: 'feature' } as const

const PREFIX = 'callsight.agent.'

/**
 * Rows of `agent_reports` from what an agent tells of itself: counters, cumulative since its start, and gauges of the
 * moment. Metrics of anyone else are counted as not kept.
 */
export function reportRows(groups: PointGroup[], tokenEnv: string | undefined): { rows: Row[]; others: number } {
  const rows: Row[] = []
  let others = 0
  for (const { resource, points, others: unread } of groups) {
    others += unread
    const own = points.filter(({ metric }) => metric.startsWith(PREFIX))
    others += points.length - own.length
    const row = rowOf(own)
    if (row === undefined) continue
    const origin = originOf(resource, tokenEnv, '')
    rows.push({
      env: origin.env,
      service: origin.service,
      instance: origin.instance,
      version: String(resource['telemetry.distro.version'] ?? ''),
      ...row,
    })
  }
  if (others > 0) metrics.rejected.inc({ cause: 'metric_not_read' }, others)
  return { rows, others }
}

/** Undefined when nothing of it has a column: a newer agent may tell more of itself, which is no reason to tell it off. */
function rowOf(points: Point[]): Row | undefined {
  const sums: Record<string, number> = Object.fromEntries(numbers.map((name) => [name, 0]))
  const parts = { dropped: emptyCounts(), payloads_dropped: emptyCounts(), faults: emptyCounts() }
  const disabled: string[] = []
  let timeNs = 0n
  let startNs = 0n
  for (const { metric, attributes, value, ...times } of points) {
    const name = metric.slice(PREFIX.length)
    const number = Math.max(0, Math.floor(value)) || 0
    if (Object.hasOwn(sums, name)) sums[name] = number
    else if (Object.hasOwn(divided, name)) {
      const by = name as keyof typeof divided
      parts[by][text(attributes[divided[by]])] = number
    } else if (name === 'disabled') {
      if (number > 0) disabled.push(text(attributes.feature))
    } else continue
    if (times.timeNs > timeNs) timeNs = times.timeNs
    if (times.startNs > 0n && (startNs === 0n || times.startNs < startNs)) startNs = times.startNs
  }
  if (timeNs === 0n) return undefined
  return { ts: milliText(timeNs), started_at: milliText(startNs), ...sums, ...parts, disabled: disabled.sort() }
}

function emptyCounts(): Record<string, number> {
  return Object.create(null)
}

function milliText(ns: bigint): string {
  return timeText(Number(ns / 1_000_000n))
}
