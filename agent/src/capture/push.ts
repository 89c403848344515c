import http from 'node:http'
import { CALL, type Call } from '../call.ts'
import type { Feature } from '../health.ts'
import type { Bodies } from './body.ts'
import type { Capture } from './calls.ts'
import { type Method, patch } from './patch.ts'

type Incoming = http.IncomingMessage & { [CALL]?: Call | null }

const Messages = http.IncomingMessage.prototype as unknown as { push: Method }

/**
 * The bodies that arrive over HTTP/1: of requests at a server, of answers at a client. `push` is where the parser hands
 * over each chunk, before any decoding, read or unread, and null at the end.
 */
export class Pushed implements Capture {
  readonly #bodies: Bodies
  readonly #feature: Feature
  #undo: (() => void) | undefined

  constructor(bodies: Bodies, feature: Feature) {
    this.#bodies = bodies
    this.#feature = feature
  }

  start(): void {
    const pushed = this
    const next = Messages.push
    function push(this: Incoming, chunk: unknown, encoding?: unknown): unknown {
      const call = this[CALL]
      if (call !== undefined && call !== null) pushed.#push(call, this, chunk)
      return next.call(this, chunk, encoding)
    }
    this.#undo = patch(Messages, 'push', push as Method)
  }

  #push(call: Call, message: Incoming, chunk: unknown): void {
    const incoming = call.kind.direction === 'in'
    try {
      if (chunk instanceof Uint8Array) {
        if (incoming) this.#bodies.request(call, chunk)
        else this.#bodies.answer(call, chunk)
      } else if (chunk === null && message.complete && !incoming) call.kind.end(call)
    } catch (error) {
      this.#feature.fault(error)
    }
  }

  stop(): void {
    this.#undo?.()
    this.#undo = undefined
  }
}
