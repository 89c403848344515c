import { createHash } from 'node:crypto'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { KeySet } from './keyset.ts'

interface Options<T> {
  /** What nearly every request ends with; nothing is kept for those but that they were there. */
  usual: T
  isUsual: (result: T) => boolean
  now?: () => number
}

/** Requests of one stretch of time. */
class Generation<T> {
  readonly since: number
  readonly stored = new KeySet(limits.resendBodies)
  /** Results that are not the usual one. */
  readonly results = new Map<string, T>()

  constructor(since: number) {
    this.since = since
  }
}

/**
 * Recognises a request that was sent before. OTLP clients repeat a request with the same bytes when its answer was lost,
 * and span ids and times make equal bodies of different requests impossible in practice. A repetition waits for, or
 * gets, the first one's result; a failed one is forgotten, so that it can be tried again.
 *
 * What was stored is remembered in two generations, the older of which goes at once: for limits.resendMs at least, or for
 * limits.resendBodies further requests.
 */
export class Resends<T> {
  readonly #usual: T
  readonly #isUsual: (result: T) => boolean
  readonly #now: () => number
  readonly #underWay = new Map<string, Promise<T>>()
  #young: Generation<T>
  #old: Generation<T>

  constructor({ usual, isUsual, now = Date.now }: Options<T>) {
    this.#usual = usual
    this.#isUsual = isUsual
    this.#now = now
    this.#young = new Generation(now())
    this.#old = new Generation(now())
  }

  /** Takes keys of requests that an earlier run stored, the oldest first. */
  remember(keys: readonly [key: string, at: number][]): void {
    for (const [key] of keys) this.#keep(key, this.#usual)
  }

  /** Runs `take` for a body that was not stored lately. */
  once(kind: string, body: Uint8Array, take: (key: string) => Promise<T>): Promise<T> {
    const digest = createHash('sha256').update(kind).update('\0').update(body).digest()
    const key = digest.toString('base64')
    const known = this.#underWay.get(key) ?? this.#result(key, digest)
    if (known !== undefined) {
      metrics.resent.inc()
      return known
    }
    const result = take(key)
    this.#underWay.set(key, result)
    result
      .then(
        (found) => this.#keep(key, found),
        () => {},
      )
      .finally(() => this.#underWay.delete(key))
    return result
  }

  #result(key: string, digest: Buffer): Promise<T> | undefined {
    for (const { stored, results } of [this.#young, this.#old]) {
      if (stored.has(digest)) return Promise.resolve(results.get(key) ?? this.#usual)
    }
    return undefined
  }

  #keep(key: string, result: T): void {
    const now = this.#now()
    if (now - this.#young.since > limits.resendMs || this.#young.stored.size >= limits.resendBodies) {
      this.#old = this.#young
      this.#young = new Generation(now)
    }
    this.#young.stored.add(Buffer.from(key, 'base64'))
    if (!this.#isUsual(result)) this.#young.results.set(key, result)
  }
}
