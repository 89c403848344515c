import { limits } from '../../../collector/src/limits.ts'
import type { Consumers } from '../../../collector/src/receive/consumer.ts'
import type { Operations } from '../../../collector/src/receive/operation.ts'
import type { Row } from '../../../collector/src/store/store.ts'
import { timeText } from '../../../collector/src/store/time.ts'
import { callRow, isCall, isOurs, originOf, spanRow } from './call.ts'
import { isRequest, logRow, spanOf } from './log.ts'
import type { LogGroup, PointGroup, Span, SpanGroup } from './otlp.ts'
import { payloadRow } from './payload.ts'
import { pointRows, reportRow } from './report.ts'
import { upstreamRows } from './upstream.ts'

/** Rows by table, and how many things were not taken, by cause. */
export interface Expected {
  rows: Record<string, Row[]>
  rejected: Record<string, number>
}

export interface Setting {
  env: string | undefined
  token: string
  operations: Operations
  consumers: Consumers
  now: number
  pastMs: number
}

/** Gathers what one request gives. */
class Gathering {
  readonly rows: Record<string, Row[]> = {}
  readonly rejected: Record<string, number> = {}
  readonly #setting: Setting

  constructor(setting: Setting) {
    this.#setting = setting
  }

  add(table: string, row: Row | undefined): void {
    if (row === undefined) return
    this.rows[table] ??= []
    this.rows[table].push(row)
  }

  reject(cause: string, number = 1): void {
    if (number > 0) this.rejected[cause] = (this.rejected[cause] ?? 0) + number
  }

  /** True, and counted, when the time is too far from now. */
  badTime(ns: bigint, number = 1): boolean {
    const { now, pastMs } = this.#setting
    const cause =
      ns > BigInt(now + limits.futureMs) * 1_000_000n
        ? 'in_the_future'
        : ns < BigInt(now - pastMs) * 1_000_000n
          ? 'too_old'
          : undefined
    if (cause !== undefined) this.reject(cause, number)
    return cause !== undefined
  }
}

/** Sorts the spans of a request into rows of `calls`, with `payloads` beside them, and rows of `spans`. */
export function traceRows(groups: SpanGroup[], setting: Setting): Expected {
  const found = new Gathering(setting)
  const outgoing: { span: Span; call: Row; ours: boolean }[] = []
  for (const { resource, scope, spans } of groups) {
    const origin = originOf(resource, setting.env, setting.token)
    for (const span of spans) {
      if (!/^(?!0+$)[0-9a-f]{32}$/.test(span.traceId) || !/^(?!0+$)[0-9a-f]{16}$/.test(span.spanId)) {
        found.reject('invalid_id')
      } else if (found.badTime(span.startNs)) continue
      else if (isCall(span, scope, origin)) {
        const call = callRow(span, origin, setting.operations, setting.consumers)
        if (isOurs(scope, origin)) call.weight = 1
        found.add('calls', call)
        found.add('payloads', payloadRow(span, call, isOurs(scope, origin)))
        if (call.direction === 'out') outgoing.push({ span, call, ours: origin.ours })
      } else found.add('spans', spanRow(span, scope, origin))
    }
  }
  for (const row of upstreamRows(outgoing, setting.now)) found.add('upstream_limits', row)
  addConsumers(found, setting.consumers)
  return found
}

/** Access logs are calls, all other records are rows of `logs`. */
export function logRows(groups: LogGroup[], setting: Setting): Expected {
  const found = new Gathering(setting)
  for (const { resource, records } of groups) {
    const origin = originOf(resource, setting.env, setting.token)
    for (const record of records) {
      if (found.badTime(record.timeNs)) continue
      if (!isRequest(record)) found.add('logs', logRow(record, origin))
      else {
        const span = spanOf(record)
        const call = callRow(span, origin, setting.operations, setting.consumers)
        found.add('calls', call)
        found.add('payloads', payloadRow(span, call, false))
      }
    }
  }
  addConsumers(found, setting.consumers)
  return found
}

/** Agents' reports and the numbers of runtimes; all other points are counted. */
export function metricRows(groups: PointGroup[], setting: Setting): Expected {
  const found = new Gathering(setting)
  for (const { resource, points, others } of groups) {
    const origin = originOf(resource, setting.env, setting.token)
    const { report, number, timeNs } = reportRow(points, origin, resource)
    if (report !== undefined && !found.badTime(timeNs, number)) found.add('agent_reports', report)
    const { runtime, unread } = pointRows(points, origin)
    for (const { point, row } of runtime) if (!found.badTime(point.timeNs)) found.add('runtime_metrics', row)
    found.reject('metric_not_read', others + unread)
  }
  return found
}

function addConsumers(found: Gathering, consumers: Consumers): void {
  for (const { changedAt, ...news } of consumers.takeNews()) {
    found.add('consumers', { ...news, changed_at: timeText(changedAt) })
  }
}
