import { Cache } from '../cache.ts'
import { type Call, pathOf } from '../call.ts'
import { scopes } from '../context.ts'
import { spanAbove } from '../foreign.ts'
import { idsOf } from '../ids.ts'
import { UPSTREAM_OPERATIONS, UPSTREAM_PEERS, UPSTREAM_TEXT } from '../limits.ts'
import { isOwnRequest } from '../own.ts'
import { encodeServer } from '../ship/record.ts'
import { parseTraceParent } from '../traceparent.ts'
import { guessTemplate } from './guess.ts'
import { isIntakeHost, isIntakeRequest } from './intake.ts'
import { Operation } from './route.ts'

/*
 * What outgoing calls have in common, whichever client makes them: the server they go to, the name of what they ask
 * for, and the call or span on whose behalf they are made.
 */

/** A server, with its address as it is written into every record. Undefined: an intake, which is not recorded. */
type Peer = Buffer | undefined

export class Upstreams {
  readonly #peers = new Cache<string, { address: Peer }>(UPSTREAM_PEERS)
  readonly #operations = new Map<string, Map<string, Operation>>()
  #known = 0

  /**
   * The address of the server, if requests to it are calls of the application at all.
   *
   * @param origin `http://host:port`, or `unix:` and the path of a socket
   */
  peerOf(origin: string, path: string, userAgent: unknown): Peer {
    if (isOwnRequest()) return undefined
    let peer = this.#peers.get(origin)
    if (peer === undefined) {
      peer = { address: addressOf(origin) }
      this.#peers.set(origin, peer)
    }
    return peer.address === undefined || isIntakeRequest(path, userAgent) ? undefined : peer.address
  }

  /** Nobody registers the routes of somebody else's server: all of these are guesses. */
  operationOf({ method, url }: Call): Operation {
    let operations = this.#operations.get(method)
    if (operations === undefined) {
      operations = new Map()
      this.#operations.set(method, operations)
    }
    // The target of CONNECT is an authority, not a path.
    let template = method === 'CONNECT' ? '' : guessTemplate(pathOf(url))
    let operation = operations.get(template)
    if (operation !== undefined) return operation
    if (this.#known >= UPSTREAM_OPERATIONS) template = '_OTHER'
    else this.#known += 1
    operation = operations.get(template)
    if (operation === undefined) {
      operation = new Operation(method, undefined, `${method} ${template}`.trimEnd(), 'guess')
      operations.set(template, operation)
    }
    return operation
  }
}

function addressOf(origin: string): Peer {
  if (origin.startsWith('unix:')) return encodeServer(origin.slice(5, 5 + UPSTREAM_TEXT), undefined)
  let url: URL
  try {
    url = new URL(origin)
  } catch {
    return encodeServer(origin.slice(origin.indexOf('://') + 3).slice(0, UPSTREAM_TEXT), undefined)
  }
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  if (isIntakeHost(url.hostname, port)) return undefined
  return encodeServer(url.hostname.replace(/^\[|\]$/g, '').slice(0, UPSTREAM_TEXT), port)
}

/**
 * Whose part an outgoing call is, to be asked in the context that makes it: of the active span, else of the incoming
 * call.
 *
 * @param header `traceparent` as far as it is set already: it names the trace, where another tracer leads
 */
export function linkCall(call: Call, header: unknown): void {
  const within = scopes.getStore()?.call
  call.within = within
  call.parent = spanAbove()
  if (call.parent !== undefined || within === undefined) return
  // Written already: its ids are known only if somebody has asked before.
  if (within.done && within.span === undefined) return
  const told = typeof header === 'string' ? parseTraceParent(header) : undefined
  call.parent = { ...idsOf(within, told?.traceId), sampled: false }
}

/**
 * Takes the ids under which the other side knows the call, from the header that was sent. Not where the application
 * has only passed on what it got: those are somebody else's.
 */
export function identifyCall(call: Call): void {
  const header = call.headers.traceparent
  const told = typeof header === 'string' ? parseTraceParent(header) : undefined
  if (told === undefined) return
  const { within, parent } = call
  if (told.spanId === within?.parent?.spanId || told.spanId === within?.span?.spanId) return
  call.span = told
  if (parent !== undefined && (parent.spanId === told.spanId || parent.traceId !== told.traceId))
    call.parent = undefined
}
