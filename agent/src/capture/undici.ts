import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { CALL, Call, type Headers, type Kind } from '../call.ts'
import type { Feature } from '../health.ts'
import type { Bodies } from './body.ts'
import type { Calls, Capture } from './calls.ts'
import { noteFailure, outcomeOfOutgoing } from './failure.ts'
import { type Method, patch } from './patch.ts'
import { identifyCall, linkCall, type Upstreams } from './upstream.ts'

/*
 * Outgoing calls by undici, which is also what `fetch` is made of: the copy inside Node and any number of copies from
 * npm, all of which publish to the same channels. Each attempt of a retry and each hop of a redirect is a call; what a
 * mock answers never became a request and is none; a CONNECT to a proxy is how a call travels, and none either.
 *
 * Copies before 7.11 publish no chunks, and older ones no upgrades: there the methods of their Request class that each
 * chunk passes are patched, once for each copy.
 */

/** undici's own Request object, as far as all versions agree. */
interface Outgoing {
  [CALL]?: Call | null
  method: string
  path: string
  origin: string | URL
  /** Name, value, name, value ... A value may be an array. */
  headers: unknown
  host?: unknown
  contentType?: unknown
}
interface Answer {
  statusCode: number
  headers: unknown
}
type Message = { request: Outgoing; response: Answer; error: unknown; chunk: unknown }

/** The header is not final yet: instrumentations may add their fields until it is sent. */
const NONE: Headers = Object.freeze({})

export class UndiciCapture implements Capture {
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #upstreams: Upstreams
  readonly #feature: Feature
  readonly #kind: Kind = {
    direction: 'out',
    answerHeaders: ({ received }) => headersOf((received as Answer | undefined)?.headers),
    answerHeader: ({ received }, name) => fieldOf((received as Answer | undefined)?.headers, name),
    answerFields: ({ received }) => (received as Answer | undefined)?.headers,
    end: (call) => {
      call.destroyed = true
      this.#finish(call, false)
    },
  }
  readonly #undo: (() => void)[] = []
  /** The Request class of each copy that was met. */
  #copies = new WeakSet<object>()
  /** The chunk that a patched method is handing on: a copy that publishes it as well needs no patch. */
  #passing: unknown

  constructor(calls: Calls, bodies: Bodies, upstreams: Upstreams, feature: Feature) {
    this.#calls = calls
    this.#bodies = bodies
    this.#upstreams = upstreams
    this.#feature = feature
  }

  start(): void {
    this.#on('undici:request:create', (_, message) => this.#begin(message.request))
    this.#on('undici:request:headers', (call, { response }) => this.#answer(call, response))
    this.#on('undici:request:bodyChunkSent', (call, { chunk }) => {
      if (chunk !== this.#passing) this.#sent(call, chunk)
    })
    this.#on('undici:request:bodyChunkReceived', (call, { chunk }) => {
      if (chunk !== this.#passing) this.#received(call, chunk)
    })
    this.#on('undici:request:trailers', (call) => this.#finish(call, true))
    this.#on('undici:request:error', (call, { error }) => this.#fail(call, error))
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo()
    this.#copies = new WeakSet()
  }

  /** Only `create` is heard without a call. A subscriber that throws would become an uncaught exception of the host. */
  #on(channel: string, hear: (call: Call, message: Message) => void): void {
    const create = channel.endsWith('create')
    const onMessage = (raw: unknown) => {
      const message = raw as Message
      const call = message.request[CALL]
      if (create ? call !== undefined : call === undefined || call === null || call.done) return
      try {
        hear(call as Call, message)
      } catch (error) {
        this.#feature.fault(error)
      }
    }
    subscribe(channel, onMessage)
    this.#undo.push(() => unsubscribe(channel, onMessage))
  }

  #begin(request: Outgoing): void {
    const { method, path, headers } = request
    if (method === 'CONNECT') return
    this.#meet(Object.getPrototypeOf(request))
    const origin = typeof request.origin === 'string' ? request.origin : request.origin.origin
    const peer = this.#upstreams.peerOf(origin, path, fieldOf(headers, 'user-agent'))
    if (peer === undefined) return
    const call = new Call(this.#kind, performance.now(), method, path, NONE)
    call.peer = peer
    call.sent = request
    linkCall(call, fieldOf(headers, 'traceparent'))
    request[CALL] = call
    this.#calls.begin(call)
  }

  #answer(call: Call, answer: Answer): void {
    const { statusCode } = answer
    // The interim answers come this way as well.
    if (statusCode < 200 && statusCode !== 101) return
    call.firstByte = performance.now()
    call.status = statusCode
    call.received = answer
  }

  #sent(call: Call, chunk: unknown): void {
    if (call.headers === NONE) call.headers = sentHeaders(call.sent as Outgoing)
    this.#bodies.request(call, chunk)
  }

  #received(call: Call, chunk: unknown): void {
    call.lastByte = performance.now()
    this.#bodies.answer(call, chunk)
  }

  #fail(call: Call, error: unknown): void {
    // Nobody was interested in the rest of the answer: what `fetch` had to tell it has told with the header.
    if (call.status > 0 && error === COLLECTED) {
      const last = call.lastByte || call.firstByte
      this.#finish(call, true, last)
      return
    }
    noteFailure(call, error)
    // An AbortController aborts with whatever it likes; what fails by itself has a code.
    if (call.errorCode === undefined) call.destroyed = true
    this.#finish(call, false)
  }

  /**
   * Never throws.
   *
   * @param last when the last byte came, if not now
   */
  #finish(call: Call, complete: boolean, last = 0): void {
    if (call.done) return
    try {
      call.lastByte = last
      if (call.headers === NONE) call.headers = sentHeaders(call.sent as Outgoing)
      identifyCall(call)
      this.#calls.end(call, outcomeOfOutgoing(call, complete))
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** A copy's Request class is met for the first time. */
  #meet(copy: object): void {
    if (this.#copies.has(copy)) return
    this.#copies.add(copy)
    const target = copy as Record<string, unknown>
    this.#pass(target, 'onBodySent', (call, chunk) => this.#sent(call, chunk))
    this.#pass(target, target.onData === undefined ? 'onResponseData' : 'onData', (call, chunk) => {
      this.#received(call, chunk)
    })
    // Published as well by newer copies, to which it is a second end.
    this.#pass(target, 'onUpgrade', (call, status) => {
      if (typeof status !== 'number') return
      call.firstByte = performance.now()
      call.status = status
      this.#finish(call, true)
    })
  }

  /** Patches a method, where the copy has it, to be heard with its first argument before it does its work. */
  #pass(target: Record<string, unknown>, name: string, hear: (call: Call, first: unknown) => void): void {
    const next = target[name] as Method | undefined
    if (typeof next !== 'function') return
    const capture = this
    function passing(this: Outgoing, first: unknown): unknown {
      const call = this[CALL]
      try {
        if (call !== undefined && call !== null && !call.done) hear(call, first)
      } catch (error) {
        capture.#feature.fault(error)
      }
      capture.#passing = first
      try {
        // biome-ignore lint/complexity/noArguments: passed on as they are, without an array for every chunk
        return next!.apply(this, arguments as unknown as unknown[])
      } finally {
        capture.#passing = undefined
      }
    }
    this.#undo.push(patch(target, name, passing as Method))
  }
}

/** What undici cancels the rest of an answer with whose Response object nobody holds any more. */
const COLLECTED = 'Response object has been garbage collected'

/** undici keeps some fields apart from the others. */
function sentHeaders(request: Outgoing): Headers {
  const headers = headersOf(request.headers) as Record<string, string | string[]>
  if (typeof request.host === 'string') headers.host = request.host
  if (typeof request.contentType === 'string') headers['content-type'] ??= request.contentType
  return headers
}

/** Fields by name in lower case, from name, value, name, value ... as text or bytes, or from an object. */
function headersOf(raw: unknown): Headers {
  if (!Array.isArray(raw)) return typeof raw === 'object' && raw !== null ? { ...(raw as Headers) } : {}
  const found: Record<string, string | string[]> = {}
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = String(raw[i]).toLowerCase()
    const value = Array.isArray(raw[i + 1]) ? raw[i + 1].map(String) : String(raw[i + 1])
    const before = found[name]
    found[name] = before === undefined ? value : [before, value].flat()
  }
  return found
}

/** One field, without making an object of all. */
function fieldOf(raw: unknown, name: string): string | undefined {
  if (!Array.isArray(raw)) return (raw as Headers | null | undefined)?.[name] as string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const key = raw[i] as string | Buffer
    if (key.length === name.length && String(key).toLowerCase() === name) return String(raw[i + 1])
  }
  return undefined
}
