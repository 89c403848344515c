import { limits } from '../limits.ts'
import { waiting } from './metrics.ts'
import type { Outcome } from './webhook.ts'

/** One notice on its way to one channel. */
export interface Parcel {
  /** Notices of one group keep their order. */
  readonly groupKey: string
  readonly createdMs: number
  /** Attempts made so far, also before a restart. */
  attempts: number
}

/** An attempt that ended, for the record. */
export interface Attempt {
  readonly attempt: number
  readonly done: boolean
  readonly status: number
  readonly error: string
}

interface Waiting<P extends Parcel> {
  readonly notice: P
  dueMs: number
}

interface Work<P extends Parcel> {
  /** Makes one attempt. */
  deliver(notice: P, stop: AbortSignal): Promise<Outcome>
  /** Keeps what came of it; must not throw. */
  record(notice: P, attempt: Attempt): Promise<void>
}

/**
 * The notices of one channel, one attempt at a time. A notice that waits for its next attempt holds back the later ones
 * of the same group and no others. After 410 the channel takes nothing until it is configured anew.
 */
export class Queue<P extends Parcel> {
  readonly #work: Work<P>
  readonly #now: () => number
  readonly #waiting: Waiting<P>[] = []
  readonly #stop = new AbortController()
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #gone = false

  constructor(work: Work<P>, now: () => number) {
    this.#work = work
    this.#now = now
  }

  get length(): number {
    return this.#waiting.length
  }

  /** Takes a notice, or records at once why it is given up. */
  add(notice: P): void {
    if (this.#stopped) return
    if (this.#gone) return void this.#giveUp(notice, 'the receiver answered 410 Gone before')
    if (this.#waiting.length >= limits.noticesQueued) return void this.#giveUp(notice, 'too many notices are waiting')
    this.#waiting.push({ notice, dueMs: this.#now() })
    waiting.inc()
    this.#wake()
  }

  /** The receiver was configured anew: what it said before counts no longer. */
  revive(): void {
    this.#gone = false
  }

  /** Lets the attempt under way finish within its time; what still waits is left to the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#forget()
    const cut = setTimeout(() => this.#stop.abort(), limits.noticeStopMs)
    await this.#running
    clearTimeout(cut)
  }

  #wake(): void {
    if (this.#running !== undefined) return
    clearTimeout(this.#timer)
    this.#running = this.#drain().finally(() => {
      this.#running = undefined
      const next = Math.min(...this.#heads().map(({ dueMs }) => dueMs))
      if (Number.isFinite(next)) this.#timer = setTimeout(() => this.#wake(), Math.max(0, next - this.#now()))
    })
  }

  async #drain(): Promise<void> {
    for (let item = this.#due(); item !== undefined; item = this.#due()) await this.#attempt(item)
  }

  /** The first notice of each group. */
  #heads(): Waiting<P>[] {
    const seen = new Set<string>()
    return this.#waiting.filter(({ notice: { groupKey } }) => !seen.has(groupKey) && seen.add(groupKey))
  }

  #due(): Waiting<P> | undefined {
    return this.#heads().find(({ dueMs }) => dueMs <= this.#now())
  }

  async #attempt(item: Waiting<P>): Promise<void> {
    const { notice } = item
    const outcome = await this.#work.deliver(notice, this.#stop.signal)
    if (outcome.kind === 'cut') return this.#remove(item)
    notice.attempts++
    const dueMs = this.#now() + pauseMs(notice.attempts, outcome.retryAfterMs)
    const again = outcome.kind === 'later' && dueMs - notice.createdMs < limits.noticeAgeMs
    await this.#work.record(notice, { attempt: notice.attempts, done: !again, ...outcome })
    item.dueMs = dueMs
    if (!again) this.#remove(item)
    if (outcome.kind === 'gone') {
      this.#gone = true
      for (const { notice } of this.#forget()) await this.#giveUp(notice, 'the receiver answered 410 Gone')
    }
  }

  #remove(item: Waiting<P>): void {
    const at = this.#waiting.indexOf(item)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    waiting.dec()
  }

  #forget(): Waiting<P>[] {
    waiting.dec(this.#waiting.length)
    return this.#waiting.splice(0)
  }

  #giveUp(notice: P, error: string): Promise<void> {
    return this.#work.record(notice, { attempt: notice.attempts, done: true, status: 0, error })
  }
}

/** Up to a fifth more than the plan, so that many notices do not come back together; never before Retry-After. */
function pauseMs(attempts: number, retryAfterMs = 0): number {
  const planned = limits.noticeRetriesMs[Math.min(attempts, limits.noticeRetriesMs.length) - 1]!
  return Math.max(planned * (1 + Math.random() / 5), retryAfterMs)
}
