import { createHash } from 'node:crypto'
import { limits } from '../../limits.ts'
import type { About } from '../decoder.ts'
import { Kept } from './attributes.ts'
import type { Calls } from './calls.ts'
import { lastField } from './field.ts'
import { key } from './keys.ts'
import type { Origin, Origins } from './origin.ts'
import type { Payloads } from './payloads.ts'
import { fields, type Reader } from './reader.ts'
import type { Refusals } from './refusals.ts'
import type { Slots } from './slots.ts'
import { Span, someBit } from './span.ts'
import type { Tables } from './tables.ts'
import { Text } from './text.ts'
import { readValue } from './value.ts'

const METHOD = key['http.request.method']
const OLD_METHOD = key['http.method']
const STATUS = key['http.response.status_code']
const OLD_STATUS = key['http.status_code']
const PATH = key['url.path']
const TARGET = key['http.target']
const ROUTE = key['http.route']

/** Names of durations, and how many microseconds their unit has. */
const durations = [
  [key['http.server.request.duration'], 1_000_000],
  [key.duration_ms, 1000],
  [key['event.duration'], 0.001],
] as const

const recordFields = fields(1, 2, 3, 5, 6, 9, 10, 11)
/** From here on a severity is an error. Source: opentelemetry-proto, logs/v1/logs.proto, SeverityNumber. */
const ERROR = 17
const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

interface Parts {
  reader: Reader
  slots: Slots
  origins: Origins
  tables: Tables
  calls: Calls
  payloads: Payloads
  refusals: Refusals
}

/**
 * Reads an ExportLogsServiceRequest: records that tell of an HTTP request, as access logs do, into `calls`, and all
 * others into `logs`.
 */
export class Logs {
  readonly #parts: Parts
  readonly #kept: Kept
  readonly #span = new Span()
  readonly #severity = new Text()
  readonly #body = new Text()
  readonly #ids = Buffer.alloc(24)
  #severityNumber = 0
  #position = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#kept = new Kept(parts.slots)
  }

  read(end: number, about: About): void {
    const { reader } = this.#parts
    this.#position = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x0a) this.#resourceLogs(reader.length(end), about)
      else reader.skip(tag, end, fields(1))
    }
  }

  #resourceLogs(end: number, about: About): void {
    const { reader, origins } = this.#parts
    const start = reader.at
    const [from, to] = lastField(reader, end, fields(1, 2))
    const origin = origins.read(from, to, about)
    reader.at = start
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag !== 0x12) {
        reader.skip(tag, end)
        continue
      }
      const last = reader.length(end)
      while (reader.at < last) {
        const part = reader.tag(last)
        if (part === 0x12) this.#record(reader.length(last), origin)
        else reader.skip(part, last, fields(2))
      }
    }
  }

  #record(end: number, origin: Origin): void {
    const { reader, refusals } = this.#parts
    const start = reader.at
    this.#position++
    this.#readRecord(end)
    if (refusals.badTime(this.#span)) return
    if (this.#isCall()) this.#writeCall(origin, start, end)
    else this.#writeLog(origin)
  }

  #readRecord(end: number): void {
    const { reader, slots } = this.#parts
    const span = this.#span
    span.begin(reader)
    slots.begin()
    this.#severity.clear()
    this.#severityNumber = 0
    this.#body.clear()
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x32) slots.read(reader.length(end))
      else if (tag === 0x09) {
        reader.fixed64(end)
        span.startUs = reader.thousands
        span.startRest = reader.rest
      } else if (tag === 0x59) {
        reader.fixed64(end)
        span.endUs = reader.thousands
        span.endRest = reader.rest
      } else if (tag === 0x10) this.#severityNumber = Math.min(reader.number(end), 255)
      else if (tag === 0x1a || tag === 0x2a || tag === 0x4a || tag === 0x52) this.#readBytes(tag, reader.length(end))
      else reader.skip(tag, end, recordFields)
    }
    // A record without a time of its own has that at which it was seen.
    if (span.startUs !== 0 || span.startRest !== 0) return
    span.startUs = span.endUs
    span.startRest = span.endRest
  }

  #readBytes(tag: number, end: number): void {
    const { reader } = this.#parts
    const span = this.#span
    const start = reader.at
    if (tag === 0x1a) {
      this.#severity.bytes = reader.bytes
      this.#severity.view = reader.view
      this.#severity.start = start
      this.#severity.end = end
    } else if (tag === 0x2a) {
      this.#readBody(end)
    } else if (tag === 0x4a) {
      span.traceAt = start
      span.traceLength = end - start
    } else {
      span.spanAt = start
      span.spanLength = end - start
    }
    reader.at = end
  }

  #readBody(end: number): void {
    const { reader } = this.#parts
    const body = this.#body
    const value = readValue(reader, end)
    if (value === null) body.clear()
    else if (value instanceof Uint8Array) body.set(Buffer.from(value).toString('base64'))
    else body.set(typeof value === 'object' ? JSON.stringify(value) : String(value))
  }

  #isCall(): boolean {
    const { slots } = this.#parts
    if (!slots.has(METHOD) && !slots.has(OLD_METHOD)) return false
    return slots.has(STATUS) || slots.has(OLD_STATUS) || slots.has(PATH) || slots.has(TARGET) || slots.has(ROUTE)
  }

  #writeCall(origin: Origin, start: number, end: number): void {
    const { calls, payloads, slots } = this.#parts
    const span = this.#span
    span.failed = this.#severityNumber >= ERROR
    this.#giveIds(start, end)
    calls.write(span, origin, false, this.#duration(), 1)
    if (slots.payload || slots.quota) payloads.write(span, origin, calls, false, false)
  }

  /** Microseconds, from the first attribute that tells it. */
  #duration(): number {
    const { slots } = this.#parts
    for (const [attribute, unit] of durations) {
      const value = slots.value(attribute)
      const number = typeof value === 'string' ? Number(value) : value
      if (typeof number === 'number' && number > 0) return Math.min(Math.round(number * unit), Number.MAX_SAFE_INTEGER)
    }
    return 0
  }

  /** Ids that are missing are made of the record and its place in the request, so that a repetition has the same. */
  #giveIds(start: number, end: number): void {
    const { reader } = this.#parts
    const span = this.#span
    if (span.hasIds) return
    const position = Buffer.alloc(4)
    position.writeUInt32LE(this.#position)
    const made = createHash('sha256').update(position).update(reader.bytes.subarray(start, end)).digest()
    if (this.#hasTrace()) made.set(reader.bytes.subarray(span.traceAt, span.traceAt + 16))
    this.#ids.set(made.subarray(0, 24))
    span.ids = this.#ids
    span.traceAt = 0
    span.spanAt = 16
  }

  #hasTrace(): boolean {
    const { ids, traceAt, traceLength } = this.#span
    return traceLength === 16 && someBit(ids, traceAt, 16)
  }

  #writeLog(origin: Origin): void {
    const table = this.#parts.tables.logs
    const { columns } = table
    const span = this.#span
    columns.ts.uint64(span.startUs)
    columns.env.push(origin.env)
    columns.service.push(origin.service)
    columns.instance.push(origin.instance)
    columns.trace_id.pushHex(span.ids, span.traceAt, this.#hasTrace() ? 16 : 0)
    columns.span_id.pushHex(span.ids, span.spanAt, span.spanLength === 8 && someBit(span.ids, span.spanAt, 8) ? 8 : 0)
    columns.severity_number.uint8(this.#severityNumber)
    if (this.#severity.length === 0 && this.#severityNumber > 0) {
      this.#severity.set(severities[Math.floor((this.#severityNumber - 1) / 4)] ?? '')
    }
    columns.severity.push(this.#severity)
    columns.body.push(this.#body, limits.logBodyChars)
    this.#kept.write(columns.attributes, false)
    table.rows++
  }
}
