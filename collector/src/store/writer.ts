import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { Entry, Journal, Unfinished } from './journal.ts'
import { isRefusal, type Row, type Store } from './store.ts'

/** Rows by table. */
export type Batch = Partial<Record<WrittenTable, Row[]>>

/** `calls` comes last: a block is finished with the rows that are counted. */
const tables = ['consumers', 'agent_reports', 'spans', 'payloads', 'calls'] as const
export type WrittenTable = (typeof tables)[number]

/** The queue is full. The sender should come again. */
export class Overloaded extends Error {
  override name = 'Overloaded'
}

/** The engine refuses these rows, whatever is tried. */
export class Refused extends Error {
  override name = 'Refused'
}

/** The journal cannot be written: nothing was inserted, and the sender should come again. */
export class Unwritable extends Error {
  override name = 'Unwritable'
}

interface Request extends Entry {
  rows: number
  /** Characters of bodies. */
  chars: number
  resolve: () => void
  reject: (error: Error) => void
}

/** Rows that travel to the engine together, with the requests that wait for it. */
class Block {
  readonly id: string
  readonly entries: Request[] = []
  readonly done = new Set<WrittenTable>()
  rows = 0
  chars = 0

  constructor(id = `${Date.now()}-${randomUUID()}`) {
    this.id = id
  }

  add(request: Request): void {
    this.entries.push(request)
    this.rows += request.rows
    this.chars += request.chars
  }
}

/**
 * Gathers the rows of many requests into blocks and inserts one block after the other. `add` settles when the rows are
 * in the engine. A block keeps its id and its rows over every attempt, even over a crash, since it is in the journal
 * first; and the tables behind it recognise what they already have, so an attempt whose answer was lost does no harm. A
 * failed block is tried until it succeeds: rows taken are not given back, the queue's bound stops new ones.
 */
export class Writer {
  readonly #store: Store
  readonly #journal: Journal
  readonly #log: Logger
  #filling = new Block()
  readonly #closed: Block[] = []
  #queued = 0
  #queuedChars = 0
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopping = false

  constructor(store: Store, journal: Journal, log: Logger) {
    this.#store = store
    this.#journal = journal
    this.#log = log
  }

  /**
   * Inserts what the last run left in the journal, before anything new is taken.
   *
   * @returns how many blocks there were
   */
  async recover(): Promise<number> {
    const left = this.#journal.unfinished((file, reason) =>
      this.#log.error({ file, reason }, 'a block of the journal cannot be read; it is set aside'),
    )
    for (const { id, entries } of left) {
      const block = new Block(id)
      // Nobody waits for these any more; what is refused is logged and counted all the same.
      const settle = () => {}
      for (const { key, batch } of entries)
        block.add({ key, batch, rows: rowsOf(batch), chars: charsOf(batch), resolve: settle, reject: settle })
      await this.#write(block)
    }
    return left.length
  }

  /** Rows waiting for the engine. */
  get queued(): number {
    return this.#queued
  }

  /**
   * @param key recognises the request when it is sent again
   * @throws Overloaded at once when the queue is full; Refused later when the engine will not take these rows
   */
  add(batch: Batch, key: string): Promise<void> {
    const rows = rowsOf(batch)
    if (rows === 0) return Promise.resolve()
    const chars = charsOf(batch)
    const full = this.#fullWith(rows, chars)
    if (full !== undefined) return Promise.reject(new Overloaded(full))
    this.#queued += rows
    this.#queuedChars += chars
    metrics.queuedRows.set(this.#queued)
    const settled = new Promise<void>((resolve, reject) => {
      const { rows: before, chars: charsBefore } = this.#filling
      if (before > 0 && (before + rows > limits.blockRows || charsBefore + chars > limits.blockChars)) this.#close()
      this.#filling.add({ key, batch, rows, chars, resolve, reject })
      if (this.#filling.rows >= limits.blockRows || this.#filling.chars >= limits.blockChars) this.#close()
      else this.#timer ??= setTimeout(() => this.#close(), limits.blockDelayMs)
    })
    return settled.finally(() => {
      this.#queued -= rows
      this.#queuedChars -= chars
      metrics.queuedRows.set(this.#queued)
    })
  }

  /** Why a request of this size has to wait outside. One that finds the queue empty always fits. */
  #fullWith(rows: number, chars: number): string | undefined {
    if (this.#stopping) return 'the collector is stopping'
    const [queued, queuedChars] = [this.#queued, this.#queuedChars]
    if (queued === 0) return undefined
    if (queued + rows > limits.queuedRows) {
      return `${queued} rows are waiting for ClickHouse, the limit is ${limits.queuedRows}`
    }
    if (chars === 0 || queuedChars + chars <= limits.queuedChars) return undefined
    return `${queuedChars} characters of bodies are waiting for ClickHouse, the limit is ${limits.queuedChars}`
  }

  /** Inserts what is waiting; gives up at the deadline, and those requests end with an error. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#close()
    await this.#running
    for (const block of this.#closed.splice(0)) {
      for (const request of block.entries) request.reject(new Overloaded('the collector is stopping'))
    }
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#filling.rows === 0) return
    this.#closed.push(this.#filling)
    this.#filling = new Block()
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined
    })
  }

  async #drain(): Promise<void> {
    for (let block = this.#closed[0]; block !== undefined; block = this.#closed[0]) {
      try {
        await this.#journal.begin(block)
        if (!(await this.#write(block))) return
      } catch (error) {
        // The disk, not the engine: nothing was inserted, so the senders may simply come again.
        const reason = error instanceof Error ? error.message : String(error)
        this.#log.error({ reason }, 'the journal cannot be written; requests are sent away until it can')
        for (const request of block.entries) request.reject(new Unwritable(`the journal cannot be written: ${reason}`))
      }
      this.#closed.shift()
    }
  }

  /**
   * Inserts a block and tells its requests. When the engine refuses it, each request goes alone, so that one bad request
   * takes no other with it; a replay after a crash divides in the same way, so its tokens are the same.
   *
   * @returns false when the stop came before the engine took the block
   */
  async #write(block: Block): Promise<boolean> {
    const refused = new Map<Request, string>()
    const result = await this.#insert(block)
    if (result === 'stopped') return false
    if (result !== 'taken') {
      for (const [index, request] of block.entries.entries()) {
        const part = new Block(`${block.id}-${index}`)
        part.add(request)
        for (const table of block.done) part.done.add(table)
        const own = block.entries.length === 1 ? result : await this.#insert(part)
        if (own === 'stopped') return false
        if (own !== 'taken') refused.set(request, own.reason)
      }
    }
    await this.#finish({ id: block.id, entries: block.entries.filter((request) => !refused.has(request)) })
    for (const request of block.entries) {
      const reason = refused.get(request)
      if (reason === undefined) request.resolve()
      else {
        metrics.rejected.inc({ cause: 'refused_by_engine' }, request.rows)
        this.#log.error({ rows: request.rows, reason }, 'ClickHouse refuses these rows; they are dropped')
        request.reject(new Refused(`ClickHouse refuses these rows: ${reason}`))
      }
    }
    return true
  }

  /** Tries until the engine has taken or refused the block, or the collector stops. */
  async #insert(block: Block): Promise<'taken' | 'stopped' | { reason: string }> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#insertTables(block)
        return 'taken'
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        if (isRefusal(error)) return { reason }
        metrics.insertFailures.inc()
        this.#log.warn({ attempt, rows: block.rows, error: reason }, 'ClickHouse did not take a block; trying again')
        if (this.#stopping && attempt >= limits.insertAttempts) return 'stopped'
        await pause(Math.min(limits.insertPauseMs, 100 * 2 ** attempt) * (0.5 + Math.random() / 2))
      }
    }
  }

  async #insertTables(block: Block): Promise<void> {
    for (const table of tables) {
      if (block.done.has(table)) continue
      const rows = block.entries.flatMap((request) => request.batch[table] ?? [])
      const stop = metrics.insertSeconds.startTimer({ table })
      await this.#store.insert(table, rows, `${block.id}-${table}`)
      stop()
      block.done.add(table)
      metrics.storedRows.inc({ table }, rows.length)
    }
  }

  /** A ledger that cannot be written leaves the block in the journal: the next start inserts it again, harmlessly. */
  async #finish(block: Unfinished): Promise<void> {
    try {
      await this.#journal.finish(block)
    } catch (error) {
      this.#log.error({ error }, 'the journal’s ledger cannot be written')
    }
  }
}

function rowsOf(batch: Batch): number {
  return tables.reduce((sum, table) => sum + (batch[table]?.length ?? 0), 0)
}

function charsOf({ payloads = [] }: Batch): number {
  return payloads.reduce(
    (sum, { request_body, response_body }) => sum + String(request_body).length + String(response_body).length,
    0,
  )
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
