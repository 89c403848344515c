import { isMainThread } from 'node:worker_threads'
import type { Account } from './account.ts'
import { EXIT_TIME } from './limits.ts'
import type { Log } from './log.ts'
import { type Delivery, METRICS } from './ship/delivery.ts'
import { sendNow } from './ship/lastsend.ts'
import type { Sender } from './ship/send.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * The last calls of a process, by the way it ends:
 * - it has nothing left to do (`beforeExit`): an ordinary flush; only that holds the process, at most EXIT_TIME;
 * - SIGTERM, SIGINT that nobody else handles: a flush, then the same signal again, so that it dies as it would have;
 *   a second signal does not wait. Where the application has a handler, that decides how the process ends;
 * - `process.exit()` and uncaught exceptions (`exit`): no event loop any more, hence a synchronous send from a worker.
 */
export class LastWords {
  readonly #delivery: Delivery
  readonly #sender: Sender
  readonly #account: Account
  readonly #log: Log
  readonly #encodeReport: () => Buffer
  readonly #endCalls: () => void
  #installed = false
  #dying = false
  #tried = false

  constructor(
    delivery: Delivery,
    sender: Sender,
    account: Account,
    log: Log,
    encodeReport: () => Buffer,
    endCalls: () => void,
  ) {
    this.#delivery = delivery
    this.#sender = sender
    this.#account = account
    this.#log = log
    this.#encodeReport = encodeReport
    this.#endCalls = endCalls
  }

  /** Called at every call; only the first installs. */
  install(): void {
    if (this.#installed) return
    this.#installed = true
    process.on('beforeExit', this.#onBeforeExit)
    process.on('exit', this.#onExit)
    if (!isMainThread) return
    // First in line, so that a `once` handler of the application is still counted when we ask whether there is one.
    for (const signal of SIGNALS) process.prependListener(signal, this.#onSignal)
  }

  uninstall(): void {
    if (!this.#installed) return
    this.#installed = false
    process.removeListener('beforeExit', this.#onBeforeExit)
    process.removeListener('exit', this.#onExit)
    for (const signal of SIGNALS) process.removeListener(signal, this.#onSignal)
  }

  readonly #onBeforeExit = (): void => {
    try {
      this.#flushOnce()
    } catch (error) {
      this.#log.say('warn', `the last calls could not be sent: ${String(error)}`)
    }
  }

  #flushOnce(): void {
    // The event comes again after each round of work; when the last try failed, the process may go.
    if (!this.#delivery.pending || this.#tried) return
    this.#tried = true
    this.#delivery.flush(EXIT_TIME).then(
      (all) => {
        if (all) this.#tried = false
        // A connection that is still being made would hold the process up.
        else this.#sender.close()
      },
      () => {},
    )
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) - 1 > bystanders()) return
    if (this.#dying) {
      this.#die(signal)
      return
    }
    this.#dying = true
    this.#leave().then(
      () => this.#die(signal),
      () => this.#die(signal),
    )
  }

  /** Calls that are under way may still end during the flush; those that do not are cut off with the process. */
  async #leave(): Promise<void> {
    const deadline = performance.now() + EXIT_TIME
    await this.#delivery.flush(EXIT_TIME)
    this.#endCalls()
    const rest = deadline - performance.now()
    if (this.#delivery.pending && rest > 0) await this.#delivery.flush(rest)
  }

  #die(signal: NodeJS.Signals): void {
    process.removeListener(signal, this.#onSignal)
    process.kill(process.pid, signal)
  }

  readonly #onExit = (): void => {
    try {
      this.#endCalls()
      if (this.#tried || !this.#delivery.pending) return
      this.#sendLeftovers()
    } catch (error) {
      this.#log.say('warn', `the last calls could not be sent: ${String(error)}`)
    }
  }

  #sendLeftovers(): void {
    const parts = this.#delivery.leftovers()
    const calls = parts.reduce((sum, part) => sum + part.calls, 0)
    // The report is only sent when everything before it was acknowledged, so it may say so already.
    this.#account.sent += calls
    const requests = [...parts, { path: METRICS, body: this.#encodeReport(), compressed: false }].map(
      ({ path, body, compressed }) => ({ ...this.#sender.target(path, compressed), body }),
    )
    if (sendNow(requests, EXIT_TIME) < parts.length) {
      this.#account.sent -= calls
      this.#log.say('warn', `at exit, up to ${calls} calls could not be sent`)
    }
  }
}

interface Counted {
  count?: unknown
}
interface SignalExit {
  /** Version 4 and later. */
  [key: symbol]: Counted | undefined
  /** Before. */
  process: { __signal_exit_emitter__?: Counted }
}
const SIGNAL_EXIT = Symbol.for('signal-exit emitter')

/**
 * Listeners for one signal that leave the end to others. The package signal-exit, which many others bring along, has a
 * process die only when nobody listens beside its own copies, which it counts: were it taken for a handler, each would
 * wait for the other, and the process would stay.
 */
function bystanders(): number {
  const { [SIGNAL_EXIT]: now, process: host } = globalThis as unknown as SignalExit
  const counts = [now?.count, host.__signal_exit_emitter__?.count]
  return counts.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0)
}
