import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { Known } from '../spool/ledger.ts'
import type { Spool } from '../spool/spool.ts'
import type { Pass } from '../token.ts'
import type { Coding } from './coding.ts'
import type { Result } from './decoder.ts'
import { FairQueue } from './queue.ts'
import { Refusal } from './refusal.ts'
import type { Signal, Wire } from './reply.ts'
import { Resends } from './resend.ts'
import type { Threads, Work } from './threads.ts'

/** One export request, whichever listener it came through. */
export interface ExportRequest {
  signal: Signal
  wire: Wire
  /** Content coding of the body; undefined for none. */
  encoding: Coding | undefined
  body: Buffer
  pass: Pass
}

export type { Result } from './decoder.ts'

interface Waiting {
  work: Work
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

interface Parts {
  threads: Pick<Threads, 'room' | 'take' | 'onRoom'>
  spool: Pick<Spool, 'full'>
  /** Why the disk has no room; undefined when it has. */
  low?: () => string | undefined
  /** Requests that an earlier run stored: their senders may not know it yet. */
  known: readonly Known[]
}

/**
 * What every listener does with a request once it is let in: recognise it when it was sent before, let it wait its turn,
 * and hand it to a decode thread, which answers when its rows are durable in the spool.
 */
export class Intake {
  readonly #threads: Parts['threads']
  readonly #spool: Parts['spool']
  readonly #low: () => string | undefined
  readonly #queue = new FairQueue<Waiting>()
  readonly #resends = new Resends<Result>({
    usual: { rejected: 0, message: '' },
    isUsual: ({ rejected, message }) => rejected === 0 && message === '',
  })

  constructor({ threads, spool, known, low = () => undefined }: Parts) {
    this.#threads = threads
    this.#spool = spool
    this.#low = low
    this.#resends.remember(known)
    threads.onRoom = () => this.#serve()
  }

  /**
   * Settles when what was taken is safe. The body is handed over: its bytes are gone afterwards.
   *
   * @throws Refusal that says whether to come again
   */
  take({ signal, wire, encoding, body, pass }: ExportRequest): Promise<Result> {
    const { digest: token, token: { env } = { env: undefined } } = pass
    const work = this.#resends.once(`${signal} ${token}`, body, (key) =>
      this.#wait({ key, signal, wire, encoding, body, env, token }),
    )
    return inTime(work).finally(metrics.requestSeconds.startTimer({ signal }))
  }

  async #wait(work: Work): Promise<Result> {
    const low = this.#low()
    if (low !== undefined) throw new Refusal(503, low, limits.retryAfterS)
    const full = this.#spool.full()
    if (full !== undefined) throw new Refusal(429, full, limits.retryAfterS)
    const { token } = work
    const bytes = Math.max(1, work.body.length)
    const waiting: Waiting = { work, resolve: () => {}, reject: () => {} }
    const settled = new Promise<Result>((resolve, reject) => Object.assign(waiting, { resolve, reject }))
    this.#queue.add(token, waiting, bytes)
    metrics.queuedBytes.set(this.#queue.bytes)
    this.#serve()
    try {
      return await settled
    } finally {
      this.#queue.finish(token, bytes)
      metrics.queuedBytes.set(this.#queue.bytes)
    }
  }

  #serve(): void {
    while (this.#threads.room) {
      const next = this.#queue.next()
      if (next === undefined) return
      this.#threads.take(next.work).then(next.resolve, next.reject)
    }
  }
}

/** Lets the client come again instead of waiting for ever; its repetition will find the work still under way. */
function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Refusal(503, 'the collector is busy; the request is being worked on', limits.retryAfterS)),
      limits.answerMs,
    )
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
