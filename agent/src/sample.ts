import type { Call, Outcome } from './call.ts'
import type { Operation } from './capture/route.ts'
import type { Capture } from './config.ts'
import { DETAIL_BURST, DETAIL_RATE } from './limits.ts'

/** Why a call keeps its headers and bodies. */
export type Reason = 'failed' | 'slow' | 'new' | 'sampled'

/**
 * Which calls keep their detail, judged when they end and everything is known: every failed and every slow one, the
 * first of each operation, and a share of the rest under a rate limit. A 404 that no operation claims counts as
 * ordinary, or a scan would fill the store.
 */
export class Sampler {
  readonly #capture: Capture
  readonly #share: number
  /** Microseconds. */
  readonly #slow: number
  readonly #known = new WeakSet<Operation>()
  #tokens = DETAIL_BURST
  #filled = 0

  /** @param slow milliseconds from which a call is slow */
  constructor(capture: Capture, share: number, slow: number) {
    this.#capture = capture
    this.#share = share
    this.#slow = slow * 1000
  }

  /** @param duration microseconds @param now `performance.now()` */
  judge(call: Call, operation: Operation, outcome: Outcome, duration: number, now: number): Reason | undefined {
    if (this.#capture === 'none') return undefined
    if (outcome !== 'ok' && (call.status !== 404 || operation.route !== undefined)) return 'failed'
    if (duration >= this.#slow) return 'slow'
    if (this.#capture === 'failed') return undefined
    if (this.#capture === 'all') return 'sampled'
    if (!this.#known.has(operation)) {
      this.#known.add(operation)
      return 'new'
    }
    return Math.random() < this.#share && this.#take(now) ? 'sampled' : undefined
  }

  /** A bucket of tokens that fills at DETAIL_RATE per second. */
  #take(now: number): boolean {
    this.#tokens = Math.min(DETAIL_BURST, this.#tokens + ((now - this.#filled) / 1000) * DETAIL_RATE)
    this.#filled = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
