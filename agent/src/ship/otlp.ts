import type { Resource } from '../resource.ts'
import { Bytes, utf8Length, varintLength } from './bytes.ts'

/*
 * The OTLP messages the agent sends, written by hand. Field numbers are those of opentelemetry-proto 1.x:
 * https://github.com/open-telemetry/opentelemetry-proto (trace.proto, metrics.proto, common.proto, resource.proto)
 */

export type Value =
  | string
  | number
  | boolean
  | bigint
  | Uint8Array
  | null
  | undefined
  | readonly Value[]
  | { readonly [key: string]: Value }

/** `Span.attributes`, as one tag byte. */
export const SPAN_ATTRIBUTE = 0x4a
const RESOURCE_ATTRIBUTE = 0x0a
export const POINT_ATTRIBUTE = 0x3a
const EVENT_ATTRIBUTE = 0x1a
export const LINK_ATTRIBUTE = 0x22

/** Deeper values are cut: attributes of the application may even contain themselves. */
const DEEPEST = 6

/** One KeyValue under `tag`, any value. */
export function writeAttribute(to: Bytes, tag: number, key: string, value: Value, textLimit = Infinity): void {
  const pair = to.open(tag)
  writeText(to, 0x0a, key)
  const any = to.open(0x12)
  writeAny(to, value, textLimit, DEEPEST)
  to.close(any)
  to.close(pair)
}

/** The same as bytes, for whatever is encoded once and used often: minimal lengths, no padding. */
export function encodeAttribute(tag: number, key: string, value: string | number | boolean): Buffer {
  const any = new Bytes(64)
  writeAny(any, value, Infinity, 1)
  const pair = new Bytes(64)
  writeText(pair, 0x0a, key)
  pair.reserve(6)
  pair.byte(0x12)
  pair.varint(any.length)
  pair.raw(any.buffer.subarray(0, any.length))
  const all = new Bytes(pair.length + 6)
  all.byte(tag)
  all.varint(pair.length)
  all.raw(pair.buffer.subarray(0, pair.length))
  return all.copy()
}

function writeAny(to: Bytes, value: Value, textLimit: number, depth: number): void {
  if (typeof value === 'string') writeText(to, 0x0a, value.length > textLimit ? value.slice(0, textLimit) : value)
  else if (typeof value === 'number' && !Number.isSafeInteger(value)) writeDouble(to, value)
  else if (typeof value === 'number' || typeof value === 'bigint') writeInteger(to, BigInt(value))
  else if (typeof value === 'boolean') {
    to.reserve(2)
    to.byte(0x10)
    to.byte(value ? 1 : 0)
  } else if (typeof value === 'object' && value !== null && depth > 0) {
    if (value instanceof Uint8Array) writeBytes(to, value)
    else if (Array.isArray(value)) writeArray(to, value as readonly Value[], textLimit, depth)
    else writeMap(to, value as { readonly [key: string]: Value }, textLimit, depth)
  }
}

function writeBytes(to: Bytes, value: Uint8Array): void {
  to.reserve(6)
  to.byte(0x3a)
  to.varint(value.length)
  to.raw(value)
}

function writeArray(to: Bytes, value: readonly Value[], textLimit: number, depth: number): void {
  const array = to.open(0x2a)
  for (const item of value) {
    const any = to.open(0x0a)
    writeAny(to, item, textLimit, depth - 1)
    to.close(any)
  }
  to.close(array)
}

function writeMap(to: Bytes, value: { readonly [key: string]: Value }, textLimit: number, depth: number): void {
  const map = to.open(0x32)
  for (const [key, item] of Object.entries(value)) {
    const pair = to.open(0x0a)
    writeText(to, 0x0a, key)
    const any = to.open(0x12)
    writeAny(to, item, textLimit, depth - 1)
    to.close(any)
    to.close(pair)
  }
  to.close(map)
}

function writeInteger(to: Bytes, value: bigint): void {
  to.reserve(11)
  to.byte(0x18)
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    to.byte(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  to.byte(Number(rest))
}

function writeDouble(to: Bytes, value: number): void {
  to.reserve(9)
  to.byte(0x21)
  to.buffer.writeDoubleLE(value, to.length)
  to.length += 8
}

export function writeText(to: Bytes, tag: number, value: string): void {
  const size = utf8Length(value)
  to.reserve(size + 6)
  to.byte(tag)
  to.varint(size)
  to.text(value, size)
}

export function writeFixed64(to: Bytes, tag: number, value: bigint): void {
  to.reserve(9)
  to.byte(tag)
  to.buffer.writeBigUInt64LE(BigInt.asUintN(64, value), to.length)
  to.length += 8
}

/** A whole number of 0...2^32 as an attribute; `key` comes from `integerKey`. Written for the hot path. */
export function writeSmallInteger(to: Bytes, key: IntegerKey, value: number): void {
  const size = varintLength(value)
  to.byte(key.tag)
  to.byte(key.bytes.length + 3 + size)
  to.buffer.set(key.bytes, to.length)
  to.length += key.bytes.length
  to.byte(0x12)
  to.byte(1 + size)
  to.byte(0x18)
  to.varint(value)
}

export interface IntegerKey {
  tag: number
  bytes: Buffer
}

/** The fixed part of an attribute: its key as a field. */
export function keyField(key: string): Buffer {
  const to = new Bytes(key.length + 2)
  writeText(to, 0x0a, key)
  return to.copy()
}

/** `Resource`, with its tag, for field 1 of ResourceSpans and ResourceMetrics. */
export function encodeResource(resource: Resource): Buffer {
  const to = new Bytes(512)
  const message = to.open(0x0a)
  for (const [key, value] of Object.entries(resource)) writeAttribute(to, RESOURCE_ATTRIBUTE, key, value)
  to.close(message)
  return to.copy()
}

/** `InstrumentationScope`, with its tag, for field 1 of ScopeSpans and ScopeMetrics. */
export function encodeScope(name: string, version: string | undefined): Buffer {
  const to = new Bytes(64)
  const message = to.open(0x0a)
  writeText(to, 0x0a, name)
  if (version) writeText(to, 0x12, version)
  to.close(message)
  return to.copy()
}

/** An ExportTraceServiceRequest with one ResourceSpans. `spans` are already encoded as fields of ScopeSpans. */
export function encodeTraces(resource: Buffer, scopes: readonly { scope: Buffer; spans: Bytes }[]): Buffer {
  let size = resource.length + 5
  for (const { scope, spans } of scopes) size += scope.length + spans.length + 5
  const to = new Bytes(size)
  const all = to.open(0x0a)
  to.raw(resource)
  for (const { scope, spans } of scopes) {
    const part = to.open(0x12)
    to.raw(scope)
    to.raw(spans.buffer.subarray(0, spans.length))
    to.close(part)
  }
  to.close(all)
  return to.buffer.subarray(0, to.length)
}

/** What OpenTelemetry's SDK hands to a span processor, as far as it is sent. */
export interface ReadableSpan {
  name: string
  kind: number
  spanContext(): {
    traceId: string
    spanId: string
    traceFlags: number
    traceState?: { serialize(): string } | undefined
  }
  parentSpanContext?: { spanId: string } | undefined
  startTime: readonly [number, number]
  endTime: readonly [number, number]
  status: { code: number; message?: string }
  attributes: Record<string, unknown>
  events: readonly { name: string; time: readonly [number, number]; attributes?: Record<string, unknown> }[]
  links: readonly { context: { traceId: string; spanId: string }; attributes?: Record<string, unknown> }[]
  droppedAttributesCount: number
  droppedEventsCount: number
  droppedLinksCount: number
}

/** One inner span as field 2 of ScopeSpans. */
export function writeSpan(to: Bytes, span: ReadableSpan, textLimit: number): void {
  const context = span.spanContext()
  const message = to.open(0x12)
  writeId(to, 0x0a, context.traceId)
  writeId(to, 0x12, context.spanId)
  const state = context.traceState?.serialize()
  if (state) writeText(to, 0x1a, state)
  if (span.parentSpanContext?.spanId) writeId(to, 0x22, span.parentSpanContext.spanId)
  writeText(to, 0x2a, span.name)
  writeCount(to, 0x30, span.kind + 1)
  writeFixed64(to, 0x39, nanosOf(span.startTime))
  writeFixed64(to, 0x41, nanosOf(span.endTime))
  writeAttributes(to, SPAN_ATTRIBUTE, span.attributes, textLimit)
  writeCount(to, 0x50, span.droppedAttributesCount)
  for (const event of span.events) {
    const part = to.open(0x5a)
    writeFixed64(to, 0x09, nanosOf(event.time))
    writeText(to, 0x12, event.name)
    writeAttributes(to, EVENT_ATTRIBUTE, event.attributes, textLimit)
    to.close(part)
  }
  writeCount(to, 0x60, span.droppedEventsCount)
  for (const link of span.links) {
    const part = to.open(0x6a)
    writeId(to, 0x0a, link.context.traceId)
    writeId(to, 0x12, link.context.spanId)
    writeAttributes(to, LINK_ATTRIBUTE, link.attributes, textLimit)
    to.close(part)
  }
  writeCount(to, 0x70, span.droppedLinksCount)
  const status = to.open(0x7a)
  if (span.status.message) writeText(to, 0x12, span.status.message.slice(0, textLimit))
  writeCount(to, 0x18, span.status.code)
  to.close(status)
  to.close(message)
}

function writeAttributes(to: Bytes, tag: number, attributes: Record<string, unknown> | undefined, limit: number): void {
  for (const key in attributes) writeAttribute(to, tag, key, attributes[key] as Value, limit)
}

function writeId(to: Bytes, tag: number, hex: string): void {
  to.reserve(hex.length / 2 + 2)
  to.byte(tag)
  to.byte(hex.length / 2)
  to.hex(hex)
}

/** A small number; zero is protobuf's default and is left out. */
export function writeCount(to: Bytes, tag: number, value: number): void {
  if (!(value > 0)) return
  to.reserve(6)
  to.byte(tag)
  to.varint(value)
}

function nanosOf(time: readonly [number, number]): bigint {
  return BigInt(time[0]) * 1_000_000_000n + BigInt(Math.round(time[1]))
}

/** `rejected_spans` of an ExportTraceServiceResponse; 0 when everything was accepted or the answer is not readable. */
export function rejectedSpans(answer: Buffer): number {
  // partial_success = 1 { rejected_spans = 1, error_message = 2 }, each tag one byte.
  const partial = answer[0] === 0x0a ? readVarint(answer, 1) : undefined
  if (partial === undefined || answer[partial.next] !== 0x08) return 0
  return readVarint(answer, partial.next + 1)?.value ?? 0
}

function readVarint(from: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0
  for (let i = 0; i < 8; i++) {
    const byte = from[at + i]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, next: at + i + 1 }
  }
  return undefined
}
