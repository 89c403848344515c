import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Call, Headers } from '../call.ts'
import type { Feature } from '../health.ts'
import { RAW_HEADER } from '../limits.ts'
import { type Method, patch } from './patch.ts'

/** How an answer that is written by hand came to its end. */
export type RawEnd = 'end' | 'destroy'

/** What becomes of the call. */
export interface RawListener {
  /** The status line was seen. Return true when that was all there is to hear. */
  answered(answer: RawAnswer): boolean
  /** Nothing more will be written. `error` is what the socket is destroyed with. */
  over(answer: RawAnswer, how: RawEnd, error?: unknown): void
}

const RAW = Symbol('callsight.raw')
const STATUS = /^HTTP\/1\.[01] ([1-9]\d\d)/
/** Undecoded text of each answer, for those that keep their detail. */
const texts = new WeakMap<Call, string>()

type Watched = Duplex & { [RAW]?: RawAnswer | undefined }

/**
 * An answer that the application, or Node, writes straight onto the socket: to a handshake, to a request that could not
 * be parsed. There is no response object; the status is read from the first bytes that are written.
 */
export class RawAnswer {
  readonly call: Call
  readonly socket: Duplex
  readonly feature: Feature
  readonly #listener: RawListener
  /** 0 until the status line was written. */
  status = 0
  #header = ''
  #inBody = false

  constructor(call: Call, socket: Duplex, feature: Feature, listener: RawListener) {
    this.call = call
    this.socket = socket
    this.feature = feature
    this.#listener = listener
  }

  wrote(chunk: unknown, encoding: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    if (this.call.firstByte === 0) this.call.firstByte = performance.now()
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, encodingOf(encoding))
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#inBody) {
      this.call.responseBytes += bytes.length
      return
    }
    this.#readHeader(bytes)
    if (this.status > 0 && this.#listener.answered(this)) unwatch(this.socket)
  }

  over(how: RawEnd, error?: unknown): void {
    unwatch(this.socket)
    this.#listener.over(this, how, error)
  }

  #readHeader(bytes: Buffer): void {
    const before = this.#header.length
    this.#header += bytes.toString('latin1', 0, RAW_HEADER)
    if (this.status === 0) this.status = Number(STATUS.exec(this.#header)?.[1] ?? 0)
    const end = this.#header.indexOf('\r\n\r\n')
    this.#inBody = end >= 0 || this.#header.length >= RAW_HEADER
    if (end < 0) return
    this.call.responseBytes += before + bytes.length - end - 4
    this.#header = this.#header.slice(0, end)
    texts.set(this.call, this.#header)
  }
}

/** The fields of a header as it was written, by name in lower case; the first line is not looked at. */
export function fieldsOf(text: string): Headers {
  const found: Record<string, string | string[]> = {}
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = found[name]
    found[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
  }
  return found
}

/** The header fields of a call that was answered by hand. */
export function rawHeaders(call: Call): Headers {
  return fieldsOf(texts.get(call) ?? '')
}

/** Whether an answer is being written by hand on this socket. */
export function isWatched(socket: Watched): boolean {
  return socket[RAW] !== undefined
}

function unwatch(socket: Watched): void {
  socket[RAW] = undefined
}

/**
 * Listens to what is written on some sockets. The methods are patched when the first such socket turns up: most servers
 * never see one.
 */
export class RawAnswers {
  readonly #undo: (() => void)[] = []

  /** @param feature contains what goes wrong with it */
  watch(call: Call, socket: Duplex, feature: Feature, listener: RawListener): void {
    if (this.#undo.length === 0) this.#patch()
    ;(socket as Watched)[RAW] = new RawAnswer(call, socket, feature, listener)
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  #patch(): void {
    const target = Socket.prototype as unknown as Record<'write' | 'end' | 'destroy', Method>
    const parent = Object.getPrototypeOf(target) as typeof target
    const own = (name: keyof typeof target) => (Object.hasOwn(target, name) ? target[name] : undefined)
    const ownWrite = own('write')
    const ownEnd = own('end')
    const ownDestroy = own('destroy')

    function write(this: Watched, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const answer = this[RAW]
      if (answer !== undefined) heard(answer, chunk, encoding)
      return (ownWrite ?? parent.write).call(this, chunk, encoding, callback)
    }
    function end(this: Watched, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const answer = this[RAW]
      if (answer !== undefined) {
        heard(answer, chunk, encoding)
        // The answer may have been all of it.
        if (this[RAW] !== undefined) ended(answer, 'end', undefined)
      }
      return (ownEnd ?? parent.end).call(this, chunk, encoding, callback)
    }
    function destroy(this: Watched, error: unknown, callback: unknown): unknown {
      const answer = this[RAW]
      if (answer !== undefined) ended(answer, 'destroy', error)
      return (ownDestroy ?? parent.destroy).call(this, error, callback)
    }
    this.#undo.push(
      patch(target, 'write', write as Method),
      patch(target, 'end', end as Method),
      patch(target, 'destroy', destroy as Method),
    )
  }
}

function heard(answer: RawAnswer, chunk: unknown, encoding: unknown): void {
  try {
    answer.wrote(chunk, encoding)
  } catch (error) {
    answer.feature.fault(error)
  }
}

function ended(answer: RawAnswer, how: RawEnd, cause: unknown): void {
  try {
    answer.over(how, cause)
  } catch (error) {
    answer.feature.fault(error)
  }
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'
}
