import { Logs, Metrics, Traces } from './reference/otlp.ts'

/*
 * Small requests for tests, from plain values, encoded by OpenTelemetry's generated code.
 */

export type Plain =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | Uint8Array
  | Plain[]
  | { [key: string]: Plain }
export type Attributes = Record<string, Plain>

/** An AnyValue: whole numbers become integers, others doubles; undefined a value that is not there. */
export function anyValue(value: Plain): unknown {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: String(value) }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: value }
  if (value === null || value === undefined) return {}
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  return { kvlistValue: { values: pairs(value) } }
}

export function pairs(attributes: Attributes): { key: string; value: unknown }[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

export const START = 1_795_219_200_123_456_789n
/** Ten milliseconds and a bit from `START`. */
export const NOW = 1_795_219_200_200

export interface SpanFields {
  traceId?: string
  spanId?: string
  parentSpanId?: string
  traceState?: string
  name?: string
  kind?: number
  startTimeUnixNano?: string
  endTimeUnixNano?: string
  status?: { code?: number; message?: string }
}

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

/** A SERVER span of ten milliseconds. Ids in hexadecimal. */
export function span(attributes: Attributes, more: SpanFields = {}): Record<string, unknown> {
  const { traceId = 'ab'.repeat(16), spanId = 'cd'.repeat(8), parentSpanId = '', ...rest } = more
  return {
    name: 'GET',
    kind: 2,
    startTimeUnixNano: String(START),
    endTimeUnixNano: String(START + 10_000_000n),
    attributes: pairs(attributes),
    traceId: base64(traceId),
    spanId: base64(spanId),
    parentSpanId: base64(parentSpanId),
    ...rest,
  }
}

export const stock: Attributes = { 'service.name': 'shop', 'deployment.environment.name': 'prod' }
export const ours: Attributes = { 'service.name': 'shop', 'telemetry.distro.name': 'callsight' }
export const OUR_SCOPE = '@callsight/agent'

export function tracesOf(spans: unknown[], resource: Attributes = stock, scope = 'test'): Buffer {
  const resourceSpans = [{ resource: { attributes: pairs(resource) }, scopeSpans: [{ scope: { name: scope }, spans }] }]
  return Buffer.from(Traces.encode(Traces.fromObject({ resourceSpans })).finish())
}

export function logsOf(logRecords: unknown[], resource: Attributes = stock): Buffer {
  const resourceLogs = [{ resource: { attributes: pairs(resource) }, scopeLogs: [{ logRecords }] }]
  return Buffer.from(Logs.encode(Logs.fromObject({ resourceLogs })).finish())
}

export function metricsOf(metrics: unknown[], resource: Attributes = stock): Buffer {
  const resourceMetrics = [{ resource: { attributes: pairs(resource) }, scopeMetrics: [{ metrics }] }]
  return Buffer.from(Metrics.encode(Metrics.fromObject({ resourceMetrics })).finish())
}
