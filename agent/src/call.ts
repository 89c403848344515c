import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Scope } from './context.ts'
import type { TraceParent } from './traceparent.ts'

export type Outcome = 'ok' | 'client_error' | 'server_error' | 'timeout' | 'aborted'

/** Who called, as the application says. */
export interface Consumer {
  id: string
  name?: string
  plan?: string
  group?: string
}

/** Where the call's state hangs on Node's request and response: one property read where there is none. */
export const CALL = Symbol('callsight.call')

export interface Request extends IncomingMessage {
  [CALL]?: Call
}
export interface Response extends ServerResponse {
  [CALL]?: Call
}

/** The ids of the span that stands for this call in a trace. */
export interface SpanIds {
  traceId: string
  spanId: string
}

/** One API call while it lasts: what all parts share. Times are milliseconds of `performance.now()`. */
export class Call {
  request: Request
  response: Response
  readonly start: number
  /** 0 until the first byte of the answer. */
  firstByte = 0
  requestBytes = 0
  responseBytes = 0
  /** The socket stayed silent longer than the server's timeout. */
  timedOut = false
  /** The application itself tore the response down, the client was still there. */
  destroyed = false
  /** Recorded; whatever comes later is too late. */
  done = false
  traced = false
  /** Its index among the open calls. */
  place = 0
  span: SpanIds | undefined = undefined
  parent: TraceParent | undefined = undefined
  consumer: Consumer | undefined = undefined
  attributes: Map<string, string | number | boolean> | undefined = undefined
  /** How to ask the framework that has seen this call for its route, and what to ask; see `capture/route.ts`. */
  finder: ((context: unknown) => string) | undefined = undefined
  context: unknown = undefined
  /** What travels with the call's asynchronous flow, when anything needs it. */
  scope: Scope | undefined = undefined
  /** The client's address, already encoded. */
  client: Buffer | undefined = undefined

  constructor(request: Request, response: Response, start: number) {
    this.request = request
    this.response = response
    this.start = start
  }
}

/** Names of outcomes in the order of their number, see `outcomeOf`. */
export const OUTCOMES: readonly Outcome[] = ['ok', 'client_error', 'server_error', 'timeout', 'aborted']

/**
 * How a call ended. `finished`: the whole answer was handed to the operating system.
 * - `timeout`: the server ran out of time (socket timeout, or status 504). 408 is the client's slowness: client_error.
 * - `server_error`: also an answer that the application itself broke off.
 * - `aborted`: the caller went away before the answer was complete.
 */
export function outcomeOf(call: Call, status: number, finished: boolean): Outcome {
  if (status === 504 || (call.timedOut && (!finished || status >= 500))) return 'timeout'
  if (!finished) return call.destroyed ? 'server_error' : 'aborted'
  return status < 400 ? 'ok' : status < 500 ? 'client_error' : 'server_error'
}
