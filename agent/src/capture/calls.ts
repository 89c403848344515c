import { CALL, type Call, type Outcome } from '../call.ts'
import { leaveScope } from '../context.ts'
import type { Feature } from '../health.ts'

/** One way of capture: a part of Node's HTTP that calls come or go through. */
export interface Capture {
  /** Patches and subscribes; opens nothing, starts no timer. */
  start(): void
  /** Takes everything back. */
  stop(): void
}

/** What calls are handed to. */
export interface Sink {
  /** A call begins; nothing of the application has run yet. */
  began(call: Call): void
  finished(call: Call): void
}

/**
 * The calls under way, of all ways of capture. A capture makes a `Call`, begins it here, fills it in, and ends it here
 * exactly once; a second end does nothing.
 */
export class Calls {
  readonly #sink: Sink
  readonly #feature: Feature
  /** Each call knows its place, so that leaving costs no search. */
  readonly #open: Call[] = []

  /** @param feature what is switched off when the sink keeps failing */
  constructor(sink: Sink, feature: Feature) {
    this.#sink = sink
    this.#feature = feature
  }

  get size(): number {
    return this.#open.length
  }

  begin(call: Call): void {
    call.place = this.#open.push(call) - 1
    this.#sink.began(call)
  }

  /** `call.status`, sizes and times are filled in. Never throws. */
  end(call: Call, outcome: Outcome): void {
    if (call.done) return
    call.done = true
    const last = this.#open.pop()!
    if (last !== call) {
      this.#open[call.place] = last
      last.place = call.place
    }
    call.outcome = outcome
    try {
      this.#sink.finished(call)
    } catch (error) {
      this.#feature.fault(error)
      call.letGo()
    } finally {
      leaveScope(call)
    }
  }

  /** The process is about to leave these behind. */
  endAll(): void {
    for (const call of [...this.#open]) this.#feature.contain(() => call.kind.end(call))
  }
}

/** The call that hangs on one of Node's objects. */
export function callOf(target: object): Call | undefined {
  return (target as { [CALL]?: Call })[CALL]
}

/**
 * The call of a request as the application knows it: Node's own, or the object of a framework that keeps Node's in
 * `raw` (Fastify), `req` (Koa), `raw.req` (Hapi) or `env.incoming` (Hono).
 */
export function callOfRequest(request: unknown): Call | undefined {
  if (typeof request !== 'object' || request === null) return undefined
  const { raw, req, env } = request as { raw?: { req?: object }; req?: object; env?: { incoming?: object } }
  for (const own of [request, raw, raw?.req, req, env?.incoming]) {
    const call = typeof own === 'object' && own !== null ? callOf(own) : undefined
    if (call !== undefined) return call
  }
  return undefined
}
