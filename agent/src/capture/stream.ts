import type { ServerHttp2Stream } from 'node:http2'
import { CALL, type Call } from '../call.ts'
import { scopes } from '../context.ts'
import type { Feature } from '../health.ts'
import { type Method, patch } from './patch.ts'

/*
 * What happens to a stream of HTTP/2, told by the methods of its class.
 */

/** Set on streams that were answered with a file. */
export const FILE = Symbol('callsight.file')

export type Stream = ServerHttp2Stream & { [CALL]?: Call; [FILE]?: true }

export interface StreamListener {
  readonly feature: Feature
  /** A part of the request's body came in. */
  read(stream: Stream, call: Call, chunk: Uint8Array): void
  /** The header of the answer, or its first part, goes on to Node in a moment. */
  answered(stream: Stream, call: Call): void
  /** A part of the answer's body goes on to Node in a moment. */
  wrote(stream: Stream, call: Call, chunk: unknown, encoding: unknown): void
  /** The stream is about to be closed or destroyed, `cause` being the error. */
  torn(stream: Stream, call: Call, cause?: unknown): void
  /** It has emitted 'close'. */
  closed(stream: Stream, call: Call): void
}

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

/** Patches a class of streams; costs one property read where there is no call. Returns the way back. */
export function patchStreams(target: object, listener: StreamListener): (() => void)[] {
  const known = target as Methods
  const methods = { ...bodyMethods(known, listener), ...answerMethods(known, listener), ...endMethods(known, listener) }
  return Object.entries(methods).map(([name, method]) => patch(known, name as keyof Methods, method))
}

/** A fault of ours must not become one of the stream's. */
function told(
  listener: StreamListener,
  what: 'read' | 'answered' | 'wrote' | 'torn' | 'closed',
  stream: Stream,
  call: Call,
  first?: unknown,
  second?: unknown,
): void {
  try {
    listener[what](stream, call, first as Uint8Array, second)
  } catch (error) {
    listener.feature.fault(error)
  }
}

function bodyMethods(target: Methods, listener: StreamListener): Partial<Methods> {
  const { own, parent } = layersOf(target)
  function push(this: Stream, chunk: unknown, encoding: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined && chunk instanceof Uint8Array) told(listener, 'read', this, call, chunk)
    return (own.push ?? parent.push).call(this, chunk, encoding)
  }
  function write(this: Stream, chunk: unknown, encoding: unknown, callback: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) told(listener, 'wrote', this, call, chunk, encoding)
    return (own.write ?? parent.write).call(this, chunk, encoding, callback)
  }
  function end(this: Stream, chunk: unknown, encoding: unknown, callback: unknown): unknown {
    const call = this[CALL]
    // Node itself ends streams without a word: that is no answer.
    if (call !== undefined && chunk !== undefined && chunk !== null)
      told(listener, 'wrote', this, call, chunk, encoding)
    return (own.end ?? parent.end).call(this, chunk, encoding, callback)
  }
  return { push, write, end } as Partial<Methods>
}

function answerMethods(target: Methods, listener: StreamListener): Partial<Methods> {
  const { own, parent } = layersOf(target)
  function respond(this: Stream, headers: unknown, options: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) told(listener, 'answered', this, call)
    return (own.respond ?? parent.respond).call(this, headers, options)
  }
  function respondWithFile(this: Stream, path: unknown, headers: unknown, options: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) {
      this[FILE] = true
      told(listener, 'answered', this, call)
    }
    return (own.respondWithFile ?? parent.respondWithFile).call(this, path, headers, options)
  }
  function respondWithFD(this: Stream, file: unknown, headers: unknown, options: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) {
      this[FILE] = true
      told(listener, 'answered', this, call)
    }
    return (own.respondWithFD ?? parent.respondWithFD).call(this, file, headers, options)
  }
  return { respond, respondWithFile, respondWithFD } as Partial<Methods>
}

function endMethods(target: Methods, listener: StreamListener): Partial<Methods> {
  const { own, parent } = layersOf(target)
  function close(this: Stream, code: unknown, callback: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) told(listener, 'torn', this, call)
    return (own.close ?? parent.close).call(this, code, callback)
  }
  function destroy(this: Stream, error: unknown, callback: unknown): unknown {
    const call = this[CALL]
    if (call !== undefined) told(listener, 'torn', this, call, error)
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
      if (event === 'close') told(listener, 'closed', this, call)
    }
  }
  return { close, destroy, _destroy, emit } as Partial<Methods>
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

/** DATA bytes that went out, as Node's handle of the stream counts them; undefined where it cannot be found. */
function sentOf(stream: Stream): number | undefined {
  for (const key of Object.getOwnPropertySymbols(stream)) {
    if (key.description !== 'kHandle') continue
    const handle = (stream as unknown as Record<symbol, { bytesWritten?: unknown } | undefined>)[key]
    return typeof handle?.bytesWritten === 'number' ? handle.bytesWritten : undefined
  }
  return undefined
}
