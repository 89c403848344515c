import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import { CALL, Call, type Headers, type Kind } from '../call.ts'
import type { Feature } from '../health.ts'
import type { Bodies } from './body.ts'
import type { Calls, Capture } from './calls.ts'
import { noteFailure, outcomeOfOutgoing } from './failure.ts'
import { type Method, patch } from './patch.ts'
import { identifyCall, linkCall, type Upstreams } from './upstream.ts'

/*
 * Outgoing calls over HTTP/1, by `http` and `https` and whatever is built on them. All of it is seen on the prototype of
 * ClientRequest and in the bodies that `push.ts` sees: no listener is added to a request (a second 'response' listener
 * would keep Node from draining answers that nobody reads, and leave their sockets open), and `import` sees the same as
 * `require`.
 *
 * A call begins when its request is made, where the runtime says so (CREATED), else with the first thing that happens to
 * the request: it gets a socket, or something is written. It ends with the last byte of the answer, read or unread, else
 * when the request is closed.
 */

const CREATED = 'http.client.request.created'

/** Null: a request that is no call of the application. */
type Outgoing = ClientRequest & { [CALL]?: Call | null; res?: Answer | null; socketPath?: string; _header?: unknown }
type Answer = IncomingMessage & {
  [CALL]?: Call | null
  errored?: NodeJS.ErrnoException | null
  _dumped?: boolean
}

/** The header is not final yet. */
const NONE: Headers = Object.freeze({})

export class ClientCapture implements Capture {
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #upstreams: Upstreams
  readonly #feature: Feature
  readonly #kind: Kind = {
    direction: 'out',
    answerHeaders: ({ received }) => (received as Answer | undefined)?.headers ?? NONE,
    answerHeader: ({ received }, name) => (received as Answer | undefined)?.headers[name],
    answerFields: ({ received }) => (received as Answer | undefined)?.rawHeaders,
    end: (call) => this.#leave(call),
  }
  readonly #undo: (() => void)[] = []
  #on = false

  constructor(calls: Calls, bodies: Bodies, upstreams: Upstreams, feature: Feature) {
    this.#calls = calls
    this.#bodies = bodies
    this.#upstreams = upstreams
    this.#feature = feature
  }

  start(): void {
    this.#on = true
    const onCreated = (message: unknown) => void this.#callOf((message as { request: Outgoing }).request)
    subscribe(CREATED, onCreated)
    this.#undo.push(() => unsubscribe(CREATED, onCreated), ...this.#patchRequest())
  }

  stop(): void {
    this.#on = false
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** The call of a request, which begins here if it has not yet. Never throws. */
  #callOf(request: Outgoing): Call | null {
    const call = request[CALL]
    if (call !== undefined) return call
    if (!this.#on) return null
    request[CALL] = null
    try {
      this.#begin(request)
    } catch (error) {
      this.#feature.fault(error)
    }
    return request[CALL]
  }

  #begin(request: Outgoing): void {
    const { protocol, method, path, socketPath } = request
    const origin = socketPath ? `unix:${socketPath}` : `${protocol}//${request.getHeader('host') ?? request.host}`
    const peer = this.#upstreams.peerOf(origin, path, request.getHeader('user-agent'))
    if (peer === undefined) return
    const call = new Call(this.#kind, performance.now(), method, path, NONE)
    call.peer = peer
    call.sent = request
    linkCall(call, request.getHeader('traceparent'))
    request[CALL] = call
    this.#calls.begin(call)
  }

  #patchRequest(): (() => void)[] {
    const capture = this
    // Undefined unless somebody else has put a method there before us.
    const own = (name: keyof Methods) => (Object.hasOwn(Client, name) ? Client[name] : undefined)
    const ownWrite = own('write')
    const ownEnd = own('end')
    const ownFlush = own('flushHeaders')
    const ownEmit = own('emit')
    const { onSocket: nextOnSocket, destroy: nextDestroy } = Client

    function write(this: Outgoing, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const call = capture.#callOf(this)
      if (call !== null && !call.done) capture.#wrote(call, this, chunk, encoding)
      return (ownWrite ?? Message.write).call(this, chunk, encoding, callback)
    }
    function end(this: Outgoing, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const call = capture.#callOf(this)
      if (call !== null && !call.done) capture.#wrote(call, this, chunk, encoding)
      return (ownEnd ?? Message.end).call(this, chunk, encoding, callback)
    }
    function flushHeaders(this: Outgoing): unknown {
      capture.#callOf(this)
      return (ownFlush ?? Message.flushHeaders).call(this)
    }
    function onSocket(this: Outgoing, socket: unknown, error: unknown): unknown {
      capture.#callOf(this)
      return nextOnSocket.call(this, socket, error)
    }
    function destroy(this: Outgoing, error: unknown): unknown {
      const call = this[CALL]
      // Once the connection is gone, tidying up is not the application's decision.
      if (call !== undefined && call !== null && !this.destroyed && !this.socket?.destroyed) call.destroyed = true
      return nextDestroy.call(this, error)
    }
    function emit(this: Outgoing, event: unknown, first: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined && call !== null && !call.done) capture.#saw(call, this, event, first)
      // biome-ignore lint/complexity/noArguments: passed on as they are, without an array for every event
      return (ownEmit ?? Message.emit).apply(this, arguments as unknown as unknown[])
    }
    const methods = { write, end, flushHeaders, onSocket, destroy, emit }
    return Object.entries(methods).map(([name, method]) => patch(Client, name as keyof Methods, method as Method))
  }

  /** `write` or `end` was called, and goes on to Node in a moment: the header is final. */
  #wrote(call: Call, request: Outgoing, chunk: unknown, encoding: unknown): void {
    try {
      if (call.headers === NONE) call.headers = sentHeaders(request)
      if (request.writableEnded || request.destroyed) return
      this.#bodies.request(call, chunk, encoding)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** An event of the request, before the application hears of it. */
  #saw(call: Call, request: Outgoing, event: unknown, first: unknown): void {
    try {
      if (event === 'response') this.#answer(call, first as Answer)
      else if (event === 'close') this.#end(call)
      else if (event === 'timeout') call.timedOut = true
      else if (event === 'upgrade' || event === 'connect') {
        // From here on the connection speaks another protocol.
        this.#answer(call, first as Answer)
        this.#finish(call, true)
      } else if (event === 'error') {
        const answer = request.res
        // An answer that the application destroys with an error of its own takes the request with it.
        if (answer?.errored === first && answer !== null && answer !== undefined) call.destroyed = true
        noteFailure(call, first)
        call.lastByte = performance.now()
        if (isConnecting(request, first)) call.requestBytes = 0
        // Without a connection there may be no 'close' either.
        if (!request.socket) this.#end(call)
      }
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  #answer(call: Call, answer: Answer): void {
    call.firstByte = performance.now()
    call.status = answer.statusCode ?? 0
    call.received = answer
    answer[CALL] = call
  }

  /** The last byte of the answer was seen, or the process is about to leave the call behind. Never throws. */
  #leave(call: Call): void {
    const complete = (call.received as Answer | undefined)?.complete === true
    if (!complete) call.destroyed = true
    this.#finish(call, complete)
  }

  /** The request is closed, or will never be more than an error. */
  #end(call: Call): void {
    const request = call.sent as Outgoing
    const answer = request.res
    if (answer !== undefined && answer !== null) {
      call.status ||= answer.statusCode ?? 0
      // Node itself destroys what a lost connection leaves incomplete, with an error of this name.
      if (answer.destroyed && answer.errored?.message !== 'aborted') call.destroyed = true
    }
    this.#finish(call, answer?.complete === true)
  }

  #finish(call: Call, complete: boolean): void {
    if (call.done) return
    try {
      if (call.headers === NONE) call.headers = sentHeaders(call.sent as Outgoing)
      if (complete) call.responseBytes = Math.max(call.responseBytes, dumpedSize(call))
      identifyCall(call)
      this.#calls.end(call, outcomeOfOutgoing(call, complete))
    } catch (error) {
      this.#feature.fault(error)
    }
  }
}

/** An answer that nobody listens for is thrown away by Node before it is pushed: only its declared size is known. */
function dumpedSize({ method, status, received }: Call): number {
  const answer = received as Answer | undefined
  if (answer?._dumped !== true || method === 'HEAD' || status === 204 || status === 304) return 0
  return Number(answer.headers['content-length']) || 0
}

/** Whether the request failed before there was a connection: whatever was written stayed here. */
function isConnecting({ socket }: Outgoing, error: unknown): boolean {
  if (!socket || (socket as { secureConnecting?: boolean }).secureConnecting === true) return true
  const { syscall, errors } = error as { syscall?: unknown; errors?: { syscall?: unknown }[] }
  const step = syscall ?? errors?.[0]?.syscall
  return step === 'connect' || step === 'getaddrinfo'
}

/** The header as it was set; one that was given as an array goes to the wire as it is and is found only there. */
function sentHeaders(request: Outgoing): Headers {
  const set = request.getHeaders() as Headers
  if (typeof request._header !== 'string' || set.host !== undefined) return set
  const found: Record<string, string> = {}
  for (const line of request._header.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) found[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return found
}

const Client = http.ClientRequest.prototype as unknown as Methods
/** Where `ClientRequest` has most methods from: looked up at each call, so that whoever patches there later is heard. */
const Message = http.OutgoingMessage.prototype as unknown as Methods

type Methods = Record<'write' | 'end' | 'flushHeaders' | 'onSocket' | 'destroy' | 'emit', Method>
