import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { CALL, Call, type Headers, type Kind, outcomeOf, type Request, type Response } from '../call.ts'
import { enterScope } from '../context.ts'
import type { Feature } from '../health.ts'
import { parseTraceParent } from '../traceparent.ts'
import type { Bodies } from './body.ts'
import type { Calls, Capture } from './calls.ts'
import type { ServerEvents } from './events.ts'
import { clientOf, hasLeft, isNetworkError } from './peer.ts'
import { FILE, patchStreams, type Stream, type StreamListener } from './stream.ts'
import { authorityOf, CONNECT } from './upgrade.ts'

/*
 * Incoming calls over HTTP/2. A call is a stream that the client opened: it begins when the server emits 'stream', of
 * which request and response of the compatibility API are made, and ends when the stream emits 'close'. Both APIs meet
 * in the stream, so what is patched is its class, which Node keeps to itself: it is taken from the first stream.
 * HTTP/1 on the same server (`allowHTTP1`) has its own capture. Streams that the server pushes are no calls: nobody
 * asked for them; nor are requests that the protocol layer refuses, for which Node makes no stream.
 */

const TIMED_OUT = Symbol('callsight.timedOut')

type Session = ServerHttp2Session & { [TIMED_OUT]?: true }
class StreamCall extends Call {
  /** Gone once the call is recorded. */
  stream: Stream | undefined

  constructor(kind: Kind, stream: Stream, headers: Headers) {
    super(kind, performance.now(), String(headers[':method'] ?? 'GET'), String(headers[':path'] ?? ''), headers)
    this.stream = stream
  }

  override letGo(): void {
    super.letGo()
    this.stream = undefined
  }
}

export class Http2Capture implements Capture, StreamListener {
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #events: ServerEvents
  readonly feature: Feature
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
    this.feature = feature
  }

  start(): void {
    this.#events.on('stream', this.feature, (args) => this.#begin(args[1] as Stream, args[2] as Headers))
  }

  stop(): void {
    this.#events.off(this.feature)
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

  read(_stream: Stream, call: Call, chunk: Uint8Array): void {
    this.#bodies.request(call, chunk)
  }

  answered(_stream: Stream, call: Call): void {
    if (call.firstByte !== 0) return
    call.firstByte = performance.now()
    this.#onAnswer?.(call)
  }

  wrote(stream: Stream, call: Call, chunk: unknown, encoding: unknown): void {
    if (call.firstByte === 0) this.answered(stream, call)
    if (!stream.writableEnded && !stream.destroyed) this.#bodies.answer(call, chunk, encoding)
  }

  /** Who tears it down? */
  torn(stream: Stream, call: Call, cause: unknown): void {
    const session = stream.session as Session | undefined
    if (stream.closed || stream.destroyed || call.done || session === undefined) return
    if (session[TIMED_OUT] === true) call.timedOut = true
    // The protocol layer names its errors so: the client broke a rule, or said goodbye with an error.
    const code = (cause as { code?: unknown } | null | undefined)?.code
    const protocol = session.destroyed && typeof code === 'string' && code.startsWith('ERR_HTTP2_')
    call.destroyed = !protocol && !isNetworkError(cause) && !hasLeft(session.socket)
  }

  closed(_stream: Stream, call: Call): void {
    this.#end(call as StreamCall)
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
  }

  /** Patches the class of streams, once. From then on the compatibility API is looked at, too. */
  #patch(target: object): void {
    if (this.#patched.has(target)) return
    if (this.#patched.size === 0) {
      for (const event of ['request', 'checkContinue', 'checkExpectation', 'connect']) {
        this.#events.on(event, this.feature, (args) => this.#adopt(args[1] as Request, args[2] as Response))
      }
      this.#events.on('timeout', this.feature, (args) => {
        const session = args[1] as Partial<Session> | undefined
        if (typeof session?.goaway === 'function') session[TIMED_OUT] = true
      })
    }
    this.#patched.add(target)
    this.#undo.push(...patchStreams(target, this))
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

/** The header as it was sent, without what belongs to the protocol. */
function sentHeaders(stream: Stream | undefined): Headers {
  const { ':status': _status, ...fields } = stream?.sentHeaders ?? {}
  return fields as Headers
}
