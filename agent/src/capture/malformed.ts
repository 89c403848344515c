import type { Socket } from 'node:net'
import { CALL, Call, type Headers, type Kind, type Request } from '../call.ts'
import type { Feature } from '../health.ts'
import type { Calls, Capture } from './calls.ts'
import type { ServerEvents } from './events.ts'
import { clientOf } from './peer.ts'
import { isWatched, type RawAnswer, type RawAnswers, type RawListener, rawHeaders } from './raw.ts'
import { Operation } from './route.ts'

/*
 * Requests that Node refuses before the application sees them: not HTTP, too long a header, too slow. Node tells of them
 * by `clientError` and writes 400, 408, 413 or 431 onto the socket, unless a listener of the application answers. They
 * share one operation, so that a flood of garbage makes many calls but nothing new.
 */

/** The parser's codes, and the one of a request that did not arrive in time. Errors of the connection or of TLS are no requests. */
const CODES = /^(?:HPE_|ERR_HTTP_REQUEST_TIMEOUT$)/
const TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT'
/** The client closed its side in the middle of a request. */
const CUT_OFF = 'HPE_INVALID_EOF_STATE'

const NO_HEADERS: Headers = Object.freeze({})

const REFUSED = Symbol('callsight.refused')

interface Refused {
  code?: unknown
}
/** Node's own parser, which knows the request that it is in the middle of. */
type Parsed = Socket & { [REFUSED]?: true; parser?: { incoming?: Request | null } | null }

export class MalformedCapture implements Capture, RawListener {
  readonly #calls: Calls
  readonly #events: ServerEvents
  readonly #feature: Feature
  readonly #answers: RawAnswers
  readonly #kind: Kind = {
    direction: 'in',
    operation: new Operation('_OTHER', undefined, '(malformed)', 'framework'),
    answerHeaders: rawHeaders,
    answerHeader: (call, name) => rawHeaders(call)[name],
    end: (call) => this.#end(call),
  }
  /** Of requests that had begun: their own capture ends them. */
  readonly #underWay: RawListener = {
    answered: ({ call, status }) => {
      call.status = status
      return true
    },
    over: () => {},
  }

  constructor(calls: Calls, events: ServerEvents, answers: RawAnswers, feature: Feature) {
    this.#calls = calls
    this.#events = events
    this.#feature = feature
    this.#answers = answers
  }

  start(): void {
    this.#events.on('clientError', this.#feature, (args) => this.#refused(args[1] as Refused, args[2] as Parsed))
  }

  stop(): void {
    this.#events.off(this.#feature)
    this.#answers.stop()
  }

  answered({ call, status }: RawAnswer): boolean {
    call.status = status
    return false
  }

  over({ call }: RawAnswer): void {
    this.#end(call)
  }

  #refused(error: Refused | undefined, socket: Parsed): void {
    const code = error?.code
    if (typeof code !== 'string' || !CODES.test(code) || isWatched(socket)) return
    const request = socket.parser?.incoming
    if (request !== undefined && request !== null && !request.complete) {
      const call = request[CALL]
      if (call === undefined || call.done) return
      call.errorCode ??= code
      if (code !== CUT_OFF) this.#answers.watch(call, socket, this.#feature, this.#underWay)
      return
    }
    // Somebody connected and never said a word.
    if (code === TIMEOUT && socket.bytesRead === 0) return
    // What the parser makes of the rest of a connection that it gave up is the same request.
    if (socket[REFUSED] === true) return
    socket[REFUSED] = true
    const call = new Call(this.#kind, performance.now(), '_OTHER', '', NO_HEADERS)
    call.errorCode = code
    call.peer = clientOf(socket, socket)
    this.#calls.begin(call)
    this.#answers.watch(call, socket, this.#feature, this)
  }

  #end(call: Call): void {
    this.#calls.end(call, call.status >= 500 ? 'server_error' : 'client_error')
  }
}
