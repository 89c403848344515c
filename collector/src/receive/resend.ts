import { createHash } from 'node:crypto'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'

/**
 * Recognises a request that was sent before. OTLP clients repeat a request with the same bytes when its answer was lost,
 * and span ids and times make equal bodies of different requests impossible in practice. A repetition waits for, or
 * gets, the first one's result; a failed one is forgotten, so that it can be tried again.
 */
export class Resends<T> {
  readonly #results = new Map<string, { at: number; result: Promise<T> }>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Takes keys of requests that an earlier run stored, the oldest first. */
  remember(keys: readonly [key: string, at: number][], result: T): void {
    for (const [key, at] of keys) this.#results.set(key, { at, result: Promise.resolve(result) })
  }

  /** Runs `take` for a body not seen in the last limits.resendMs. */
  once(kind: string, body: Uint8Array, take: (key: string) => Promise<T>): Promise<T> {
    const key = createHash('sha256').update(kind).update('\0').update(body).digest('base64')
    this.#forget()
    const known = this.#results.get(key)
    if (known !== undefined) {
      metrics.resent.inc()
      return known.result
    }
    const result = take(key)
    this.#results.set(key, { at: this.#now(), result })
    result.catch(() => this.#results.delete(key))
    return result
  }

  #forget(): void {
    const oldest = this.#now() - limits.resendMs
    for (const [key, { at }] of this.#results) {
      if (at > oldest && this.#results.size < limits.resendBodies) break
      this.#results.delete(key)
    }
  }
}
