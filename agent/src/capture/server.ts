import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import type { Socket } from 'node:net'
import { CALL, Call, type Request, type Response } from '../call.ts'
import { enterScope, leaveScope } from '../context.ts'
import { utf8Length } from '../ship/bytes.ts'
import { encodeClient } from '../ship/record.ts'
import { parseTraceParent } from '../traceparent.ts'

/*
 * Incoming calls. A call begins on Node's own channel and ends when its response emits 'close', be it answered or not.
 * Sizes come from the few methods that every byte passes. Nothing is added to a stream of the host: no listener, no
 * closure; methods are patched once on the prototypes and cost one property read where there is no call.
 */

/** What a finished call is handed to. */
export interface Sink {
  /** A call begins; nothing of the application has run yet. */
  began(call: Call): void
  finished(call: Call, status: number, finished: boolean): void
  /** A fault of the agent: counted, said once, never passed on. */
  fault(error: unknown): void
}

const START = 'http.server.request.start'
const CLIENT = Symbol('callsight.client')

type Peer = Socket & { [CLIENT]?: Buffer }

export class ServerCapture {
  readonly #sink: Sink
  readonly #undo: (() => void)[] = []
  /** Calls that have begun and not ended; each knows its place, so that leaving costs no search. */
  readonly #open: Call[] = []
  #onAnswer: ((call: Call) => void) | undefined

  constructor(sink: Sink) {
    this.#sink = sink
  }

  start(): void {
    const onStart = (message: unknown) => this.#begin(message as { request: Request; response: Response })
    subscribe(START, onStart)
    this.#undo.push(
      () => unsubscribe(START, onStart),
      patchPush(),
      ...patchResponse(this.#answer, (call) => this.#end(call)),
    )
  }

  stop(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** Runs `listen` when the first byte of an answer is about to leave, inside the application's own context. */
  onAnswer(listen: (call: Call) => void): void {
    this.#onAnswer = listen
  }

  /** Calls that have begun and not ended: the process is about to leave them behind. */
  endAll(): void {
    for (const call of [...this.#open]) this.#end(call)
  }

  /** The moment of the first byte. */
  readonly #answer = (call: Call): void => {
    call.firstByte = performance.now()
    if (this.#onAnswer === undefined) return
    try {
      this.#onAnswer(call)
    } catch (error) {
      this.#sink.fault(error)
    }
  }

  #begin({ request, response }: { request: Request; response: Response }): void {
    // A subscriber that throws would become an uncaught exception of the host.
    try {
      const call = new Call(request, response, performance.now())
      request[CALL] = call
      response[CALL] = call
      call.parent = parseTraceParent(request.headers.traceparent as string | undefined)
      call.place = this.#open.push(call) - 1
      call.client = clientOf(request.socket)
      this.#sink.began(call)
      enterScope(call)
    } catch (error) {
      this.#sink.fault(error)
    }
  }

  #end(call: Call): void {
    if (call.done) return
    call.done = true
    const last = this.#open.pop()!
    if (last !== call) {
      this.#open[call.place] = last
      last.place = call.place
    }
    try {
      const { response, request } = call
      // At exit a response may have been ended but not yet written: the application did its part.
      const finished = response.writableFinished || (response.writableEnded && !response.destroyed)
      const status = response.headersSent ? response.statusCode : 0
      if (request.method === 'HEAD' || status === 204 || status === 304 || status < 200) call.responseBytes = 0
      if (!request.complete) call.requestBytes = unreadSize(request, call, finished)
      this.#sink.finished(call, status, finished)
    } catch (error) {
      this.#sink.fault(error)
    } finally {
      leaveScope(call)
      // An idle connection may keep the scope of its last call: it must not keep the whole request alive.
      call.request = call.response = undefined as never
    }
  }
}

/** The body was not read to its end: its declared size, unless the client broke it off. */
function unreadSize(request: Request, call: Call, finished: boolean): number {
  const declared = Number(request.headers['content-length'])
  return finished && declared >= call.requestBytes ? declared : call.requestBytes
}

/** The peer's address, once for each connection. */
function clientOf(socket: Peer): Buffer | undefined {
  let client = socket[CLIENT]
  if (client === undefined && socket.remoteAddress !== undefined) {
    client = encodeClient(socket.remoteAddress)
    socket[CLIENT] = client
  }
  return client
}

const Incoming = http.IncomingMessage.prototype as unknown as Methods
const Server = http.ServerResponse.prototype as unknown as Methods
/** Where `ServerResponse` has its methods from: looked up at each call, so that whoever patches there later is heard. */
const Outgoing = http.OutgoingMessage.prototype as unknown as Methods

type Method = (this: unknown, ...args: unknown[]) => unknown
type Methods = Record<'push' | 'write' | 'end' | 'flushHeaders' | 'destroy' | 'emit', Method>

/** Counts request bodies. `push` is where the parser hands a chunk over, before any decoding, read or unread. */
function patchPush(): () => void {
  const next = Incoming.push
  function push(this: Request, chunk: unknown, encoding?: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined && chunk instanceof Uint8Array) call.requestBytes += chunk.length
    return next.call(this, chunk, encoding)
  }
  return patch(Incoming, 'push', push as Method)
}

function patchResponse(answer: (call: Call) => void, close: (call: Call) => void): (() => void)[] {
  // Undefined unless somebody else has put a method there before us.
  const own = (name: keyof Methods) => (Object.hasOwn(Server, name) ? Server[name] : undefined)
  const ownWrite = own('write')
  const ownEnd = own('end')
  const ownFlush = own('flushHeaders')
  const ownDestroy = own('destroy')
  const ownEmit = own('emit')

  function write(this: Response, chunk: unknown, encoding: unknown, callback: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) {
      if (call.firstByte === 0) answer(call)
      count(call, this, chunk, encoding)
    }
    return (ownWrite ?? Outgoing.write).call(this, chunk, encoding, callback)
  }
  function end(this: Response, chunk: unknown, encoding: unknown, callback: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) {
      if (call.firstByte === 0) answer(call)
      count(call, this, chunk, encoding)
    }
    return (ownEnd ?? Outgoing.end).call(this, chunk, encoding, callback)
  }
  function flushHeaders(this: Response): unknown {
    const call = this[CALL]
    if (call !== undefined && call.firstByte === 0) answer(call)
    return (ownFlush ?? Outgoing.flushHeaders).call(this)
  }
  function destroy(this: Response, error: unknown): unknown {
    const call = this[CALL]
    // Once the connection is gone, tidying up is not the application's decision.
    if (call !== undefined && !this.socket?.destroyed && !call.done && !call.request.destroyed) call.destroyed = true
    return (ownDestroy ?? Outgoing.destroy).call(this, error)
  }
  // 'close' is seen here rather than by a listener, so that the host's listeners are as many as without the agent.
  function emit(this: Response, event: unknown): unknown {
    const next = ownEmit ?? Outgoing.emit
    // biome-ignore lint/complexity/noArguments: passed on as they are, without an array for every event
    if (event !== 'close' && event !== 'timeout') return next.apply(this, arguments as unknown as unknown[])
    const call = this[CALL]
    if (call !== undefined && event === 'timeout') call.timedOut = true
    try {
      // biome-ignore lint/complexity/noArguments: as above
      return next.apply(this, arguments as unknown as unknown[])
    } finally {
      if (call !== undefined && event === 'close') close(call)
    }
  }
  const methods = { write, end, flushHeaders, destroy, emit }
  return Object.entries(methods).map(([name, method]) => patch(Server, name as keyof Methods, method as Method))
}

function count(call: Call, response: Response, chunk: unknown, encoding: unknown): void {
  // Node refuses bytes after the end, and writes none when the connection is gone.
  if (response.writableEnded || response.destroyed) return
  if (typeof chunk === 'string') {
    const other = typeof encoding === 'string' && encoding !== 'utf8' && Buffer.isEncoding(encoding)
    call.responseBytes += other ? Buffer.byteLength(chunk, encoding) : utf8Length(chunk)
  } else if (chunk instanceof Uint8Array) call.responseBytes += chunk.length
}

/** Puts `method` on `target`. The way back does nothing when somebody else has patched over us meanwhile. */
function patch(target: Methods, name: keyof Methods, method: Method): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name)
  Object.defineProperty(method, 'length', { value: target[name].length, configurable: true })
  Object.defineProperty(target, name, { value: method, writable: true, configurable: true, enumerable: true })
  return () => {
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== method) return
    if (before === undefined) delete (target as Partial<Methods>)[name]
    else Object.defineProperty(target, name, before)
  }
}
