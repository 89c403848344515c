import type { About } from '../decoder.ts'
import type { Calls } from './calls.ts'
import { lastField } from './field.ts'
import { key } from './keys.ts'
import type { Origin, Origins } from './origin.ts'
import type { Payloads } from './payloads.ts'
import { fields, type Reader } from './reader.ts'
import type { Refusals } from './refusals.ts'
import type { Slots } from './slots.ts'
import { Span } from './span.ts'
import type { Spans } from './spans.ts'
import { Text } from './text.ts'
import type { UpstreamLimits } from './upstreams.ts'
import type { Weights } from './weight.ts'

const SERVER = 2
const CLIENT = 3
const TOO_MANY = 429
const OUR_SCOPE = Buffer.from('@callsight/agent')

const METHOD = key['http.request.method']
const OLD_METHOD = key['http.method']
const RPC_SYSTEM = key['rpc.system.name']
const OLD_RPC_SYSTEM = key['rpc.system']

const spanFields = fields(1, 2, 3, 4, 5, 6, 7, 8, 9, 15)

interface Parts {
  reader: Reader
  slots: Slots
  origins: Origins
  calls: Calls
  payloads: Payloads
  upstreams: UpstreamLimits
  spans: Spans
  weights: Weights
  refusals: Refusals
}

/** Reads an ExportTraceServiceRequest into rows of `calls`, with `payloads` beside them, and rows of `spans`. */
export class Traces {
  readonly #parts: Parts
  readonly #reader: Reader
  readonly #slots: Slots
  readonly #span = new Span()
  readonly #scope = new Text()
  #origin: Origin | undefined
  /** Our agent itself made the spans, and not an instrumentation beside it. */
  #ours = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#reader = parts.reader
    this.#slots = parts.slots
  }

  read(end: number, about: About): void {
    const reader = this.#reader
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x0a) this.#resource(reader.length(end), about)
      else reader.skip(tag, end, fields(1))
    }
  }

  /** The resource may follow its spans on the wire, and so may the name of a scope: each is looked for first. */
  #resource(end: number, about: About): void {
    const reader = this.#reader
    const start = reader.at
    const [from, to] = lastField(reader, end, fields(1, 2))
    this.#origin = this.#parts.origins.read(from, to, about)
    reader.at = start
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x12) this.#scopeSpans(reader.length(end))
      else reader.skip(tag, end)
    }
  }

  #scopeSpans(end: number): void {
    const reader = this.#reader
    const start = reader.at
    const [from, to] = lastField(reader, end, fields(1, 2))
    reader.at = from
    const [nameFrom, nameTo] = lastField(reader, to, fields(1))
    this.#scope.bytes = reader.bytes
    this.#scope.view = reader.view
    this.#scope.start = nameFrom
    this.#scope.end = nameTo
    this.#ours = this.#origin!.ours && this.#scope.equals(OUR_SCOPE)
    reader.at = start
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x12) {
        this.#readSpan(reader.length(end))
        this.#writeSpan()
      } else reader.skip(tag, end)
    }
  }

  #readSpan(end: number): void {
    const reader = this.#reader
    const slots = this.#slots
    const span = this.#span
    span.begin(reader)
    slots.begin()
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x4a) slots.read(reader.length(end))
      else if (tag === 0x39) {
        reader.fixed64(end)
        span.startUs = reader.thousands
        span.startRest = reader.rest
      } else if (tag === 0x41) {
        reader.fixed64(end)
        span.endUs = reader.thousands
        span.endRest = reader.rest
      } else if (tag === 0x30) span.kind = reader.number(end)
      else if (tag === 0x7a) this.#readStatus(reader.length(end))
      else if ((tag & 7) === 2 && tag <= 0x2a) this.#readBytes(tag, end)
      else reader.skip(tag, end, spanFields)
    }
  }

  #readBytes(tag: number, end: number): void {
    const reader = this.#reader
    const span = this.#span
    const last = reader.length(end)
    const start = reader.at
    reader.at = last
    if (tag === 0x0a) {
      span.traceAt = start
      span.traceLength = last - start
    } else if (tag === 0x12) {
      span.spanAt = start
      span.spanLength = last - start
    } else if (tag === 0x22) {
      span.parentAt = start
      // Anything else is no id.
      span.parentLength = last - start === 8 ? 8 : 0
    } else if (tag === 0x2a) {
      span.nameAt = start
      span.nameEnd = last
    } else {
      span.stateAt = start
      span.stateEnd = last
    }
  }

  #readStatus(end: number): void {
    const reader = this.#reader
    const span = this.#span
    span.failed = false
    span.messageAt = 0
    span.messageEnd = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x18) span.failed = reader.number(end) === 2
      else if (tag === 0x12) {
        span.messageEnd = reader.length(end)
        span.messageAt = reader.at
        reader.at = span.messageEnd
      } else reader.skip(tag, end, fields(2, 3))
    }
  }

  #writeSpan(): void {
    const { refusals, calls, payloads, upstreams, spans, weights } = this.#parts
    const slots = this.#slots
    const span = this.#span
    const origin = this.#origin!
    if (!span.hasIds) refusals.add('invalid_id')
    if (!span.hasIds || refusals.badTime(span)) return
    if (!this.#isCall(span.kind, origin)) {
      spans.write(span, origin, this.#scope)
      return
    }
    const out = span.kind === CLIENT
    const weight = this.#ours ? 1 : weights.of(span)
    calls.write(span, origin, out, span.duration, weight)
    if (out && (slots.quota || calls.status === TOO_MANY)) upstreams.note(span, origin, calls, weight)
    if (slots.payload || (slots.quota && !out)) payloads.write(span, origin, calls, out, this.#ours)
  }

  /**
   * Our agent marks its calls by their scope, and its other spans are what happened inside them; of anyone else, every
   * server or client span that speaks HTTP or RPC is a call.
   */
  #isCall(kind: number, origin: Origin): boolean {
    if (kind !== SERVER && kind !== CLIENT) return false
    if (origin.ours) return this.#ours
    const slots = this.#slots
    return slots.has(METHOD) || slots.has(OLD_METHOD) || slots.has(RPC_SYSTEM) || slots.has(OLD_RPC_SYSTEM)
  }
}
