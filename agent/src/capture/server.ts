import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import { CALL, Call, type Headers, type Kind, outcomeOf, type Request, type Response } from '../call.ts'
import { enterScope } from '../context.ts'
import type { Feature } from '../health.ts'
import { parseTraceParent } from '../traceparent.ts'
import type { Bodies } from './body.ts'
import type { Calls, Capture } from './calls.ts'
import { type Method, patch } from './patch.ts'
import { clientOf, hasLeft } from './peer.ts'
import { fieldsOf } from './raw.ts'
import { read } from './read.ts'

/*
 * Incoming calls over HTTP/1. A call begins on Node's own channel and ends when its response emits 'close', be it
 * answered or not. Sizes and bodies come from the few methods that every byte passes. Nothing is added to a stream of
 * the host: no listener, no closure; methods are patched once on the prototypes and cost one property read where there
 * is no call.
 */

const START = 'http.server.request.start'

export class ServerCapture implements Capture {
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #feature: Feature
  readonly #kind: Kind = {
    direction: 'in',
    answerHeaders: ({ response }) => sentHeaders(response),
    answerHeader: ({ response }, name) => headerOf(response, name),
    end: (call) => this.#end(call),
  }
  readonly #undo: (() => void)[] = []
  #onAnswer: ((call: Call) => void) | undefined

  constructor(calls: Calls, bodies: Bodies, feature: Feature) {
    this.#calls = calls
    this.#bodies = bodies
    this.#feature = feature
  }

  start(): void {
    const onStart = (message: unknown) => this.#begin(message as { request: Request; response: Response })
    subscribe(START, onStart)
    this.#undo.push(() => unsubscribe(START, onStart), ...this.#patchResponse())
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** Runs `listen` when the first byte of an answer is about to leave, inside the application's own context. */
  onAnswer(listen: (call: Call) => void): void {
    this.#onAnswer = listen
  }

  #begin({ request, response }: { request: Request; response: Response }): void {
    // A subscriber that throws would become an uncaught exception of the host.
    try {
      const { headers } = request
      const call = new Call(this.#kind, performance.now(), request.method ?? 'GET', request.url ?? '/', headers)
      call.request = request
      call.response = response
      request[CALL] = call
      response[CALL] = call
      if (headers.traceparent !== undefined) call.parent = parseTraceParent(headers.traceparent as string)
      call.peer = clientOf(request.socket, request.socket)
      this.#calls.begin(call)
      enterScope(call)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  /** The moment of the first byte. */
  #answer(call: Call): void {
    call.firstByte = performance.now()
    if (this.#onAnswer === undefined) return
    try {
      this.#onAnswer(call)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  #closed(call: Call): void {
    try {
      this.#end(call)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  #end(call: Call): void {
    const { request, response } = call
    if (call.done || request === undefined || response === undefined) return
    const flushed = isFlushed(response)
    // At exit a response may have been ended but not yet written: the application did its part.
    let finished = flushed || (response.writableEnded && !response.destroyed)
    const answered = finished || response.headersSent
    if (!answered && call.status > 0) {
      // The parser gave up on the body, and the answer was written past the response.
      this.#calls.end(call, outcomeOf(call, true))
      return
    }
    const status = answered ? read(response, 'statusCode') : 0
    call.status = status
    if (call.method === 'HEAD' || status === 204 || status === 304 || status < 200) call.responseBytes = 0
    else if (finished && promisedOf(response) > call.responseBytes) finished = false
    if (!read(request, 'complete')) {
      call.requestBytes = unreadSize(request, call, finished)
      if (call.requestBody) call.requestBody.truncated = true
    }
    if (!finished) {
      if (call.responseBody) call.responseBody.truncated = true
      // Whatever it was that the client did not do, the process did: a stream or socket destroyed, an early exit.
      call.destroyed = flushed || !hasLeft(request.socket)
      if (call.destroyed && status > 0) call.errorCode ??= 'truncated'
    }
    this.#calls.end(call, outcomeOf(call, finished))
  }

  #patchResponse(): (() => void)[] {
    const capture = this
    // Undefined unless somebody else has put a method there before us.
    const own = (name: keyof Methods) => (Object.hasOwn(Server, name) ? Server[name] : undefined)
    const ownWrite = own('write')
    const ownEnd = own('end')
    const ownFlush = own('flushHeaders')
    const ownEmit = own('emit')

    function write(this: Response, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) capture.#wrote(call, this, chunk, encoding)
      return (ownWrite ?? Outgoing.write).call(this, chunk, encoding, callback)
    }
    function end(this: Response, chunk: unknown, encoding: unknown, callback: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined) capture.#wrote(call, this, chunk, encoding)
      return (ownEnd ?? Outgoing.end).call(this, chunk, encoding, callback)
    }
    function flushHeaders(this: Response): unknown {
      const call = this[CALL]
      if (call !== undefined && call.firstByte === 0) capture.#answer(call)
      return (ownFlush ?? Outgoing.flushHeaders).call(this)
    }
    // 'close' is seen here rather than by a listener, so that the host's listeners are as many as without the agent.
    function emit(this: Response, event: unknown): unknown {
      const next = ownEmit ?? Outgoing.emit
      if (event !== 'close' && event !== 'timeout') {
        // biome-ignore lint/complexity/noArguments: most events are nothing but their name; all are passed on as they are
        return arguments.length === 1 ? next.call(this, event) : next.apply(this, arguments as unknown as unknown[])
      }
      const call = this[CALL]
      if (call !== undefined && event === 'timeout') call.timedOut = true
      try {
        // biome-ignore lint/complexity/noArguments: as above
        return next.apply(this, arguments as unknown as unknown[])
      } finally {
        if (call !== undefined && event === 'close') capture.#closed(call)
      }
    }
    const methods = { write, end, flushHeaders, emit }
    return Object.entries(methods).map(([name, method]) => patch(Server, name as keyof Methods, method as Method))
  }

  /** `write` or `end` was called, and goes on to Node in a moment. */
  #wrote(call: Call, response: Response, chunk: unknown, encoding: unknown): void {
    try {
      // Node refuses bytes after the end, and writes none when the connection is gone.
      const ended = call.firstByte !== 0 && read(response, 'finished')
      if (call.firstByte === 0) this.#answer(call)
      if (!ended && !read(response, 'destroyed')) this.#bodies.answer(call, chunk, encoding)
    } catch (error) {
      this.#feature.fault(error)
    }
  }
}

/** A field of the answer's header, set or already sent. */
function headerOf(response: Response | undefined, name: string): unknown {
  return response?.getHeader(name) ?? (response?.headersSent ? sentHeaders(response)[name] : undefined)
}

/** The header as it was written: `writeHead` may send fields that `getHeader` never knows of. */
function sentHeaders(response: (Response & { _header?: unknown }) | undefined): Headers {
  if (typeof response?._header !== 'string') return (response?.getHeaders() ?? {}) as Headers
  return fieldsOf(response._header)
}

/** `writableFinished`, without the getter. */
function isFlushed(response: Response & { outputSize?: number }): boolean {
  if (!read(response, 'finished') || read(response, 'outputSize') !== 0) return false
  const socket = read(response, 'socket')
  return socket === null || socket.writableLength === 0
}

/** The length that the header promised, 0 where it did not. */
function promisedOf(response: Response & { _contentLength?: unknown }): number {
  const length = read(response, '_contentLength')
  return typeof length === 'number' ? length : 0
}

/** The body was not read to its end: its declared size, unless the client broke it off. */
function unreadSize(request: Request, call: Call, finished: boolean): number {
  const declared = Number(request.headers['content-length'])
  return finished && declared >= call.requestBytes ? declared : call.requestBytes
}

const Server = http.ServerResponse.prototype as unknown as Methods
/** Where `ServerResponse` has its methods from: looked up at each call, so that whoever patches there later is heard. */
const Outgoing = http.OutgoingMessage.prototype as unknown as Methods

type Methods = Record<'write' | 'end' | 'flushHeaders' | 'emit', Method>
