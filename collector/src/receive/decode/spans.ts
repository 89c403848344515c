import { Kept } from './attributes.ts'
import type { Origin } from './origin.ts'
import type { Reader } from './reader.ts'
import type { Slots } from './slots.ts'
import type { Span } from './span.ts'
import type { Tables } from './tables.ts'
import { Text } from './text.ts'

/** Writes rows of `spans`: what happened inside a call. */
export class Spans {
  readonly #table: Tables['spans']
  readonly #reader: Reader
  readonly #kept: Kept
  readonly #text = new Text()

  constructor(table: Tables['spans'], reader: Reader, slots: Slots) {
    this.#table = table
    this.#reader = reader
    this.#kept = new Kept(slots)
  }

  write(span: Span, origin: Origin, scope: Text): void {
    const { columns } = this.#table
    columns.ts.uint64(span.startUs)
    columns.env.push(origin.env)
    columns.service.push(origin.service)
    columns.trace_id.pushHex(span.ids, span.traceAt, 16)
    columns.span_id.pushHex(span.ids, span.spanAt, 8)
    columns.parent_span_id.pushHex(span.ids, span.parentAt, span.parentLength)
    columns.name.push(this.#range(span.nameAt, span.nameEnd))
    columns.kind.uint8(span.kind <= 5 ? span.kind : 0)
    columns.scope.push(scope)
    columns.duration_us.uint64(span.duration)
    columns.failed.uint8(span.failed ? 1 : 0)
    columns.message.push(this.#range(span.messageAt, span.messageEnd))
    this.#kept.write(columns.attributes, false)
    this.#table.rows++
  }

  #range(start: number, end: number): Text {
    const text = this.#text
    text.bytes = this.#reader.bytes
    text.view = this.#reader.view
    text.start = start
    text.end = end
    return text
  }
}
