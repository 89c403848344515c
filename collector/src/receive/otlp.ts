/**
 * The part of OTLP that Callsight reads, in one shape for protobuf and JSON. A value of type bytes is a Uint8Array; inside
 * of lists and maps it is base64, as in OTLP/JSON.
 * Source: opentelemetry-proto v1, trace/v1/trace.proto, metrics/v1/metrics.proto, common/v1/common.proto.
 */
export type Value = string | number | boolean | Value[] | { [key: string]: Value } | Uint8Array | null

export type Attributes = Record<string, Value>

export interface Span {
  /** Lower-case hexadecimal, 32 digits; another length when the sender was wrong. */
  traceId: string
  spanId: string
  parentSpanId: string
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

export interface SpanGroup {
  resource: Attributes
  scope: string
  spans: Span[]
}

/** A number of a sum or a gauge. */
export interface Point {
  metric: string
  attributes: Attributes
  /** Since when a cumulative sum counts; 0 when it is not said. */
  startNs: bigint
  timeNs: bigint
  value: number
}

export interface PointGroup {
  resource: Attributes
  scope: string
  points: Point[]
  /** Points of kinds that are not read: histograms, summaries. */
  others: number
}

/** A request body that is not OTLP. The message says where it stops making sense. */
export class Undecodable extends Error {
  override name = 'Undecodable'
}

/** An object for attributes: no prototype, so that a key named __proto__ is a key. */
export function emptyAttributes(): Attributes {
  return Object.create(null) as Attributes
}
