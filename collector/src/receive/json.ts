import { limits } from '../limits.ts'
import {
  type Attributes,
  emptyAttributes,
  type Point,
  type PointGroup,
  type Span,
  type SpanGroup,
  Undecodable,
  type Value,
} from './otlp.ts'

/*
 * OTLP/JSON: protobuf's JSON mapping with two differences, ids in hexadecimal and enums as numbers. 64-bit integers may
 * come as text or as numbers. Source: opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding".
 */

type Json = { [key: string]: unknown }

/** Decodes an ExportTraceServiceRequest. @throws Undecodable */
export function decodeTracesJson(body: Uint8Array): SpanGroup[] {
  const groups: SpanGroup[] = []
  eachScope(body, 'resourceSpans', 'scopeSpans', (resource, scope, item, at) => {
    const spans: Span[] = []
    each(item, 'spans', at, (inner, place) => spans.push(span(inner, place)))
    groups.push({ resource, scope, spans })
  })
  return groups
}

/** Decodes an ExportMetricsServiceRequest as far as its sums and gauges. @throws Undecodable */
export function decodeMetricsJson(body: Uint8Array): PointGroup[] {
  const groups: PointGroup[] = []
  eachScope(body, 'resourceMetrics', 'scopeMetrics', (resource, scope, item, at) => {
    const group: PointGroup = { resource, scope, points: [], others: 0 }
    each(item, 'metrics', at, (inner, place) => metric(inner, place, group))
    groups.push(group)
  })
  return groups
}

/** Counts the records of an ExportLogsServiceRequest. @throws Undecodable */
export function countLogsJson(body: Uint8Array): number {
  let records = 0
  each(parse(body), 'resourceLogs', '', (resourceLogs, at) =>
    each(resourceLogs, 'scopeLogs', at, (scopeLogs, inner) =>
      each(scopeLogs, 'logRecords', inner, () => {
        records++
      }),
    ),
  )
  return records
}

/** What traces and metrics have in common: resources with attributes, and in each of them scopes with a name. */
function eachScope(
  body: Uint8Array,
  resources: string,
  scopes: string,
  take: (resource: Attributes, scope: string, item: Json, at: string) => void,
): void {
  each(parse(body), resources, '', (owner, at) => {
    const resource = attributes(object(owner.resource ?? {}, `${at}.resource`), `${at}.resource`)
    each(owner, scopes, at, (item, place) => {
      take(resource, text(object(item.scope ?? {}, `${place}.scope`).name, `${place}.scope.name`), item, place)
    })
  })
}

function span(item: Json, at: string): Span {
  const status = object(item.status ?? {}, `${at}.status`)
  return {
    traceId: text(item.traceId, `${at}.traceId`).toLowerCase(),
    spanId: text(item.spanId, `${at}.spanId`).toLowerCase(),
    parentSpanId: text(item.parentSpanId, `${at}.parentSpanId`).toLowerCase(),
    name: text(item.name, `${at}.name`),
    kind: Number(integer(item.kind ?? 0, `${at}.kind`)),
    startNs: integer(item.startTimeUnixNano ?? 0, `${at}.startTimeUnixNano`),
    endNs: integer(item.endTimeUnixNano ?? 0, `${at}.endTimeUnixNano`),
    attributes: attributes(item, at),
    statusCode: Number(integer(status.code ?? 0, `${at}.status.code`)),
    statusMessage: text(status.message, `${at}.status.message`),
  }
}

function metric(item: Json, at: string, group: PointGroup): void {
  const name = text(item.name, `${at}.name`)
  for (const kind of ['sum', 'gauge'] as const) {
    if (item[kind] === undefined) continue
    each(object(item[kind], `${at}.${kind}`), 'dataPoints', `${at}.${kind}`, (point, place) =>
      group.points.push(numberPoint(name, point, place)),
    )
  }
  for (const kind of ['histogram', 'exponentialHistogram', 'summary'] as const) {
    if (item[kind] === undefined) continue
    each(object(item[kind], `${at}.${kind}`), 'dataPoints', `${at}.${kind}`, () => {
      group.others++
    })
  }
}

function numberPoint(metric: string, point: Json, at: string): Point {
  return {
    metric,
    attributes: attributes(point, at),
    startNs: integer(point.startTimeUnixNano ?? 0, `${at}.startTimeUnixNano`),
    timeNs: integer(point.timeUnixNano ?? 0, `${at}.timeUnixNano`),
    value: point.asInt === undefined ? Number(point.asDouble ?? 0) : Number(integer(point.asInt, `${at}.asInt`)),
  }
}

function attributes(owner: Json, at: string): Attributes {
  const all = emptyAttributes()
  each(owner, 'attributes', at, (item, place) => {
    all[text(item.key, `${place}.key`)] = anyValue(item.value, `${place}.value`)
  })
  return all
}

function anyValue(value: unknown, at: string, depth = 0): Value {
  if (depth > limits.valueDepth) {
    throw new Undecodable(`not OTLP JSON: ${at} is nested deeper than ${limits.valueDepth}`)
  }
  if (value === undefined || value === null) return null
  const item = object(value, at)
  if (item.stringValue !== undefined) return text(item.stringValue, at)
  if (item.boolValue !== undefined) return item.boolValue === true
  if (item.intValue !== undefined) {
    const number = integer(item.intValue, at)
    return BigInt(Number(number)) === number ? Number(number) : String(number)
  }
  if (item.doubleValue !== undefined) return Number(item.doubleValue)
  if (item.bytesValue !== undefined) {
    const base64 = text(item.bytesValue, at)
    return depth === 0 ? Buffer.from(base64, 'base64') : base64
  }
  if (item.arrayValue !== undefined) {
    const values: Value[] = []
    each(object(item.arrayValue, at), 'values', at, (entry, place) => values.push(anyValue(entry, place, depth + 1)))
    return values
  }
  if (item.kvlistValue !== undefined) {
    const map = emptyAttributes()
    each(object(item.kvlistValue, at), 'values', at, (entry, place) => {
      map[text(entry.key, `${place}.key`)] = anyValue(entry.value, `${place}.value`, depth + 1)
    })
    return map
  }
  return null
}

function parse(body: Uint8Array): Json {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8') || '{}')
  } catch (error) {
    throw new Undecodable(`not OTLP JSON: ${(error as Error).message}`)
  }
  return object(value, 'the body')
}

function each(owner: Json, key: string, at: string, take: (item: Json, at: string) => void): void {
  const items = owner[key]
  if (items === undefined || items === null) return
  const place = at === '' ? key : `${at}.${key}`
  if (!Array.isArray(items)) throw new Undecodable(`not OTLP JSON: ${place} must be a list`)
  for (let i = 0; i < items.length; i++) take(object(items[i], `${place}[${i}]`), `${place}[${i}]`)
}

function object(value: unknown, at: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Undecodable(`not OTLP JSON: ${at} must be an object`)
  }
  return value as Json
}

function text(value: unknown, at: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new Undecodable(`not OTLP JSON: ${at} must be text`)
  return value
}

function integer(value: unknown, at: string): bigint {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
  throw new Undecodable(`not OTLP JSON: ${at} must be a whole number`)
}
