import type { Attributes } from '../../../collector/src/receive/otlp.ts'
import type { Row } from '../../../collector/src/store/store.ts'
import { timeText } from '../../../collector/src/store/time.ts'
import { type Origin, otherAttributes } from './call.ts'
import type { Point } from './otlp.ts'
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
const runtimes = /^(process|nodejs|v8js|jvm|go|cpython|dotnet|system)\./

/** The row of `agent_reports` from what an agent tells of itself; none when nothing of it has a column. */
export function reportRow(
  points: Point[],
  origin: Origin,
  resource: Attributes,
): { report: Row | undefined; number: number; timeNs: bigint } {
  const sums: Record<string, number> = Object.fromEntries(numbers.map((name) => [name, 0]))
  const parts = { dropped: emptyCounts(), payloads_dropped: emptyCounts(), faults: emptyCounts() }
  const disabled: string[] = []
  let [timeNs, startNs, used] = [0n, 0n, 0]
  for (const { metric, attributes, value, ...times } of points) {
    if (!metric.startsWith(PREFIX)) continue
    const name = metric.slice(PREFIX.length)
    const number = Math.min(Math.max(0, Math.floor(value)) || 0, Number.MAX_SAFE_INTEGER)
    if (Object.hasOwn(sums, name)) sums[name] = number
    else if (Object.hasOwn(divided, name)) {
      const by = name as keyof typeof divided
      parts[by][text(attributes[divided[by]])] = number
    } else if (name === 'disabled') {
      if (number > 0) disabled.push(text(attributes.feature))
    } else continue
    used++
    if (times.timeNs > timeNs) timeNs = times.timeNs
    if (times.startNs >= 1000n && (startNs === 0n || times.startNs < startNs)) startNs = times.startNs
  }
  if (timeNs < 1000n) return { report: undefined, number: 0, timeNs }
  const report = {
    ts: milliText(timeNs),
    env: origin.env,
    service: origin.service,
    instance: origin.instance,
    version: text(resource['telemetry.distro.version']),
    started_at: milliText(startNs),
    ...sums,
    ...parts,
    disabled: disabled.sort(),
  }
  return { report, number: used, timeNs }
}

/** The numbers of runtimes, and how many points belong to nothing that is read. */
export function pointRows(points: Point[], origin: Origin): { runtime: { point: Point; row: Row }[]; unread: number } {
  const runtime: { point: Point; row: Row }[] = []
  let unread = 0
  for (const point of points) {
    if (point.metric.startsWith(PREFIX)) continue
    if (!runtimes.test(point.metric)) unread++
    else if (point.recorded && Number.isFinite(point.value)) {
      const { env, service, instance } = origin
      const attributes = otherAttributes(point.attributes)
      const row = {
        ts: milliText(point.timeNs),
        env,
        service,
        instance,
        metric: text(point.metric),
        attributes,
        value: point.value,
      }
      runtime.push({ point, row })
    }
  }
  return { runtime, unread }
}

function emptyCounts(): Record<string, number> {
  return Object.create(null)
}

/** Times far away are told by another rule before they are stored. */
function milliText(ns: bigint): string {
  const ms = Number(ns / 1_000_000n)
  return ms < 8.64e15 ? timeText(ms) : ''
}
