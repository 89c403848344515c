import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { CALL, Call, type Headers, type Kind, outcomeOf, type Request, type Response } from '../call.ts'
import { enterScope, scopes } from '../context.ts'
import type { Feature } from '../health.ts'
import { utf8Length } from '../ship/bytes.ts'
import { parseTraceParent } from '../traceparent.ts'
import type { Bodies } from './body.ts'
import type { Calls, Capture } from './calls.ts'
import type { ServerEvents } from './events.ts'
import { type Method, patch } from './patch.ts'
import { clientOf, hasLeft, isNetworkError } from './peer.ts'
import { authorityOf, CONNECT } from './upgrade.ts'

/*
 * Incoming calls over HTTP/2. A call is a stream that the client opened: it begins when the server emits 'stream', of
 * which request and response of the compatibility API are made, and ends when the stream emits 'close'. Both APIs meet
 * in the stream, so what is patched is its class, which Node keeps to itself: it is taken from the first stream.
 * HTTP/1 on the same server (`allowHTTP1`) has its own capture. Streams that the server pushes are no calls: nobody
 * asked for them; nor are requests that the protocol layer refuses, for which Node makes no stream.
 */

const FILE = Symbol('callsight.file')
const TIMED_OUT = Symbol('callsight.timedOut')

type Session = ServerHttp2Session & { [TIMED_OUT]?: true }
type Stream = ServerHttp2Stream & { [CALL]?: StreamCall; [FILE]?: true }
type Methods = Record<
  | 'push'
  | 'write'
  | 'end'
  | 'respond'
  | 'respondWithFile'
  | 'respondWithFD'
  | 'close'
  | 'destroy'
  | '_destroy'
  | 'emit',
  Method
>

class StreamCall extends Call {
  /** Gone once the call is recorded. */
  stream: Stream | undefined

  constructor(kind: Kind, stream: Stream, headers: Headers) {
    super(kind, performance.now(), String(headers[':method'] ?? 'GET'), String(headers[':path'] ?? ''), headers)
    this.stream = stream
  }
}

export class Http2Capture implements Capture {
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #events: ServerEvents
  readonly #feature: Feature
  readonly #kind = this.#makeKind()
  /** A CONNECT of the old kind has no path, only the address that it wants to get at. */
  readonly #tunnel = this.#makeKind(CONNECT)
  readonly #patched = new Set<object>()
  readonly #undo: (() => void)[] = []
  #onAnswer: ((call: Call) => void) | undefined

  constructor(calls: Calls, bodies: Bodies, events: ServerEvents, feature: Feature) {
    this.#calls = calls
    this.#bodies = bodies
    this.#events = events
    this.#feature = feature
  }

  start(): void {
    this.#events.on('stream', this.#feature, (args) => this.#begin(args[1] as Stream, args[2] as Headers))
  }

  stop(): void {
    this.#events.off(this.#feature)
    this.#patched.clear()
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** Runs `listen` when the first byte of an answer is about to leave, inside the application's own context. */
  onAnswer(listen: (call: Call) => void): void {
    this.#onAnswer = listen
  }

  #begin(stream: Stream, headers: Headers): void {
    // One server may pass it on to another.
    if (stream[CALL] !== undefined) return
    this.#patch(Object.getPrototypeOf(stream) as object)
    const tunnel = headers[':method'] === 'CONNECT' && headers[':path'] === undefined
    const call = new StreamCall(tunnel ? this.#tunnel : this.#kind, stream, headers)
    stream[CALL] = call
    if (tunnel) call.attributes = authorityOf(String(headers[':authority']))
    if (headers.traceparent !== undefined) call.parent = parseTraceParent(String(headers.traceparent))
    const { session } = stream
    if (session !== undefined) call.peer = clientOf(session, session.socket as Socket)
    this.#calls.begin(call)
    enterScope(call)
  }

  /** Request and response of the compatibility API are where frameworks leave their facts. */
  #adopt(request: Request & { stream?: Stream }, response: Response): void {
    const call = request.stream?.[CALL]
    if (call === undefined || call.done || request[CALL] !== undefined) return
    call.request = request
    call.response = response
    request[CALL] = call
    response[CALL] = call
  }

  /** The moment of the first byte. */
  #answer(call: Call): void {
    if (call.firstByte !== 0) return
    call.firstByte = performance.now()
    try {
      this.#onAnswer?.(call)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** A part of the answer goes on to Node in a moment. Never throws, like all that the patched methods call. */
  #wrote(stream: Stream, call: Call, chunk: unknown, encoding: unknown): void {
    try {
      this.#answer(call)
      if (stream.writableEnded || stream.destroyed) return
      if (typeof chunk === 'string') {
        const other = typeof encoding === 'string' && encoding !== 'utf8' && Buffer.isEncoding(encoding)
        call.responseBytes += other ? Buffer.byteLength(chunk, encoding) : utf8Length(chunk)
        if (call.responseBody !== null) this.#bodies.answer(call, chunk, other ? encoding : undefined)
      } else if (chunk instanceof Uint8Array) {
        call.responseBytes += chunk.length
        if (call.responseBody !== null) this.#bodies.answer(call, chunk)
      }
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  #read(call: Call, chunk: Uint8Array): void {
    try {
      call.requestBytes += chunk.length
      if (call.requestBody !== null) this.#bodies.request(call, chunk)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** The stream is being torn down before it has closed: by whom? */
  #torn(stream: Stream, call: Call, cause: unknown): void {
    try {
      const session = stream.session as Session | undefined
      if (stream.closed || stream.destroyed || call.done || session === undefined) return
      if (session[TIMED_OUT] === true) call.timedOut = true
      // The protocol layer names its errors so: the client broke a rule, or said goodbye with an error.
      const code = (cause as { code?: unknown } | null | undefined)?.code
      const protocol = session.destroyed && typeof code === 'string' && code.startsWith('ERR_HTTP2_')
      call.destroyed = !protocol && !isNetworkError(cause) && !hasLeft(session.socket)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  #closed(call: StreamCall): void {
    try {
      this.#end(call)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  #end(call: StreamCall): void {
    const { stream } = call
    if (call.done || stream === undefined) return
    const status = stream.headersSent ? Number(stream.sentHeaders?.[':status'] ?? 0) : 0
    call.status = status
    const file = stream[FILE] === true
    const whole = stream.rstCode === 0 ? stream.writableEnded : stream.writableFinished && !file
    let finished = status > 0 && whole && !stream.aborted
    const bodiless = call.method === 'HEAD' || status === 204 || status === 205 || status === 304
    if (bodiless) call.responseBytes = 0
    else if (finished && Number(stream.sentHeaders?.['content-length']) > call.responseBytes) {
      finished = false
      call.destroyed = true
    }
    const declared = Number(call.headers['content-length'])
    if (declared > call.requestBytes && call.requestBody) call.requestBody.truncated = true
    if (finished && declared > call.requestBytes) call.requestBytes = declared
    if (!finished) {
      if (call.responseBody) call.responseBody.truncated = true
      if (call.destroyed && status > 0) call.errorCode = 'truncated'
    }
    this.#calls.end(call, outcomeOf(call, finished))
    call.stream = undefined
  }

  /** Patches the class of streams, once. From then on the compatibility API is looked at, too. */
  #patch(target: object): void {
    if (this.#patched.has(target)) return
    if (this.#patched.size === 0) {
      for (const event of ['request', 'checkContinue', 'checkExpectation', 'connect']) {
        this.#events.on(event, this.#feature, (args) => this.#adopt(args[1] as Request, args[2] as Response))
      }
      this.#events.on('timeout', this.#feature, (args) => {
        const session = args[1] as Partial<Session> | undefined
        if (typeof session?.goaway === 'function') session[TIMED_OUT] = true
      })
    }
    this.#patched.add(target)
    const methods = target as Methods
    this.#put(methods, { ...this.#bodyMethods(methods), ...this.#answerMethods(methods), ...this.#endMethods(methods) })
  }

  #put(target: Methods, methods: Partial<Methods>): void {
    for (const name of Object.keys(methods) as (keyof Methods)[]) this.#undo.push(patch(target, name, methods[name]!))
  }

  #bodyMethods(target: Methods): Partial<Methods> {
    const capture = this
    const { own, parent } = layersOf(target)
    function push(this: Stream, chunk: unknown, encoding: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined && chunk instanceof Uint8Array) capture.#read(call, chunk)
      return (own.push ?? parent.push).call(this, chunk, encoding)
    }
    function write(this: Stream, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) capture.#wrote(this, call, chunk, encoding)
      return (own.write ?? parent.write).call(this, chunk, encoding, callback)
    }
    function end(this: Stream, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const call = this[CALL]
      // Node itself ends streams without a word: that is no answer.
      if (call !== undefined && chunk !== undefined && chunk !== null) capture.#wrote(this, call, chunk, encoding)
      return (own.end ?? parent.end).call(this, chunk, encoding, callback)
    }
    return { push, write, end } as Partial<Methods>
  }

  #answerMethods(target: Methods): Partial<Methods> {
    const capture = this
    const { own, parent } = layersOf(target)
    function respond(this: Stream, headers: unknown, options: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) capture.#answer(call)
      return (own.respond ?? parent.respond).call(this, headers, options)
    }
    function respondWithFile(this: Stream, path: unknown, headers: unknown, options: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) {
        this[FILE] = true
        capture.#answer(call)
      }
      return (own.respondWithFile ?? parent.respondWithFile).call(this, path, headers, options)
    }
    function respondWithFD(this: Stream, file: unknown, headers: unknown, options: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) {
        this[FILE] = true
        capture.#answer(call)
      }
      return (own.respondWithFD ?? parent.respondWithFD).call(this, file, headers, options)
    }
    return { respond, respondWithFile, respondWithFD } as Partial<Methods>
  }

  #endMethods(target: Methods): Partial<Methods> {
    const capture = this
    const { own, parent } = layersOf(target)
    function close(this: Stream, code: unknown, callback: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) capture.#torn(this, call, undefined)
      return (own.close ?? parent.close).call(this, code, callback)
    }
    function destroy(this: Stream, error: unknown, callback: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) capture.#torn(this, call, error)
      return (own.destroy ?? parent.destroy).call(this, error, callback)
    }
    // Files go past every method; what was sent of them is known to the handle, which is about to be let go.
    function _destroy(this: Stream, error: unknown, callback: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined && this[FILE] === true) call.responseBytes = sentOf(this) ?? call.responseBytes
      return (own._destroy ?? parent._destroy).call(this, error, callback)
    }
    // As with HTTP/1, 'close' is seen here rather than by a listener. And what the stream tells comes from the
    // connection, which all calls share: the scope of this one has to be brought back.
    function emit(this: Stream, event: unknown): unknown {
      const next = own.emit ?? parent.emit
      const call = this[CALL]
      // biome-ignore lint/complexity/noArguments: passed on as they are, without an array for every event
      const args = arguments as unknown as unknown[]
      if (call === undefined) return next.apply(this, args)
      if (event === 'timeout') call.timedOut = true
      try {
        const { scope } = call
        if (scope === undefined || call.done || scopes.getStore()?.call === call) return next.apply(this, args)
        return scopes.run(scope, Reflect.apply, next, this, args)
      } finally {
        if (event === 'close') capture.#closed(call)
      }
    }
    return { close, destroy, _destroy, emit } as Partial<Methods>
  }

  #makeKind(operation?: Kind['operation']): Kind {
    return {
      direction: 'in',
      operation,
      answerHeaders: (call) => sentHeaders((call as StreamCall).stream),
      answerHeader: (call, name) => (call as StreamCall).stream?.sentHeaders?.[name],
      end: (call) => {
        // What is left behind unanswered is not the client's doing.
        call.destroyed = true
        this.#end(call as StreamCall)
      },
    }
  }
}

/** The methods that a class has itself, before they are patched, and those it inherits, looked up when they are called. */
function layersOf(target: Methods): { own: Partial<Methods>; parent: Methods } {
  const own: Partial<Methods> = {}
  for (const name of Object.getOwnPropertyNames(target)) {
    const value = Object.getOwnPropertyDescriptor(target, name)?.value
    if (typeof value === 'function') own[name as keyof Methods] = value as Method
  }
  return { own, parent: Object.getPrototypeOf(target) as Methods }
}

/** The header as it was sent, without what belongs to the protocol. */
function sentHeaders(stream: Stream | undefined): Headers {
  const { ':status': _status, ...fields } = stream?.sentHeaders ?? {}
  return fields as Headers
}

/** DATA bytes that went out, as Node's handle of the stream counts them; undefined where it cannot be found. */
function sentOf(stream: Stream): number | undefined {
  for (const key of Object.getOwnPropertySymbols(stream)) {
    if (key.description !== 'kHandle') continue
    const handle = (stream as unknown as Record<symbol, { bytesWritten?: unknown } | undefined>)[key]
    return typeof handle?.bytesWritten === 'number' ? handle.bytesWritten : undefined
  }
  return undefined
}
