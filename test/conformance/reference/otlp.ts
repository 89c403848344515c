import generated from 'otlp-transformer-oracle/build/src/generated/root.js'
import { type Attributes, emptyAttributes, type Value } from '../../../collector/src/receive/otlp.ts'

/*
 * Requests as plain objects, decoded by the protobufjs code that OpenTelemetry generated from opentelemetry-proto and
 * published in its 0.208 release.
 */

// biome-ignore lint/suspicious/noExplicitAny: generated code with types of its own
type Loose = any
const proto = (generated as Loose).opentelemetry.proto.collector
export const Traces: Loose = proto.trace.v1.ExportTraceServiceRequest
export const Metrics: Loose = proto.metrics.v1.ExportMetricsServiceRequest
export const Logs: Loose = proto.logs.v1.ExportLogsServiceRequest

export interface Span {
  /** Lower-case hexadecimal. */
  traceId: string
  spanId: string
  parentSpanId: string
  traceState: string
  name: string
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number
  /** Nanoseconds since 1970. */
  startNs: bigint
  endNs: bigint
  attributes: Attributes
  /** 0 unset, 1 ok, 2 error. */
  statusCode: number
  statusMessage: string
}

export interface Point {
  metric: string
  attributes: Attributes
  startNs: bigint
  timeNs: bigint
  value: number
  recorded: boolean
}

export interface LogRecord {
  timeNs: bigint
  severityNumber: number
  severity: string
  body: Value
  attributes: Attributes
  traceId: string
  spanId: string
}

interface Group {
  resource: Attributes
  scope: string
}
export type SpanGroup = Group & { spans: Span[] }
export type PointGroup = Group & { points: Point[]; others: number }
export type LogGroup = Group & { records: LogRecord[] }

export function decodeTraces(body: Uint8Array): SpanGroup[] {
  return groupsOf(Traces.decode(body).resourceSpans, 'scopeSpans', (scope) => ({
    spans: (scope.spans ?? []).map(span),
  }))
}

export function decodeLogs(body: Uint8Array): LogGroup[] {
  return groupsOf(Logs.decode(body).resourceLogs, 'scopeLogs', (scope) => ({
    records: (scope.logRecords ?? []).map(logRecord),
  }))
}

export function decodeMetrics(body: Uint8Array): PointGroup[] {
  return groupsOf(Metrics.decode(body).resourceMetrics, 'scopeMetrics', (scope) => {
    const points: Point[] = []
    let others = 0
    for (const metric of scope.metrics ?? []) {
      for (const data of [metric.gauge, metric.sum]) {
        for (const point of data?.dataPoints ?? []) points.push(numberPoint(metric.name ?? '', point))
      }
      for (const data of [metric.histogram, metric.exponentialHistogram, metric.summary]) {
        others += data?.dataPoints?.length ?? 0
      }
    }
    return { points, others }
  })
}

function groupsOf<G>(resources: Loose[] | null, scopes: string, of: (scope: Loose) => G): (Group & G)[] {
  return (resources ?? []).flatMap((owner) =>
    (owner[scopes] ?? []).map((scope: Loose) => ({
      resource: attributes(owner.resource?.attributes),
      scope: scope.scope?.name ?? '',
      ...of(scope),
    })),
  )
}

function span(item: Loose): Span {
  return {
    traceId: hex(item.traceId),
    spanId: hex(item.spanId),
    parentSpanId: hex(item.parentSpanId),
    traceState: item.traceState ?? '',
    name: item.name ?? '',
    kind: item.kind ?? 0,
    startNs: integer(item.startTimeUnixNano),
    endNs: integer(item.endTimeUnixNano),
    attributes: attributes(item.attributes),
    statusCode: item.status?.code ?? 0,
    statusMessage: item.status?.message ?? '',
  }
}

function numberPoint(metric: string, item: Loose): Point {
  return {
    metric,
    attributes: attributes(item.attributes),
    startNs: integer(item.startTimeUnixNano),
    timeNs: integer(item.timeUnixNano),
    value: item.asInt === null || item.asInt === undefined ? (item.asDouble ?? 0) : Number(integer(item.asInt)),
    recorded: ((item.flags ?? 0) & 1) === 0,
  }
}

function logRecord(item: Loose): LogRecord {
  const own = integer(item.timeUnixNano)
  return {
    timeNs: own === 0n ? integer(item.observedTimeUnixNano) : own,
    severityNumber: item.severityNumber ?? 0,
    severity: item.severityText ?? '',
    body: anyValue(item.body),
    attributes: attributes(item.attributes),
    traceId: hex(item.traceId),
    spanId: hex(item.spanId),
  }
}

function attributes(items: Loose[] | null | undefined): Attributes {
  const all = emptyAttributes()
  for (const { key, value } of items ?? []) all[key ?? ''] = anyValue(value)
  return all
}

function anyValue(item: Loose, depth = 0): Value {
  const kind: string | undefined = item?.value
  if (kind === 'stringValue') return item.stringValue
  if (kind === 'boolValue') return item.boolValue
  if (kind === 'doubleValue') return item.doubleValue
  if (kind === 'arrayValue') return (item.arrayValue.values ?? []).map((one: Loose) => anyValue(one, depth + 1))
  if (kind === 'intValue') {
    const exact = integer(item.intValue)
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : String(exact)
  }
  if (kind === 'bytesValue') {
    const bytes = Buffer.from(item.bytesValue)
    return depth === 0 ? bytes : bytes.toString('base64')
  }
  if (kind !== 'kvlistValue') return null
  const map = emptyAttributes()
  for (const { key, value } of item.kvlistValue.values ?? []) map[key ?? ''] = anyValue(value, depth + 1)
  return map
}

function integer(long: Loose): bigint {
  return BigInt(String(long ?? 0))
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex')
}
