import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { syncBuiltinESMExports } from 'node:module'
import { promisify } from 'node:util'
import { CALL, Call, type Headers, type Kind } from '../call.ts'
import type { Feature } from '../health.ts'
import type { Bodies } from './body.ts'
import type { Calls, Capture } from './calls.ts'
import { noteFailure, outcomeOfOutgoing } from './failure.ts'
import { type Method, patch } from './patch.ts'
import { identifyCall, linkCall, type Upstreams } from './upstream.ts'

/*
 * Outgoing calls over HTTP/2, by `http2.connect`. Node exports neither its session nor its stream class, so they are
 * found from the first session and the first stream, and patched once, like the classes of HTTP/1: without a listener on
 * a stream of the host. undici speaks HTTP/2 through the same module; its calls are seen in `undici.ts`.
 */

type Stream = ClientHttp2Stream & { [CALL]?: Call | null }

export class Http2ClientCapture implements Capture {
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #upstreams: Upstreams
  readonly #feature: Feature
  readonly #kind: Kind = {
    direction: 'out',
    answerHeaders: ({ received }) => (received ?? {}) as Headers,
    answerHeader: ({ received }, name) => (received as Headers | undefined)?.[name],
    answerFields: ({ received }) => received,
    end: (call) => {
      call.destroyed = true
      this.#finish(call, false)
    },
  }
  readonly #undo: (() => void)[] = []
  /** Sessions, and whether they are undici's. */
  readonly #met = new WeakMap<object, boolean>()
  #sessions: object | undefined
  #streams: object | undefined

  constructor(calls: Calls, bodies: Bodies, upstreams: Upstreams, feature: Feature) {
    this.#calls = calls
    this.#bodies = bodies
    this.#upstreams = upstreams
    this.#feature = feature
  }

  start(): void {
    // Node can be built without it.
    this.#feature.contain(() => {
      this.#undo.push(this.#patchConnect(require('node:http2') as Connecting))
    })
  }

  stop(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo()
    this.#sessions = this.#streams = undefined
  }

  /** `import { connect }` is a copy of the export, which Node has to be told to renew. */
  #patchConnect(http2: Connecting): () => void {
    const capture = this
    const next = http2.connect
    function connect(this: unknown, authority: unknown, options: unknown, listener: unknown): unknown {
      const session = next.call(this, authority, options, listener)
      capture.#meetSession(session as object)
      return session
    }
    const promised = next[promisify.custom]
    if (promised !== undefined) {
      Object.defineProperty(connect, promisify.custom, {
        value: (authority: unknown, options: unknown) =>
          promised(authority, options).then((session) => {
            capture.#meetSession(session)
            return session
          }),
      })
    }
    const undo = patch(http2, 'connect', connect as Method)
    syncBuiltinESMExports()
    return () => {
      undo()
      syncBuiltinESMExports()
    }
  }

  #meetSession(session: object): void {
    const sessions = Object.getPrototypeOf(session)
    if (this.#sessions !== undefined) return
    this.#feature.contain(() => {
      this.#sessions = sessions
      this.#patchSession(sessions)
    })
  }

  #patchSession(sessions: { request: Method }): void {
    const capture = this
    const next = sessions.request
    function request(this: ClientHttp2Session, headers: unknown, options: unknown): unknown {
      const stream = next.call(this, headers, options) as Stream
      try {
        capture.#begin(this, stream)
      } catch (error) {
        capture.#feature.fault(error)
      }
      return stream
    }
    this.#undo.push(patch(sessions, 'request', request as Method))
  }

  #begin(session: ClientHttp2Session, stream: Stream): void {
    if (this.#streams === undefined) {
      this.#streams = Object.getPrototypeOf(stream) as object
      this.#undo.push(...this.#patchStream(this.#streams as Methods))
    }
    if (this.#isUndici(session)) return
    const headers = stream.sentHeaders
    const { ':method': method, ':path': path, ':scheme': scheme, ':authority': authority } = headers as SentHeaders
    const peer = this.#upstreams.peerOf(`${scheme}://${authority}`, path ?? '', headers['user-agent'])
    if (peer === undefined) return
    const call = new Call(this.#kind, performance.now(), method ?? 'GET', path ?? '/', headers as Headers)
    call.peer = peer
    call.sent = stream
    linkCall(call, headers.traceparent)
    stream[CALL] = call
    this.#calls.begin(call)
  }

  /** undici leaves its client on each of its sessions, under a symbol of that name. */
  #isUndici(session: object): boolean {
    let undici = this.#met.get(session)
    if (undici === undefined) {
      undici = Object.getOwnPropertySymbols(session).some(({ description }) => description === 'client')
      this.#met.set(session, undici)
    }
    return undici
  }

  #patchStream(streams: Methods): (() => void)[] {
    const capture = this
    const { write: nextWrite, end: nextEnd, push: nextPush, emit: nextEmit, close: nextClose } = streams
    const nextDestroy = streams.destroy

    function write(this: Stream, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      capture.#wrote(this, chunk, encoding)
      return nextWrite.call(this, chunk, encoding, callback)
    }
    function end(this: Stream, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      capture.#wrote(this, chunk, encoding)
      return nextEnd.call(this, chunk, encoding, callback)
    }
    function push(this: Stream, chunk: unknown, encoding: unknown): unknown {
      const call = openCall(this)
      if (call !== undefined) capture.#pushed(call, this, chunk)
      return nextPush.call(this, chunk, encoding)
    }
    function emit(this: Stream, event: unknown, first: unknown): unknown {
      const call = openCall(this)
      if (call !== undefined) capture.#saw(call, this, event, first)
      // biome-ignore lint/complexity/noArguments: passed on as they are, without an array for every event
      return nextEmit.apply(this, arguments as unknown as unknown[])
    }
    function close(this: Stream, code: unknown, callback: unknown): unknown {
      capture.#brokeOff(this, true)
      return nextClose.call(this, code, callback)
    }
    function destroy(this: Stream, error: unknown, callback: unknown): unknown {
      capture.#brokeOff(this, error !== undefined && error !== null)
      return nextDestroy.call(this, error, callback)
    }
    const methods = { write, end, push, emit, close, destroy }
    return Object.entries(methods).map(([name, method]) => patch(streams, name as keyof Methods, method as Method))
  }

  /**
   * `close` and `destroy` are the application's own unless the stream or its connection is at an end already. A lost
   * connection closes its streams or destroys them with its error; the application may destroy a connection with none.
   */
  #brokeOff(stream: Stream, lost: boolean): void {
    const call = openCall(stream)
    if (call === undefined || stream.closed || stream.destroyed) return
    try {
      const { session } = stream
      if (lost && (session === undefined || session.destroyed || session.socket?.destroyed)) return
      call.destroyed = true
    } catch {
      // A session that has no socket any more throws when it is asked for it.
    }
  }

  #wrote(stream: Stream, chunk: unknown, encoding: unknown): void {
    const call = openCall(stream)
    if (call === undefined || stream.writableEnded || stream.destroyed) return
    try {
      this.#bodies.request(call, chunk, encoding)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** A chunk of the answer, or null: the other side has said everything, read or unread. */
  #pushed(call: Call, stream: Stream, chunk: unknown): void {
    try {
      if (chunk instanceof Uint8Array) {
        this.#bodies.answer(call, chunk)
      } else if (chunk === null && !stream.closed && !stream.destroyed) {
        // Where the header is all of the answer, its end is pushed before it is told of.
        if (call.status > 0) this.#finish(call, true)
        else call.lastByte = performance.now()
      }
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** An event of the stream, before the application hears of it. */
  #saw(call: Call, stream: Stream, event: unknown, first: unknown): void {
    try {
      if (event === 'response') {
        call.firstByte = performance.now()
        call.status = Number((first as IncomingHttpHeaders)[':status'])
        call.received = first as object
        if (call.lastByte > 0) this.#finish(call, true)
      } else if (event === 'timeout') call.timedOut = true
      else if (event === 'error') {
        noteFailure(call, first)
        // The reason of a reset is more than that there was one.
        const reset = /NGHTTP2_\w+/.exec(String((first as Error | undefined)?.message))
        if (reset !== null) call.errorCode = reset[0]
      } else if (event === 'close') {
        // No stream was ever opened: whatever was written stayed here.
        if (stream.id === undefined) call.requestBytes = 0
        this.#finish(call, false)
      }
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** Never throws. */
  #finish(call: Call, complete: boolean): void {
    if (call.done) return
    call.lastByte = 0
    try {
      identifyCall(call)
      this.#calls.end(call, outcomeOfOutgoing(call, complete))
    } catch (error) {
      this.#feature.fault(error)
    }
  }
}

type Methods = Record<'write' | 'end' | 'push' | 'emit' | 'close' | 'destroy', Method>
type SentHeaders = Partial<Record<':method' | ':path' | ':scheme' | ':authority', string>>
interface Connecting {
  connect: Method & { [promisify.custom]?: (authority: unknown, options: unknown) => Promise<object> }
}

/** The call of a stream while it lasts. */
function openCall(stream: Stream): Call | undefined {
  const call = stream[CALL]
  return call === undefined || call === null || call.done ? undefined : call
}
