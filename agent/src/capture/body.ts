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
  /** Most bodies are of one piece. */
  #first: string | Buffer | undefined
  #others: (string | Buffer)[] | undefined
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
  add(chunk: Chunk, encoding?: BufferEncoding): void {
    const room = this.#memory.room(this.#kept)
    if (room <= 0 || this.truncated) {
      this.truncated = true
      return
    }
    if (chunk.length > room) this.truncated = true
    const part =
      chunk.length > room ? (typeof chunk === 'string' ? chunk.slice(0, room) : chunk.subarray(0, room)) : chunk
    // Part of a text would keep all of it alive.
    const text = typeof part === 'string' && encoding === undefined && part.length === chunk.length
    const piece = text ? part : Buffer.from(part as string, encoding)
    if (this.#first === undefined) this.#first = piece
    else if (this.#others === undefined) this.#others = [piece]
    else this.#others.push(piece)
    this.#kept += part.length
    this.#memory.held += part.length
  }

  /** What was kept, as bytes. */
  read(): Buffer {
    const bytes = (piece: string | Buffer) => (typeof piece === 'string' ? Buffer.from(piece) : piece)
    const first = bytes(this.#first ?? '')
    return this.#others === undefined ? first : Buffer.concat([first, ...this.#others.map(bytes)])
  }

  /** Gives the memory back; to be called once. */
  release(): void {
    this.#memory.held -= this.#kept
    this.#first = this.#others = undefined
    this.#kept = 0
  }
}

type Chunk = string | Uint8Array

function isChunk(chunk: unknown): chunk is Chunk {
  return typeof chunk === 'string' || chunk instanceof Uint8Array
}

/** The encoding of a text that has another than most. */
function otherThanUtf8(chunk: Chunk, encoding: unknown): BufferEncoding | undefined {
  if (typeof chunk !== 'string' || typeof encoding !== 'string' || encoding === 'utf8') return undefined
  return Buffer.isEncoding(encoding) ? encoding : undefined
}

function lengthOf(chunk: Chunk, encoding: BufferEncoding | undefined): number {
  if (typeof chunk !== 'string') return chunk.length
  return encoding === undefined ? utf8Length(chunk) : Buffer.byteLength(chunk, encoding)
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

  /** A part of a request's body: counts its bytes, and keeps them where they are to be kept. Never throws. */
  request(call: Call, chunk: unknown, encoding?: unknown): void {
    if (!isChunk(chunk)) return
    const other = otherThanUtf8(chunk, encoding)
    call.requestBytes += lengthOf(chunk, other)
    if (call.requestBody === null) return
    try {
      call.requestBody = this.#keep(call, 'request', call.requestBody, chunk, other)
    } catch (error) {
      call.requestBody = null
      this.#feature.fault(error)
    }
  }

  /** A part of an answer's body, likewise. */
  answer(call: Call, chunk: unknown, encoding?: unknown): void {
    if (!isChunk(chunk)) return
    const other = otherThanUtf8(chunk, encoding)
    call.responseBytes += lengthOf(chunk, other)
    if (call.responseBody === null) return
    try {
      call.responseBody = this.#keep(call, 'response', call.responseBody, chunk, other)
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
    chunk: Chunk,
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
