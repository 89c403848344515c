import type { Feature } from './health.ts'
import { LOOP_PROBE } from './limits.ts'

/**
 * How late the event loop has been, all in all: what calls had to wait for although they were ready. A timer that should
 * ring every LOOP_PROBE milliseconds adds up by how much it was late. It runs only while calls are under way, and
 * never keeps the process alive.
 */
export class Loop {
  readonly #busy: () => boolean
  readonly #feature: Feature
  #late = 0
  /** When the timer should ring next; 0 while it is not set. */
  #due = 0
  #timer: NodeJS.Timeout | undefined

  /** @param busy whether there is any call to measure for */
  constructor(busy: () => boolean, feature: Feature) {
    this.#busy = busy
    this.#feature = feature
  }

  /** Milliseconds of lateness until `now`, since the agent began. The difference of two readings is what lay between. */
  late(now: number): number {
    return this.#due !== 0 && now > this.#due ? this.#late + now - this.#due : this.#late
  }

  /** A call begins. */
  watch(now: number): void {
    if (this.#due !== 0 || this.#feature.off) return
    this.#due = now + LOOP_PROBE
    if (this.#timer === undefined) this.#timer = setTimeout(this.#ring, LOOP_PROBE).unref()
    else this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  readonly #ring = (): void => {
    const now = performance.now()
    // Timers are allowed a millisecond of rounding.
    if (now > this.#due + 1) this.#late += now - this.#due
    this.#due = 0
    try {
      if (this.#busy()) this.watch(now)
    } catch (error) {
      this.#feature.fault(error)
    }
  }
}
