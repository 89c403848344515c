import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { isRefusal, type Row, type Store } from './store.ts'

/** Rows by table. */
export type Batch = Partial<Record<WrittenTable, Row[]>>

/** `calls` comes last: a block is finished with the rows that are counted. */
const tables = ['consumers', 'agent_reports', 'spans', 'calls'] as const
export type WrittenTable = (typeof tables)[number]

/** The queue is full. The sender should come again. */
export class Overloaded extends Error {
  override name = 'Overloaded'
}

/** The engine refuses these rows, whatever is tried. */
export class Refused extends Error {
  override name = 'Refused'
}

interface Request {
  batch: Batch
  rows: number
  resolve: () => void
  reject: (error: Error) => void
}

/** Rows that travel to the engine together, with the requests that wait for it. */
class Block {
  readonly id = randomUUID()
  readonly requests: Request[] = []
  readonly done = new Set<WrittenTable>()
  rows = 0

  add(request: Request): void {
    this.requests.push(request)
    this.rows += request.rows
  }
}

/**
 * Gathers the rows of many requests into blocks and inserts one block after the other. `add` settles when the rows are
 * in the engine. A block keeps its id and its rows over every attempt, and the tables behind it recognise what they
 * already have, so an attempt whose answer was lost does no harm. A failed block is tried until it succeeds: rows taken
 * are not given back, the queue's bound stops new ones.
 */
export class Writer {
  readonly #store: Store
  readonly #log: Logger
  #filling = new Block()
  readonly #closed: Block[] = []
  #queued = 0
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopping = false

  constructor(store: Store, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /** Rows waiting for the engine. */
  get queued(): number {
    return this.#queued
  }

  /** @throws Overloaded at once when the queue is full; Refused later when the engine will not take these rows */
  add(batch: Batch): Promise<void> {
    const rows = tables.reduce((sum, table) => sum + (batch[table]?.length ?? 0), 0)
    if (rows === 0) return Promise.resolve()
    const queued = this.#queued
    if (this.#stopping || (queued > 0 && queued + rows > limits.queuedRows)) {
      return Promise.reject(
        new Overloaded(`${queued} rows are waiting for ClickHouse, the limit is ${limits.queuedRows}`),
      )
    }
    this.#queued += rows
    metrics.queuedRows.set(this.#queued)
    const settled = new Promise<void>((resolve, reject) => {
      if (this.#filling.rows > 0 && this.#filling.rows + rows > limits.blockRows) this.#close()
      this.#filling.add({ batch, rows, resolve, reject })
      if (this.#filling.rows >= limits.blockRows) this.#close()
      else this.#timer ??= setTimeout(() => this.#close(), limits.blockDelayMs)
    })
    return settled.finally(() => {
      this.#queued -= rows
      metrics.queuedRows.set(this.#queued)
    })
  }

  /** Inserts what is waiting; gives up at the deadline, and those requests end with an error. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#close()
    await this.#running
    for (const block of this.#closed.splice(0)) {
      for (const request of block.requests) request.reject(new Overloaded('the collector is stopping'))
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
      const written = await this.#write(block)
      if (!written) return
      this.#closed.shift()
    }
  }

  /** @returns false when the stop came before the engine took the block */
  async #write(block: Block): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#insert(block)
        for (const request of block.requests) request.resolve()
        return true
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        if (isRefusal(error)) {
          await this.#divide(block, message)
          return true
        }
        metrics.insertFailures.inc()
        this.#log.warn({ attempt, rows: block.rows, error: message }, 'ClickHouse did not take a block; trying again')
        if (this.#stopping && attempt >= limits.insertAttempts) return false
        await pause(Math.min(limits.insertPauseMs, 100 * 2 ** attempt) * (0.5 + Math.random() / 2))
      }
    }
  }

  async #insert(block: Block): Promise<void> {
    for (const table of tables) {
      if (block.done.has(table)) continue
      const rows = block.requests.flatMap((request) => request.batch[table] ?? [])
      const stop = metrics.insertSeconds.startTimer({ table })
      await this.#store.insert(table, rows, `${block.id}-${table}`)
      stop()
      block.done.add(table)
      metrics.storedRows.inc({ table }, rows.length)
    }
  }

  /** The engine refuses a block: each request goes alone, so that one bad request takes no other with it. */
  async #divide(block: Block, reason: string): Promise<void> {
    if (block.requests.length === 1) {
      metrics.rejected.inc({ cause: 'refused_by_engine' }, block.rows)
      this.#log.error({ rows: block.rows, reason }, 'ClickHouse refuses these rows; they are dropped')
      block.requests[0]!.reject(new Refused(`ClickHouse refuses these rows: ${reason}`))
      return
    }
    for (const request of block.requests) {
      const alone = new Block()
      alone.add(request)
      for (const table of block.done) alone.done.add(table)
      if (!(await this.#write(alone))) request.reject(new Overloaded('the collector is stopping'))
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
