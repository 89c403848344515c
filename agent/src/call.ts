import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Body } from './capture/body.ts'
import type { Operation } from './capture/route.ts'
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

/** Where a consumer's name comes from, the most trustworthy first. */
export type ConsumerSource = 'application' | 'host' | 'gateway' | 'mtls' | 'api_key' | 'jwt'

/** What is known of an incoming connection, found out once. */
export interface Connection {
  /** The peer may speak for others: a proxy or gateway of one's own. */
  readonly trusted: boolean
  /** The peer's address as it is sent, encoded. */
  readonly address: Buffer | undefined
  /** Whom the client's verified certificate names. */
  readonly certificate: string | undefined
}

/** Header fields by name in lower case, as Node has them. */
export type Headers = Readonly<Record<string, string | string[] | number | undefined>>

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

/** What is the same for all calls that were captured in one way; each way has one such object. */
export interface Kind {
  /** `in`: somebody called us; `out`: we called somebody. */
  readonly direction: 'in' | 'out'
  /** The one operation of all these calls, where there is nothing to tell them apart by. */
  readonly operation?: Operation | undefined
  /** The header fields of the answer; only asked for when the call keeps its detail, before `request` is let go. */
  answerHeaders(call: Call): Headers
  /** One of them, by its name in lower case; asked for when the first byte of the answer's body is seen. */
  answerHeader(call: Call, name: string): unknown
  /**
   * The same of an outgoing call as its client has them, without making anything: name, value, name, value ... as text or
   * bytes, or an object by name. Undefined without an answer.
   */
  answerFields?(call: Call): unknown
  /** Ends the call as it stands: the process is about to leave it behind. */
  end(call: Call): void
}

/** One API call while it lasts: what all parts share. Times are milliseconds of `performance.now()`. */
export class Call {
  readonly kind: Kind
  readonly start: number
  readonly method: string
  /** Path and query as they were sent, whatever a framework makes of them. */
  readonly url: string
  /** Of an outgoing call only once its header is about to be sent. */
  headers: Headers
  /** The host's own objects, where frameworks and applications leave their facts; gone once the call is recorded. */
  request: Request | undefined
  response: Response | undefined
  /** Of the answer; 0 until there is one. */
  status = 0
  /** 0 until the first byte of the answer. */
  firstByte = 0
  requestBytes = 0
  responseBytes = 0
  /** The bodies as far as they are kept; undefined: nothing came yet; null: not kept. */
  requestBody: Body | null | undefined = undefined
  responseBody: Body | null | undefined = undefined
  /** A body was not kept because too many were held. */
  bodyLost = false
  /** The socket stayed silent longer than the server's timeout. */
  timedOut = false
  /** The process itself broke the call off, or never gave an answer; the other side was still there. */
  destroyed = false
  /** Recorded; whatever comes later is too late. */
  done = false
  traced = false
  /** It is not to be recorded. */
  ignored = false
  /** Its index among the open calls. */
  place = 0
  /** What the event loop had been late by when the call began, milliseconds. */
  lateness = 0
  span: SpanIds | undefined = undefined
  parent: TraceParent | undefined = undefined
  consumer: Consumer | undefined = undefined
  attributes: Map<string, string | number | boolean> | undefined = undefined
  /** A short word for what went wrong, beside the outcome. */
  errorCode: string | undefined = undefined
  /** How to ask the framework that has seen this call for its route, and what to ask; see `capture/route.ts`. */
  finder: ((context: unknown) => string) | undefined = undefined
  context: unknown = undefined
  /** What travels with the call's asynchronous flow, when anything needs it. */
  scope: Scope | undefined = undefined
  /** The address of the other side, already encoded: the client's of an incoming call, the server's of an outgoing one. */
  peer: Buffer | undefined = undefined
  /** Of an incoming call; undefined where nothing is asked of its connection. */
  connection: Connection | undefined = undefined
  /** What an outgoing call was sent as and what came back, objects of its way of capture; gone once it is recorded. */
  sent: object | undefined = undefined
  received: object | undefined = undefined
  /** The incoming call on whose behalf an outgoing one is made, where that is known. */
  within: Call | undefined = undefined
  /** When the last byte came, where the call ends only later: an answer that nobody reads. 0: it ends when it ends. */
  lastByte = 0

  outcome: Outcome = 'ok'
  /** When it ended, and how long the event loop was late meanwhile. */
  ended = 0
  loopWait = 0

  constructor(kind: Kind, start: number, method: string, url: string, headers: Headers) {
    this.kind = kind
    this.start = start
    this.method = method
    this.url = url
    this.headers = headers
    this.request = undefined
    this.response = undefined
  }

  /**
   * It is recorded, and lets go of all that belongs to the host: an idle connection may keep the scope of its last call,
   * which must not keep the whole request alive.
   */
  letGo(): void {
    this.requestBody?.release()
    this.responseBody?.release()
    this.requestBody = this.responseBody = undefined
    this.request = this.response = this.context = this.finder = undefined
    this.sent = this.received = this.within = undefined
  }
}

/** Names of outcomes in the order of their number, see `outcomeOf`. */
export const OUTCOMES: readonly Outcome[] = ['ok', 'client_error', 'server_error', 'timeout', 'aborted']

/**
 * How an incoming call ended. `finished`: the whole answer was handed to the operating system.
 * - `timeout`: the server ran out of time (socket timeout, or status 504). 408 is the client's slowness: client_error.
 * - `server_error`: also an answer that the application itself broke off.
 * - `aborted`: the caller went away before the answer was complete.
 */
export function outcomeOf(call: Call, finished: boolean): Outcome {
  const { status } = call
  if (status === 504 || (call.timedOut && (!finished || status >= 500))) return 'timeout'
  if (!finished) return call.destroyed ? 'server_error' : 'aborted'
  return status < 400 ? 'ok' : status < 500 ? 'client_error' : 'server_error'
}

/** The path as it was sent, without the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  if (path.startsWith('/') || path === '*' || path === '') return path || '/'
  // Absolute form, as proxies send it: http://host/path
  const start = path.indexOf('/', path.indexOf('://') + 3)
  return start < 0 ? '/' : path.slice(start)
}

/** The query as it was sent, without the question mark; empty where there is none. */
export function queryOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? '' : url.slice(query + 1)
}
