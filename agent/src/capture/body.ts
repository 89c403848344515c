import type { Call } from '../call.ts'
import type { Feature } from '../health.ts'
import { BODY_MEMORY } from '../limits.ts'
import { utf8Length } from '../ship/bytes.ts'

/** Which bodies are looked at: text that people send to APIs; no files, no media, no endless streams. */
const TEXTUAL =
  /^\s*(application\/(?:[\w.+-]*\+)?(?:json|xml)|application\/(?:x-www-form-urlencoded|graphql|x-ndjson|ndjson|jsonl|jsonlines|json-seq|x-amz-json-1\.\d|csp-report|xml-dtd|soap\+xml)|multipart\/form-data|text\/(?!event-stream|html|css|javascript)[\w.+-]+)\s*(?:;|$)/i

/** The first bytes of one body, up to the limit, while its call lasts. */
export class Body {
  readonly #memory: Bodies
  #chunks: (string | Uint8Array)[] = []
  #encodings: (BufferEncoding | undefined)[] = []
  /** Bytes kept; text is counted by its length, which is what it takes at least. */
  #kept = 0
  /** There was more than is kept. */
  truncated = false
  /** Whether it is known to be of a kind that is looked at. */
  accepted = false
  contentType = ''
  /** The content coding, `identity` left away. */
  coding = ''

  constructor(memory: Bodies) {
    this.#memory = memory
  }

  /** Text is kept as it is. Bytes are copied: their owner may write over them as soon as they are sent. */
  add(chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    const room = this.#memory.room(this.#kept)
    if (room <= 0 || this.truncated) {
      this.truncated = true
      return
    }
    if (chunk.length > room) this.truncated = true
    const part =
      chunk.length > room ? (typeof chunk === 'string' ? chunk.slice(0, room) : chunk.subarray(0, room)) : chunk
    // Part of a text would keep all of it alive.
    const whole = typeof part === 'string' && part.length === chunk.length
    this.#chunks.push(whole ? part : Buffer.from(part as string, encoding))
    this.#encodings.push(encoding)
    this.#kept += part.length
    this.#memory.held += part.length
  }

  /** What was kept, as bytes. */
  read(): Buffer {
    const parts = this.#chunks.map((chunk, i) =>
      typeof chunk === 'string' ? Buffer.from(chunk, this.#encodings[i]) : (chunk as Buffer),
    )
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** Gives the memory back; to be called once. */
  release(): void {
    this.#memory.held -= this.#kept
    this.#chunks = []
    this.#encodings = []
    this.#kept = 0
  }
}

type Side = 'request' | 'response'

/**
 * The body of a call that keeps its detail, if it is one that is looked at. Most bodies are of one small piece and thrown
 * away unseen, so their type is only asked for here, or when a second piece comes.
 */
export function keptBody(call: Call, side: Side): Body | undefined {
  const body = side === 'request' ? call.requestBody : call.responseBody
  if (body === undefined || body === null) return undefined
  return body.accepted || accept(call, side, body) ? body : undefined
}

function accept(call: Call, side: Side, body: Body): boolean {
  if (!isTextual(call, side)) return false
  body.accepted = true
  body.contentType = String(headerOf(call, side, 'content-type'))
  const coding = headerOf(call, side, 'content-encoding')
  const coded = typeof coding === 'string' ? coding.trim().toLowerCase() : ''
  body.coding = coded === 'identity' ? '' : coded
  return true
}

function isTextual(call: Call, side: Side): boolean {
  const type = headerOf(call, side, 'content-type')
  return typeof type === 'string' && TEXTUAL.test(type)
}

function headerOf(call: Call, side: Side, name: string): unknown {
  return side === 'request' ? call.headers[name] : call.kind.answerHeader(call, name)
}

/** The memory of all bodies of calls under way, bounded over the process. */
export class Bodies {
  /** Bytes that are held at this moment. */
  held = 0
  readonly #feature: Feature
  #limit: number

  /** @param limit bytes kept of each body; 0 keeps none */
  constructor(limit: number, feature: Feature) {
    this.#limit = limit
    this.#feature = feature
  }

  /** No more bodies are kept. */
  stop(): void {
    this.#limit = 0
  }

  /** A call begins: where nothing is kept, nothing is asked either. */
  begin(call: Call): void {
    if (this.#limit === 0) call.requestBody = call.responseBody = null
  }

  /** A part of a request's body. Never throws. */
  request(call: Call, chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    try {
      call.requestBody = this.#keep(call, 'request', call.requestBody, chunk, encoding)
    } catch (error) {
      call.requestBody = null
      this.#feature.fault(error)
    }
  }

  /** A part of an answer as the application writes it: counts its bytes, and keeps them where they are to be kept. */
  wrote(call: Call, chunk: unknown, encoding: unknown): void {
    if (typeof chunk === 'string') {
      const other = typeof encoding === 'string' && encoding !== 'utf8' && Buffer.isEncoding(encoding)
      call.responseBytes += other ? Buffer.byteLength(chunk, encoding) : utf8Length(chunk)
      if (call.responseBody !== null) this.answer(call, chunk, other ? encoding : undefined)
    } else if (chunk instanceof Uint8Array) {
      call.responseBytes += chunk.length
      if (call.responseBody !== null) this.answer(call, chunk)
    }
  }

  /** A part of an answer's body. Never throws. */
  answer(call: Call, chunk: string | Uint8Array, encoding?: BufferEncoding): void {
    try {
      call.responseBody = this.#keep(call, 'response', call.responseBody, chunk, encoding)
    } catch (error) {
      call.responseBody = null
      this.#feature.fault(error)
    }
  }

  /** Returns the body with the chunk, or null when it is not to be kept. */
  #keep(
    call: Call,
    side: Side,
    begun: Body | null | undefined,
    chunk: string | Uint8Array,
    encoding: BufferEncoding | undefined,
  ): Body | null {
    if (begun === null || this.#limit === 0) return null
    if (begun === undefined && this.held >= BODY_MEMORY) {
      call.bodyLost ||= isTextual(call, side)
      return null
    }
    const body = begun ?? new Body(this)
    const small = begun === undefined && chunk.length <= this.#limit
    if (!small && !body.accepted && !accept(call, side, body)) {
      body.release()
      return null
    }
    body.add(chunk, encoding)
    return body
  }

  /** How much a body that has `kept` bytes may still take. */
  room(kept: number): number {
    return Math.min(this.#limit - kept, BODY_MEMORY - this.held)
  }
}
