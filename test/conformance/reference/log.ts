import { limits } from '../../../collector/src/limits.ts'
import type { Attributes } from '../../../collector/src/receive/otlp.ts'
import { clip } from '../../../collector/src/receive/value.ts'
import type { Row } from '../../../collector/src/store/store.ts'
import { microText } from '../../../collector/src/store/time.ts'
import { type Origin, otherAttributes } from './call.ts'
import type { LogRecord, Span } from './otlp.ts'

/** True when the record tells of an HTTP request that was answered. */
export function isRequest({ attributes: a }: LogRecord): boolean {
  if (a['http.request.method'] === undefined && a['http.method'] === undefined) return false
  return ['http.response.status_code', 'http.status_code', 'url.path', 'http.target', 'http.route'].some(
    (key) => a[key] !== undefined,
  )
}

/** The record as the span of the call it tells of. Ids that it has not are left to the decoder. */
export function spanOf(record: LogRecord): Span {
  return {
    traceId: record.traceId,
    spanId: record.spanId,
    parentSpanId: '',
    traceState: '',
    name: '',
    kind: 2,
    startNs: record.timeNs,
    endNs: record.timeNs + BigInt(durationOf(record.attributes)) * 1000n,
    attributes: record.attributes,
    statusCode: record.severityNumber >= 17 ? 2 : 0,
    statusMessage: '',
  }
}

function durationOf(a: Attributes): number {
  for (const [key, unit] of [
    ['http.server.request.duration', 1_000_000],
    ['duration_ms', 1000],
    ['event.duration', 0.001],
  ] as const) {
    const value = typeof a[key] === 'string' ? Number(a[key]) : a[key]
    if (typeof value === 'number' && value > 0) return Math.min(Math.round(value * unit), Number.MAX_SAFE_INTEGER)
  }
  return 0
}

const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

export function logRow(record: LogRecord, origin: Origin): Row {
  const { body, severityNumber: number } = record
  const said =
    typeof body === 'string' ? body : body instanceof Uint8Array ? Buffer.from(body).toString('base64') : body
  const written = said === null ? '' : typeof said === 'object' ? JSON.stringify(said) : String(said)
  return {
    ts: microText(record.timeNs),
    env: origin.env,
    service: origin.service,
    instance: origin.instance,
    trace_id: /^(?!0+$)[0-9a-f]{32}$/.test(record.traceId) ? record.traceId : '',
    span_id: /^(?!0+$)[0-9a-f]{16}$/.test(record.spanId) ? record.spanId : '',
    severity_number: Math.min(number, 255),
    severity: clip(record.severity) || (number > 0 ? (severities[Math.floor((number - 1) / 4)] ?? '') : ''),
    body: clip(written, limits.logBodyChars),
    attributes: otherAttributes(record.attributes),
  }
}
