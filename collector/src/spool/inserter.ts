import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { isRefusal, type Store } from '../store/store.ts'
import { type WrittenTable, writtenTables } from './block.ts'
import { divide, isViewRefusal, type Part, SplitLog, wholeOf } from './division.ts'
import { byTable, extract, framesOf, type Source, Unreadable } from './file.ts'
import type { Frame } from './segment.ts'
import type { Segment, Spool } from './spool.ts'

interface Options {
  spool: Spool
  store: Pick<Store, 'insertBlocks' | 'readBlocks'>
  log: Logger
  /** Asks for segments whose first frame is older than this to be closed. @returns when the next will be, in milliseconds */
  closeOlder: (ms: number) => number | undefined
  /** For tests: the bounds of these names. */
  bounds?: Partial<Bounds>
}

const { refusals, refusedMs, viewRefusedMs, refusedPauseMs, insertPauseMs } = limits
const usual = { refusals, refusedMs, viewRefusedMs, refusedPauseMs, insertPauseMs }
type Bounds = Record<keyof typeof usual, number>

/** What was tried with a segment. */
interface Attempts {
  tables: Set<WrittenTable>
  failed: number
  next: number
  /**
   * The engine's refusals for a table: how many came after it had taken others for that table since the one before, and
   * how many it had taken at the last.
   */
  refused?: { table: WrittenTable; times: number; since: number; taken: number; view: boolean; reason: string }
}

/**
 * Moves segments into the engine, the oldest first, one INSERT for each table. The token of an insert is the segment's
 * id and the table's name, so an attempt whose answer was lost, or a kill, does no harm. A segment that fails is tried
 * until it is taken; others go on meanwhile.
 */
export class Inserter {
  readonly #spool: Spool
  readonly #store: Options['store']
  readonly #log: Logger
  readonly #closeOlder: Options['closeOlder']
  readonly #bounds: Bounds
  readonly #attempts = new Map<string, Attempts>()
  /** Segments taken since the start, by table. */
  readonly #taken = new Map<WrittenTable, number>()
  #failing = 0
  #wake: () => void = () => {}
  #deadline = Number.POSITIVE_INFINITY
  readonly #running: Promise<void>

  constructor({ spool, store, log, closeOlder, bounds }: Options) {
    this.#spool = spool
    this.#store = store
    this.#log = log
    this.#closeOlder = closeOlder
    this.#bounds = { ...usual, ...bounds }
    spool.onClosed = () => this.#wake()
    this.#running = this.#run()
  }

  /** Inserts what is closed, and gives up after limits.drainMs: the rest is durable and inserted after the next start. */
  async stop(): Promise<void> {
    this.#deadline = Date.now() + limits.drainMs
    this.#wake()
    await this.#running
    const left = this.#spool.closed.length
    if (left > 0) this.#log.warn({ segments: left }, 'ClickHouse did not take all in time; the rest stays in the spool')
  }

  async #run(): Promise<void> {
    for (;;) {
      const stopping = this.#deadline !== Number.POSITIVE_INFINITY
      if (Date.now() > this.#deadline || (stopping && this.#spool.closed.length === 0)) return
      const now = Date.now()
      const segment = this.#spool.closed.find(({ id }) => (this.#attempts.get(id)?.next ?? 0) <= now)
      if (segment !== undefined) await this.#try(segment)
      else await this.#pause(stopping ? 50 : this.#idle(now))
    }
  }

  /** @returns how long there is nothing to do unless a segment is closed */
  #idle(now: number): number {
    // An engine that takes nothing is not served better by many small segments.
    const age = limits.segmentMs * 2 ** Math.min(this.#failing, 5)
    const due = this.#closeOlder(age) ?? age
    return this.#spool.closed.reduce((least, { id }) => Math.min(least, this.#attempts.get(id)!.next - now), due)
  }

  async #try(segment: Segment): Promise<void> {
    const attempts = this.#attempts.get(segment.id) ?? { tables: new Set(), failed: 0, next: 0 }
    this.#attempts.set(segment.id, attempts)
    try {
      const frames = await framesOf(segment.path, segment.verify)
      await this.#insert(segment, frames, attempts)
      await this.#finish(segment, frames)
      this.#failing = 0
    } catch (error) {
      if (error instanceof Unreadable) {
        this.#attempts.delete(segment.id)
        return this.#spool.setAside(segment, error.message)
      }
      this.#failed(segment, attempts, error as Error)
      // An engine that is away is not asked more often the more segments wait for it.
      await this.#pause(jitter(Math.min(this.#bounds.insertPauseMs, 50 * 2 ** this.#failing++)))
    }
  }

  async #insert(segment: Segment, frames: readonly Frame[], attempts: Attempts): Promise<void> {
    const tables = byTable(frames)
    const log = new SplitLog(segment.path.replace(/segment$/, 'division'))
    for (const table of writtenTables) {
      const blocks = tables.get(table)
      if (blocks === undefined || attempts.tables.has(table)) continue
      const stop = metrics.insertSeconds.startTimer({ table })
      const whole = wholeOf(table, blocks)
      if (log.has(table) || this.#isPoison(table, attempts)) await this.#divide(segment, whole, log)
      else if (this.#isPoison(table, attempts, true)) await this.#bury(segment, whole, attempts.refused!.reason)
      else {
        await this.#insertWhole(segment, whole, attempts)
        this.#taken.set(table, (this.#taken.get(table) ?? 0) + 1)
      }
      stop()
      attempts.tables.add(table)
      delete attempts.refused
      const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
      if (!segment.again) metrics.storedRows.inc({ table }, rows)
    }
  }

  async #insertWhole(segment: Segment, whole: Part, attempts: Attempts): Promise<void> {
    const { table } = whole
    try {
      await this.#with(segment, whole, (source) => this.#store.insertBlocks(table, source, `${segment.id}-${table}`))
    } catch (error) {
      if (isRefusal(error)) {
        const taken = this.#taken.get(table) ?? 0
        const last = attempts.refused ?? { times: 0, since: Date.now(), taken }
        const { message: reason } = error as Error
        const times = last.times + Number(taken > last.taken)
        attempts.refused = { table, times, since: last.since, taken, view: isViewRefusal(error), reason }
      }
      throw error
    }
  }

  /**
   * True when it must be the rows that the engine refuses, and not the engine that refuses everything: often enough, and
   * over long enough, it refused these again after it had taken others for the same table.
   */
  #isPoison(table: WrittenTable, { refused }: Attempts, view = false): boolean {
    if (refused?.table !== table || refused.view !== view) return false
    const since = view ? this.#bounds.viewRefusedMs : this.#bounds.refusedMs
    return refused.times >= this.#bounds.refusals && Date.now() - refused.since >= since
  }

  async #divide(segment: Segment, whole: Part, log: SplitLog): Promise<void> {
    this.#log.warn({ segment: segment.id, table: whole.table }, 'dividing a segment to find the rows that are refused')
    const store = this.#store
    await divide(whole, {
      log,
      with: (part, use) => this.#with(segment, part, use),
      insert: ({ table, name, rows }, source) => store.insertBlocks(table, source, `${segment.id}-${name}`, rows),
      async readable({ table }, source) {
        try {
          await store.readBlocks(table, source)
          return true
        } catch {
          return false
        }
      },
      bury: (part, reason) => this.#bury(segment, part, reason),
    })
  }

  /** Writes rows into the dead-letter folder, as lines of JSON where the engine can read them, else as they are. */
  async #bury(segment: Segment, part: Part, reason: string): Promise<void> {
    const { table, row, rows } = part
    const count = rows?.limit ?? part.blocks.reduce((sum, block) => sum + block.rows, 0)
    await this.#with(segment, part, async (source) => {
      const lines = await this.#store.readBlocks(table, source, rows).catch(() => undefined)
      const extension = lines === undefined ? source.format.toLowerCase() : 'jsonl'
      const file = join(this.#spool.folder, 'dead-letter', `${segment.id}-${table}-${row}.${extension}`)
      await writeDurably(file, lines ?? (await readFile(source.path)))
      const of =
        lines === undefined && rows !== undefined ? `Rows ${rows.offset} to ${rows.offset + count - 1} of ` : ''
      const view = /while pushing to view/.test(reason)
        ? 'A view refused them: the table itself may have these rows, and what is behind the view does not.\n'
        : ''
      await writeDurably(`${file}.reason`, `${of}${count} rows of ${table}, ${source.structure}\n${view}${reason}\n`)
      this.#log.error({ file, table, rows: count, reason }, 'ClickHouse refuses these rows; they are set aside')
    })
    this.#spool.countDeadLetter()
    metrics.deadRows.inc({ table }, count)
  }

  /** Lends a copy of a part that the engine can read. */
  async #with<T>(segment: Segment, part: Part, use: (source: Source) => Promise<T>): Promise<T> {
    const path = join(this.#spool.folder, 'insert', `${segment.id}-${part.table}`)
    try {
      return await use(await extract(segment.path, part.blocks, path))
    } finally {
      await rm(path, { force: true })
    }
  }

  /** Ledger first: from here on the requests are known by it, and the segment may go. */
  async #finish(segment: Segment, frames: readonly Frame[]): Promise<void> {
    const known = frames.flatMap(({ at, keys }) => keys.map((key): [string, number] => [key, at]))
    if (!segment.again) await this.#spool.ledger.append(known)
    await this.#spool.finish(segment)
    this.#attempts.delete(segment.id)
  }

  #failed(segment: Segment, attempts: Attempts, error: Error): void {
    metrics.insertFailures.inc()
    const { refused, failed } = attempts
    const most = refused === undefined ? this.#bounds.insertPauseMs : this.#bounds.refusedPauseMs
    attempts.failed++
    attempts.next = Date.now() + jitter(Math.min(most, 100 * 2 ** failed))
    const about = { segment: segment.id, attempt: attempts.failed, rows: segment.rows, error: error.message }
    this.#log.warn(about, 'ClickHouse did not take a segment; trying again')
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Between half of it and all of it, so that collectors do not come back together. */
function jitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2)
}

async function writeDurably(path: string, content: string | Buffer): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}
