import { FAULT_WINDOW, FAULTS } from './limits.ts'
import type { Log } from './log.ts'

/**
 * The faults of the agent itself. Each feature contains its own: a fault is counted, the first is said, and a feature
 * that keeps failing is taken out of the host's way, it alone.
 */
export class Health {
  /** Faults so far, and the features that are switched off. */
  readonly faults = new Map<string, number>()
  readonly disabled = new Set<string>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** @param stop takes the feature out of the process; called once, when it has failed too often */
  feature(name: string, stop: () => void): Feature {
    return new Feature(name, this, this.#log, stop)
  }
}

export class Feature {
  readonly name: string
  readonly #health: Health
  readonly #log: Log
  readonly #stop: () => void
  #recent = 0
  #since = 0
  off = false

  constructor(name: string, health: Health, log: Log, stop: () => void) {
    this.name = name
    this.#health = health
    this.#log = log
    this.#stop = stop
  }

  /** Runs something that must not reach the host with an exception. */
  contain<T>(run: () => T): T | undefined {
    try {
      return run()
    } catch (error) {
      this.fault(error)
      return undefined
    }
  }

  fault(error: unknown): void {
    const { faults, disabled } = this.#health
    faults.set(this.name, (faults.get(this.name) ?? 0) + 1)
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#log.once('error', `fault ${this.name}`, `fault in ${this.name}, the application is not affected: ${text}`)
    const now = performance.now()
    if (now - this.#since > FAULT_WINDOW) {
      this.#since = now
      this.#recent = 0
    }
    this.#recent += 1
    if (this.#recent < FAULTS || this.off) return
    this.off = true
    disabled.add(this.name)
    this.#log.say('error', `${FAULTS} faults in ${this.name} within a minute: it is switched off in this process`)
    try {
      this.#stop()
    } catch {
      // Whatever is left of it stays; it has been counted.
    }
  }
}
