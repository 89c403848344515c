import { WORK_SAMPLE } from './limits.ts'

/**
 * The time that the agent spends on the host's thread. Recording is measured; of what is done as calls begin, one piece in
 * WORK_SAMPLE is timed and stands for all.
 */
export class Work {
  /** Since the start. */
  micros = 0
  #countdown = WORK_SAMPLE
  #begun = 0

  /** @param now `performance.now()`. Returns whether this piece is timed; then `end` is to be called after it. */
  begin(now: number): boolean {
    this.#countdown -= 1
    if (this.#countdown > 0) return false
    this.#countdown = WORK_SAMPLE
    this.#begun = now
    return true
  }

  /** Time that was measured, milliseconds. */
  add(time: number): void {
    this.micros += time * 1000
  }

  end(): void {
    this.micros += (performance.now() - this.#begun) * 1000 * WORK_SAMPLE
  }
}
