import { isAscii, isUtf8 } from 'node:buffer'
import { limits } from '../../limits.ts'
import type { Value } from '../otlp.ts'
import { clip } from '../value.ts'
import type { Calls } from './calls.ts'
import type { Counting } from './counts.ts'
import { harmless } from './harmless.ts'
import { key, QUOTA, REQUEST_HEADER, RESPONSE_HEADER } from './keys.ts'
import type { ListColumn, MapColumn } from './map.ts'
import type { Origin } from './origin.ts'
import type { Reader } from './reader.ts'
import { BYTES, LIST, type Slots, STRING } from './slots.ts'
import type { Span } from './span.ts'
import type { StringColumn } from './string.ts'
import { IN, OUT, type PayloadColumns, type Table } from './tables.ts'
import { Text } from './text.ts'
import { readValue } from './value.ts'

const REDACTION = key['callsight.redaction']
const DETAIL = key['callsight.detail']
const QUERY = key['url.query']
const REQUEST_BODY = key['http.request.body.content']
const RESPONSE_BODY = key['http.response.body.content']
const REQUEST_CUT = key['callsight.request.body.truncated']
const RESPONSE_CUT = key['callsight.response.body.truncated']

/**
 * Writes rows of `payloads`, of calls that carry something.
 *
 * Our agent masks what it sends and says by which rules. Of anyone else, and of an agent that does not say it, nobody
 * knows what is in a header, a query or a body: of those only harmless headers are kept, and the rest is counted.
 */
export class Payloads {
  readonly #table: Table<PayloadColumns>
  readonly #reader: Reader
  readonly #slots: Slots
  readonly #counting: Counting
  readonly #redaction = new Text()
  readonly #text = new Text()
  readonly #query = new Text()
  readonly #requestBody = new Text()
  readonly #responseBody = new Text()
  /** What is left of limits.payloadChars for this row. */
  #room = 0
  #cut = false

  constructor(table: Table<PayloadColumns>, reader: Reader, slots: Slots, counting: Counting) {
    this.#table = table
    this.#reader = reader
    this.#slots = slots
    this.#counting = counting
  }

  /**
   * @param call whose row has just been written
   * @param ours our agent made the span
   */
  write(span: Span, origin: Origin, call: Calls, out: boolean, ours: boolean): void {
    const slots = this.#slots
    const redaction = this.#redaction
    if (ours) slots.text(REDACTION, redaction)
    else redaction.clear()
    const masked = redaction.length > 0
    this.#readBodies(masked, out)
    if (!this.#keepsHeader(masked) && this.#query.length + this.#requestBody.length + this.#responseBody.length === 0) {
      return
    }
    const { columns } = this.#table
    columns.ts.uint64(span.startUs)
    columns.direction.uint8(out ? OUT : IN)
    columns.env.push(origin.env)
    columns.service.push(origin.service)
    columns.operation.push(call.operation!.name)
    columns.consumer.push(call.consumer)
    columns.trace_id.pushHex(span.ids, span.traceAt, 16)
    columns.span_id.pushHex(span.ids, span.spanAt, 8)
    slots.text(DETAIL, this.#text)
    columns.detail.push(this.#text)
    columns.redaction.push(redaction)
    this.#writeContent(masked)
    columns.request_bytes.uint64(call.requestBytes)
    columns.response_bytes.uint64(call.responseBytes)
    this.#table.rows++
  }

  #readBodies(masked: boolean, out: boolean): void {
    const slots = this.#slots
    this.#query.clear()
    this.#requestBody.clear()
    this.#responseBody.clear()
    if (masked) {
      this.#whole(QUERY, this.#query)
      this.#whole(REQUEST_BODY, this.#requestBody)
      this.#whole(RESPONSE_BODY, this.#responseBody)
      return
    }
    if (slots.has(QUERY)) this.#counting.withheld('query')
    if (slots.has(REQUEST_BODY)) this.#counting.withheld('body')
    if (slots.has(RESPONSE_BODY)) this.#counting.withheld('body')
    for (const header of slots.headers) {
      // What tells of a quota is kept, in a table of its own.
      if (out && (slots.keys.uses[header]! & QUOTA) !== 0) continue
      if (!harmless.has(slots.keys.names[header]!)) this.#counting.withheld('header')
    }
  }

  #keepsHeader(masked: boolean): boolean {
    for (const header of this.#slots.headers) {
      const name = this.#slots.keys.names[header]!
      if ((masked || harmless.has(name)) && name.length <= limits.textChars) return true
    }
    return false
  }

  #writeContent(masked: boolean): void {
    const { columns } = this.#table
    const slots = this.#slots
    this.#room = limits.payloadChars
    this.#take(this.#query, limits.textChars, columns.query)
    const requestCut = this.#writeHeaders(columns.request_headers, REQUEST_HEADER, masked)
    const responseCut = this.#writeHeaders(columns.response_headers, RESPONSE_HEADER, masked)
    const requestBodyCut = this.#take(this.#requestBody, limits.bodyChars, columns.request_body)
    const responseBodyCut = this.#take(this.#responseBody, limits.bodyChars, columns.response_body)
    const saidRequest = masked && slots.isTrue(REQUEST_CUT)
    const saidResponse = masked && slots.isTrue(RESPONSE_CUT)
    columns.request_truncated.uint8(requestCut || requestBodyCut || saidRequest ? 1 : 0)
    columns.response_truncated.uint8(responseCut || responseBodyCut || saidResponse ? 1 : 0)
  }

  /** @returns whether something was cut or left out */
  #writeHeaders(to: MapColumn<ListColumn>, side: number, masked: boolean): boolean {
    const { keys, headers } = this.#slots
    let number = 0
    this.#cut = false
    for (const header of headers) {
      if ((keys.uses[header]! & side) === 0) continue
      const name = keys.names[header]!
      if (!masked && !harmless.has(name)) continue
      if (number >= limits.headers || name.length > Math.min(limits.textChars, this.#room)) {
        this.#cut = true
        continue
      }
      number++
      this.#writeValues(header, to.values)
      this.#text.set(clip(name, this.#room))
      this.#room -= Math.min(name.length, this.#room)
      to.keys.push(this.#text)
    }
    to.end()
    return this.#cut
  }

  /** A header may be sent more than once. */
  #writeValues(header: number, to: ListColumn): void {
    const slots = this.#slots
    const text = this.#text
    if (slots.kindOf(header) !== LIST) {
      this.#whole(header, text)
      if (this.#take(text, limits.textChars, to.values)) this.#cut = true
      to.end(1)
      return
    }
    const reader = this.#reader
    const place = reader.at
    const end = slots.nested(header)
    let number = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag !== 0x0a) {
        reader.skip(tag, end)
        continue
      }
      this.#readItem(reader.length(end))
      if (number++ >= limits.headers) continue
      if (this.#take(text, limits.textChars, to.values)) this.#cut = true
    }
    to.end(Math.min(number, limits.headers))
    reader.at = place
  }

  /** Reads one value of a list: nearly always a text and nothing else. */
  #readItem(end: number): void {
    const reader = this.#reader
    const text = this.#text
    const start = reader.at
    if (start < end && reader.bytes[start] === 0x0a) {
      reader.at = start + 1
      if (reader.length(end) === end) {
        text.bytes = reader.bytes
        text.view = reader.view
        text.start = reader.at
        text.end = end
        reader.at = end
        return
      }
      reader.at = start
    }
    text.set(written(readValue(reader, end, 1)))
  }

  /** As much of a text as is allowed and fits. @returns whether it was cut */
  #take(text: Text, most: number, to: StringColumn): boolean {
    const { bytes, view, start } = text
    const allowed = Math.min(most, this.#room)
    if (isAscii(text.subarray())) {
      const length = Math.min(text.length, allowed)
      to.raw(bytes, view, start, start + length)
      this.#room -= length
      return length < text.length
    }
    const whole = text.toString()
    const kept = clip(whole, allowed)
    to.pushString(kept)
    this.#room -= kept.length
    return kept.length < whole.length
  }

  /** A value as text; of bytes what is text, since others cannot have been masked and are not kept. */
  #whole(attribute: number, to: Text): void {
    const slots = this.#slots
    const kind = slots.kindOf(attribute)
    if (kind === STRING) slots.text(attribute, to)
    else if (kind === BYTES) this.#wholeBytes(slots.value(attribute) as Uint8Array, to)
    else to.set(written(slots.value(attribute)))
  }

  #wholeBytes(value: Uint8Array, to: Text): void {
    to.clear()
    // A cut may have gone through the middle of a character.
    for (let cut = 0; cut <= Math.min(3, value.length); cut++) {
      const whole = value.subarray(0, value.length - cut)
      if (!isUtf8(whole)) continue
      to.hold(whole)
      return
    }
    this.#counting.withheld('bytes')
  }
}

function written(value: Value | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
