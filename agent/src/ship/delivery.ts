import type { Account } from '../account.ts'
import { outsideOfCalls } from '../context.ts'
import { BATCH_AGE, PAUSE_FIRST, PAUSE_LONGEST, REPORT_EVERY, RETRY_TIME } from '../limits.ts'
import type { Log } from '../log.ts'
import { rejectedSpans } from './otlp.ts'
import type { Batch, Queue } from './queue.ts'
import type { Answer, Sender } from './send.ts'

/** Where the calls come from. */
export interface Source {
  /** Ended calls that are not yet written into the queue. */
  readonly waiting: number
  /** Writes them, now. */
  gather(): void
  /** Resolves when none waits for anything else. */
  settled(): Promise<void>
}

/**
 * Takes batches from the queue to the collector, one request at a time, so that order is kept and an ailing collector
 * is not made worse.
 *
 * States: idle -> (a batch is sealed) -> sending -> accepted or refused -> next batch, or idle
 *                                              -> "later" or no answer -> pausing -> sending the same bytes again
 * A flush ends a pause that its deadline does not allow for. No timer here keeps the process alive.
 */
export class Delivery {
  readonly #queue: Queue
  readonly #sender: Sender
  readonly #account: Account
  readonly #log: Log
  readonly #encodeReport: () => Buffer
  readonly #source: Source
  #running: Promise<void> | undefined
  #ageTimer: NodeJS.Timeout | undefined
  #reportTimer: NodeJS.Timeout | undefined
  #reported = 0
  #reportedAt = 0
  /** Ends the current pause early. */
  #wake: (() => void) | undefined
  /** While flushing: the moment (performance.now) after which no new attempt is begun. */
  #flushUntil = 0
  #stopped = false

  constructor(queue: Queue, sender: Sender, account: Account, log: Log, encodeReport: () => Buffer, source: Source) {
    this.#queue = queue
    this.#sender = sender
    this.#account = account
    this.#log = log
    this.#encodeReport = encodeReport
    this.#source = source
  }

  /** Something was written into the open batch. */
  noteWrite(full: boolean): void {
    if (full) this.#sealAndRun()
    else if (this.#ageTimer === undefined && !this.#stopped) {
      this.#ageTimer = outsideOfCalls(() => setTimeout(() => this.#sealAndRun(), BATCH_AGE).unref())
    }
  }

  /**
   * Sends everything there is, and the account. Resolves to whether all of it arrived within `time` milliseconds; a
   * collector that cannot be reached is not waited for.
   */
  async flush(time: number): Promise<boolean> {
    const deadline = performance.now() + time
    this.#flushUntil = Math.max(this.#flushUntil, deadline)
    // Only this timer holds the process up, and only until everything is sent.
    let expire = () => {}
    const expired = new Promise<void>((resolve) => {
      expire = resolve
    })
    const hold = setTimeout(() => expire(), time)
    try {
      this.#wake?.()
      await Promise.race([this.#settle(), expired])
      return this.#queue.sealed.length === 0
    } finally {
      clearTimeout(hold)
      this.#flushUntil = 0
    }
  }

  async #settle(): Promise<void> {
    this.#source.gather()
    // Some calls wait for their bodies to be decoded.
    await this.#source.settled()
    this.#sealAndRun()
    while (this.#running !== undefined) await this.#running
    if (this.#queue.sealed.length === 0) await this.#report()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#ageTimer)
    clearTimeout(this.#reportTimer)
    this.#wake?.()
    this.#sender.close()
  }

  /** Everything unsent as ready-made requests, for the synchronous last send at exit. */
  leftovers(): { path: string; body: Buffer; compressed: boolean; calls: number }[] {
    this.#source.gather()
    this.#queue.seal()
    return this.#queue.sealed.map((batch) => {
      this.#queue.compressNow(batch)
      return { path: TRACES, body: batch.body, compressed: batch.compressed, calls: batch.calls }
    })
  }

  /** Whether anything is unsent: calls, or the latest counts. */
  get pending(): boolean {
    return this.#unreported || this.#source.waiting > 0 || this.#queue.sealed.length > 0 || !this.#queue.fresh
  }

  get #unreported(): boolean {
    return this.#account.mark !== this.#reported
  }

  /** Runs in timers of the host's event loop, too, where an exception would be the host's end. */
  #sealAndRun(): void {
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
    try {
      this.#source.gather()
      this.#queue.seal()
      if (this.#running !== undefined || this.#queue.sealed.length === 0 || this.#stopped) return
      this.#running = outsideOfCalls(() => this.#run())
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#log.once('error', 'delivery', `sending failed inside the agent: ${String(error)}`)
  }

  async #run(): Promise<void> {
    try {
      for (let batch = this.#queue.sealed[0]; batch !== undefined; batch = this.#queue.sealed[0]) {
        this.#queue.sending = batch
        await batch.ready
        if (!(await this.#deliver(batch))) break
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#queue.sending = undefined
      this.#running = undefined
    }
    try {
      this.#planReport()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Returns false when delivery has to stop for now (stopped, or a flush that has no time left). */
  async #deliver(batch: Batch): Promise<boolean> {
    for (;;) {
      batch.firstTried ||= performance.now()
      const answer = await this.#sender.post(TRACES, batch.body, batch.compressed)
      if (answer.kind === 'accepted') {
        this.#accepted(batch, answer.body)
        return true
      }
      if (answer.kind === 'refused') {
        // Too large: once more without headers and bodies.
        if (answer.reason === 'too_large' && this.#queue.strip(batch, 'too_large')) {
          await batch.ready
          if (batch.calls > 0) continue
        }
        this.#giveUp(batch, answer.reason, `the collector refuses data (${answer.text}); it is dropped and counted`)
        return true
      }
      if (performance.now() - batch.firstTried > RETRY_TIME) {
        this.#giveUp(batch, 'unreachable', `gave a batch up after an hour (${answer.text})`)
        return true
      }
      if (!answer.stale)
        this.#log.once(
          'warn',
          'unreachable',
          `cannot deliver yet (${answer.text}); calls are kept and sent again later`,
        )
      if (this.#stopped) return false
      const wait = pauseFor(answer, batch.attempts++)
      if (this.#flushUntil > 0 && (!worthWaiting(answer) || performance.now() + wait > this.#flushUntil)) return false
      await this.#pause(wait)
      if (this.#stopped) return false
    }
  }

  #accepted(batch: Batch, answer: Buffer): void {
    this.#queue.accepted(batch)
    const rejected = Math.min(rejectedSpans(answer), batch.calls)
    this.#account.sent += batch.calls - rejected
    this.#account.payloadsKept += batch.details
    if (rejected > 0) {
      this.#account.drop('refused', rejected)
      this.#log.once('warn', 'partial', 'the collector refuses some of the data; it is dropped and counted')
    }
  }

  #giveUp(batch: Batch, reason: 'refused' | 'too_large' | 'unreachable', text: string): void {
    this.#queue.remove(batch)
    this.#account.drop(reason, batch.calls)
    this.#account.dropPayload(reason, batch.details)
    this.#account.spansDropped += batch.spans
    this.#log.once('warn', `gave up ${reason}`, text)
  }

  #pause(time: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, time).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    }).then(() => {
      this.#wake = undefined
    })
  }

  /** A report now if the last is old enough, else when it will be. */
  #planReport(): void {
    if (!this.#unreported || this.#reportTimer !== undefined || this.#stopped || this.#flushUntil > 0) return
    const wait = Math.max(0, this.#reportedAt + REPORT_EVERY - performance.now())
    this.#reportTimer = setTimeout(() => {
      this.#reportTimer = undefined
      if (this.#running === undefined) this.#running = this.#report().finally(() => this.#afterReport())
      else this.#planReport()
    }, wait).unref()
  }

  #afterReport(): void {
    this.#running = undefined
    if (this.#queue.sealed.length > 0) this.#sealAndRun()
  }

  /** A report that does not arrive is not repeated: the next one says more. */
  async #report(): Promise<void> {
    try {
      if (!this.#unreported) return
      const mark = this.#account.mark
      this.#reportedAt = performance.now()
      const answer = await this.#sender.post(METRICS, this.#encodeReport())
      if (answer.kind !== 'later') this.#reported = mark
    } catch (error) {
      this.#failed(error)
    }
  }
}

export const TRACES = '/v1/traces'
export const METRICS = '/v1/metrics'

/** Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. The server's own wish wins. */
function pauseFor(answer: Answer & { kind: 'later' }, attempts: number): number {
  return answer.after ?? Math.random() * Math.min(PAUSE_LONGEST, PAUSE_FIRST * 2 ** Math.min(attempts, 16))
}

/** At the end of the process: a collector that answers may want a moment, one that is not there is not waited for. */
function worthWaiting(answer: Answer & { kind: 'later' }): boolean {
  return answer.reached || answer.after === 0
}
