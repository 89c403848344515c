import http from 'node:http'
import { CALL, type Call } from '../call.ts'
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
  #undo: (() => void) | undefined

  constructor(bodies: Bodies) {
    this.#bodies = bodies
  }

  start(): void {
    const bodies = this.#bodies
    const next = Messages.push
    function push(this: Incoming, chunk: unknown, encoding?: unknown): unknown {
      const call = this[CALL]
      if (call === undefined || call === null) return next.call(this, chunk, encoding)
      if (chunk instanceof Uint8Array) {
        if (call.kind.direction === 'in') {
          call.requestBytes += chunk.length
          if (call.requestBody !== null) bodies.request(call, chunk)
        } else {
          call.responseBytes += chunk.length
          if (call.responseBody !== null) bodies.answer(call, chunk)
        }
      } else if (chunk === null && this.complete && call.kind.direction === 'out') call.kind.end(call)
      return next.call(this, chunk, encoding)
    }
    this.#undo = patch(Messages, 'push', push as Method)
  }

  stop(): void {
    this.#undo?.()
    this.#undo = undefined
  }
}
