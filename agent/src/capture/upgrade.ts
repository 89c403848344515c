import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { CALL, Call, type Kind, outcomeOf, type Request } from '../call.ts'
import { enterScope } from '../context.ts'
import type { Feature } from '../health.ts'
import { parseTraceParent } from '../traceparent.ts'
import type { Calls, Capture } from './calls.ts'
import type { ServerEvents } from './events.ts'
import { clientOf, hasLeft } from './peer.ts'
import { type RawAnswer, type RawAnswers, type RawEnd, type RawListener, rawHeaders } from './raw.ts'
import { Operation } from './route.ts'

/*
 * Requests that ask for the connection itself: `Upgrade` (the handshake of a WebSocket) and `CONNECT`. Node makes no
 * response for them and no channel tells of them; the application answers by hand on the socket. The call is the
 * handshake: it ends when that is answered. What goes over the connection afterwards is not part of it; whoever wants
 * that begins where `answered` says that a tunnel is open.
 *
 * An `Upgrade` that nobody listens for is an ordinary request. A `CONNECT` that nobody listens for is cut off by Node
 * before anything of ours, or of the application, hears of it.
 */

export const CONNECT = new Operation('CONNECT', undefined, 'CONNECT', 'framework')

export class UpgradeCapture implements Capture, RawListener {
  readonly #calls: Calls
  readonly #events: ServerEvents
  readonly #feature: Feature
  readonly #answers: RawAnswers
  readonly #handshake = this.#kind()
  /** The target of a CONNECT is an address of the network: no path, and as many as there are hosts. */
  readonly #tunnel = this.#kind(CONNECT)

  constructor(calls: Calls, events: ServerEvents, answers: RawAnswers, feature: Feature) {
    this.#calls = calls
    this.#events = events
    this.#feature = feature
    this.#answers = answers
  }

  start(): void {
    this.#events.on('upgrade', this.#feature, (args) => this.#begin(args[1] as Request, args[2] as Duplex))
    this.#events.on('connect', this.#feature, (args) => this.#begin(args[1] as Request, args[2] as Duplex))
  }

  stop(): void {
    this.#events.off(this.#feature)
    this.#answers.stop()
  }

  answered({ call, status }: RawAnswer): boolean {
    const open = status === 101 || (call.kind === this.#tunnel && status >= 200 && status < 300)
    if (open) this.#end(call, status, true)
    return open
  }

  over({ call, status, socket }: RawAnswer, how: RawEnd, error: unknown): void {
    call.destroyed = how === 'end' || !hasLeft(socket, error)
    this.#end(call, status, status > 0)
  }

  #begin(request: Request, socket: Duplex): void {
    // One server may pass it on to another; HTTP/2 has its own CONNECT.
    if (request[CALL] !== undefined || request.httpVersionMajor !== 1) return
    const { method = 'GET', url = '/', headers } = request
    const kind = method === 'CONNECT' ? this.#tunnel : this.#handshake
    const call = new Call(kind, performance.now(), method, url, headers)
    call.request = request
    request[CALL] = call
    if (kind === this.#tunnel) call.attributes = authorityOf(url)
    if (headers.traceparent !== undefined) call.parent = parseTraceParent(headers.traceparent as string)
    call.peer = clientOf(socket, socket as Socket)
    this.#calls.begin(call)
    enterScope(call)
    this.#answers.watch(call, socket, this.#feature, this)
  }

  #end(call: Call, status: number, finished: boolean): void {
    call.status = status
    this.#calls.end(call, outcomeOf(call, finished))
  }

  #kind(operation?: Operation): Kind {
    return {
      direction: 'in',
      operation,
      answerHeaders: rawHeaders,
      answerHeader: (call, name) => rawHeaders(call)[name],
      end: (call) => {
        // Whoever leaves without an answer owes it.
        call.destroyed = true
        this.#end(call, call.status, false)
      },
    }
  }
}

/** The address that a CONNECT wants to get at: `host:port`. */
export function authorityOf(url: string): Map<string, string | number> {
  const [, host, port] = /^(.+?)(?::(\d{1,5}))?$/.exec(url) ?? []
  const found = new Map<string, string | number>()
  if (host !== undefined) found.set('server.address', host.slice(0, 255))
  if (port !== undefined) found.set('server.port', Number(port))
  return found
}
