import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Consumer } from '../config/config.ts'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { Spool } from '../spool/spool.ts'
import type { Counts } from './decode/counts.ts'
import type { Result } from './decoder.ts'
import { Refusal } from './refusal.ts'
import type { Answer, FromThread, Setup, Take, ToThread } from './thread.ts'

/** A request for a decode thread. */
export interface Work extends Omit<Take, 'kind' | 'id' | 'body'> {
  body: Buffer
}

interface Options {
  spool: Spool
  consumers: readonly Consumer[]
  keySecret: string | undefined
  /** Retention of calls: older ones are refused. */
  pastMs: number
  log: Logger
  threads?: number
  /** The program of a thread. */
  program?: URL
}

interface Pending {
  key: string
  bytes: number
  resolve: (result: Result) => void
  reject: (error: Error) => void
}

/** One core is left to the engine and the listeners; more than four of ours write faster than an engine inserts. */
const usualNumber = Math.max(1, Math.min(4, availableParallelism() - 1))

/** The thread that had a request died. */
class Died extends Refusal {
  override name = 'Died'
}

/** The decode threads, as the main thread sees them. One that dies is replaced. */
export class Threads {
  readonly #options: Options
  readonly #threads: Thread[] = []
  #configured: { consumers: readonly Consumer[]; pastMs: number }
  /** In how many deaths of threads a request had a part, by its key. */
  readonly #deaths = new Map<string, number>()
  /** Requests that had a part in too many: each gets a thread while all else waits, which shows whether it is the cause. */
  readonly #suspects: (() => Promise<void>)[] = []
  #trying = false
  #born = 0
  #stopping = false
  /** Called when a thread can take more. */
  onRoom: () => void = () => {}

  constructor(options: Options) {
    this.#options = options
    this.#configured = { consumers: options.consumers, pastMs: options.pastMs }
    for (let number = options.threads ?? usualNumber; number > 0; number--) this.#start()
  }

  /** For their load. */
  get workers(): readonly Worker[] {
    return this.#threads.map(({ worker }) => worker)
  }

  /** True when a thread would start on a request soon. */
  get room(): boolean {
    return this.#suspects.length === 0 && !this.#trying && this.#threads.some(({ room }) => room)
  }

  /** Settles when the request's rows are durable. @throws Refusal that says whether to come again */
  async take(work: Work): Promise<Result> {
    const [first] = this.#threads
    if (first === undefined || this.#stopping) {
      throw new Refusal(503, 'the collector is stopping', limits.retryAfterS)
    }
    if ((this.#deaths.get(work.key) ?? 0) >= limits.threadDeaths) return this.#takeAlone(work)
    return this.#threads.reduce((least, thread) => (thread.bytes < least.bytes ? thread : least), first).take(work)
  }

  /** Takes the consumers and the retention of a new configuration. */
  configure(consumers: readonly Consumer[], pastMs: number): void {
    this.#configured = { consumers, pastMs }
    for (const thread of this.#threads) thread.post({ kind: 'configure', consumers, pastMs })
  }

  /** Closes segments whose first frame is older. @returns in how many milliseconds the next will be */
  closeOlder(ms: number): number | undefined {
    const dues = this.#threads.flatMap((thread) => thread.closeOlder(ms) ?? [])
    return dues.length === 0 ? undefined : Math.min(...dues)
  }

  /** Settles when everything taken is answered and every segment closed. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#threads.map((thread) => thread.stop()))
  }

  #takeAlone(work: Work): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#suspects.push(() =>
        this.#threads[0]!.take(work).then(
          (result) => {
            this.#deaths.delete(work.key)
            resolve(result)
          },
          (error) => {
            if (error instanceof Died) {
              metrics.rejected.inc({ cause: 'ends_the_decoder' })
              reject(new Refusal(400, 'this request ended the decoder each time it was tried; it is not taken'))
            } else reject(error)
          },
        ),
      )
      this.#trySuspect()
    })
  }

  /** Once no thread has anything else to do. */
  #trySuspect(): void {
    if (this.#trying || this.#threads.length === 0 || this.#threads.some(({ idle }) => !idle)) return
    const attempt = this.#suspects.shift()
    if (attempt === undefined) return
    this.#trying = true
    attempt().then(() => {
      this.#trying = false
      this.#moved()
    })
  }

  #moved(): void {
    this.#trySuspect()
    this.onRoom()
  }

  #start(): void {
    const { spool, keySecret, log, program } = this.#options
    const name = String(++this.#born)
    const setup: Setup = { folder: spool.folder, name, ...this.#configured, keySecret }
    const thread = new Thread({
      setup,
      spool,
      log,
      program: program ?? new URL('./thread.js', import.meta.url),
      onRoom: () => this.#moved(),
      onEnd: (keys) => {
        this.#threads.splice(this.#threads.indexOf(thread), 1)
        if (this.#stopping) return
        metrics.threadsLost.inc()
        if (this.#deaths.size > limits.sendersKnown) this.#deaths.clear()
        for (const key of keys) this.#deaths.set(key, (this.#deaths.get(key) ?? 0) + 1)
        this.#start()
        this.#moved()
      },
    })
    this.#threads.push(thread)
  }
}

interface Parts {
  setup: Setup
  spool: Spool
  log: Logger
  program: URL
  onRoom: () => void
  /** @param keys of the requests that it had and that are lost */
  onEnd: (keys: string[]) => void
}

class Thread {
  readonly #name: string
  readonly #spool: Spool
  readonly #log: Logger
  readonly worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #onRoom: () => void
  readonly #ended: Promise<void>
  #ids = 0
  #openSince: number | undefined
  #closing = false
  #reason = 'it ended'
  bytes = 0

  constructor({ setup, spool, log, program, onRoom, onEnd }: Parts) {
    this.#name = setup.name
    this.#spool = spool
    this.#log = log
    this.#onRoom = onRoom
    this.worker = new Worker(program, {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: limits.threadHeapMiB },
    })
    this.worker.on('message', (message: FromThread) => this.#receive(message))
    this.worker.on('error', (error) => {
      this.#reason = error.stack ?? error.message
    })
    this.#ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.#bury().then((lost) => {
          onEnd(lost)
          resolve()
        })
      })
    })
  }

  get idle(): boolean {
    return this.#pending.size === 0
  }

  get room(): boolean {
    return this.bytes < limits.threadBytes
  }

  take({ body, ...work }: Work): Promise<Result> {
    const id = ++this.#ids
    // Small buffers share memory with others, which must not be handed over with them.
    const own = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength
    const bytes = (own ? body.buffer : Uint8Array.prototype.slice.call(body).buffer) as ArrayBuffer
    const length = bytes.byteLength
    this.bytes += length
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { key: work.key, bytes: length, resolve, reject })
      this.worker.postMessage({ ...work, kind: 'take', id, body: bytes } satisfies ToThread, [bytes])
    })
  }

  post(message: ToThread): void {
    this.worker.postMessage(message)
  }

  closeOlder(ms: number): number | undefined {
    if (this.#openSince === undefined || this.#closing) return undefined
    const due = this.#openSince + ms - Date.now()
    if (due > 0) return due
    this.#closing = true
    this.post({ kind: 'close' })
    return undefined
  }

  stop(): Promise<void> {
    this.post({ kind: 'stop' })
    return this.#ended
  }

  #receive(message: FromThread): void {
    if (message.kind === 'counts') this.#count(message.counts)
    else if (message.kind === 'closed') {
      this.#openSince = undefined
      this.#closing = false
      this.#spool.closedBy(this.#name, message.closed)
    } else if (message.kind === 'disk') {
      const { unwritable } = message
      this.#spool.disk(this.#name, unwritable === undefined)
      if (unwritable === undefined) this.#log.info('the spool can be written again')
      else this.#log.error({ reason: unwritable }, 'requests are sent away with 503 until the spool can be written')
    } else {
      this.#openSince = message.open?.at
      this.#spool.opened(this.#name, message.open)
      for (const answer of message.answers) this.#answer(answer)
      this.#onRoom()
    }
  }

  #count({ rejected, withheld, overflowed, overflows }: Counts): void {
    for (const [cause, number] of Object.entries(rejected)) metrics.rejected.inc({ cause }, number)
    for (const [what, number] of Object.entries(withheld)) metrics.withheld.inc({ what }, number)
    for (const [what, number] of Object.entries(overflowed)) metrics.overflowed.inc({ what }, number)
    for (const { service, what } of overflows) {
      const reason = `this service has more than ${limits[`${what}sPerService`]} ${what}s today; the rest is _OTHER`
      this.#log.warn({ service }, reason)
    }
  }

  #answer({ id, result, refused, failed }: Answer): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    this.bytes -= pending.bytes
    if (result !== undefined) pending.resolve(result)
    else if (refused !== undefined) {
      pending.reject(new Refusal(refused.status, refused.message, refused.retryAfter))
    } else pending.reject(new Error(failed))
  }

  /** What is whole in its segment is safe, and its senders are told so; the others come again. */
  async #bury(): Promise<string[]> {
    const safe = await this.#spool.adopt(this.#name).catch((error: Error) => {
      this.#log.error({ reason: error.message }, 'the segment of a decode thread that ended cannot be read')
      return new Set<string>()
    })
    if (this.#pending.size > 0) {
      this.#log.error(
        { reason: this.#reason, requests: this.#pending.size },
        'a decode thread died; the requests it had will be sent again',
      )
    }
    const lost: string[] = []
    for (const { key, resolve, reject } of this.#pending.values()) {
      if (safe.has(key)) resolve({ rejected: 0, message: '' })
      else {
        lost.push(key)
        reject(new Died(503, 'the decoder failed; the collector’s log says why', limits.retryAfterS))
      }
    }
    this.#pending.clear()
    return lost
  }
}
