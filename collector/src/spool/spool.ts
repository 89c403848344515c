import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { framesOf, truncate } from './file.ts'
import { takeJournal } from './journal.ts'
import { type Known, Ledger, lately } from './ledger.ts'
import { begunAt, type Frame } from './segment.ts'
import type { Summary } from './writer.ts'

/** A closed segment that is to be inserted. */
export interface Segment extends Summary {
  path: string
  /** Written by an earlier run: its sums are compared before it is inserted. */
  verify: boolean
  /** Inserted before and inserted once more, because nobody knows whether the engine's files reached the disk. */
  again: boolean
}

/** How full the spool is. */
export interface SpoolState {
  /** Of what is not inserted yet. */
  bytes: number
  segments: number
  rows: number
  /** Age of the oldest rows not inserted, 0 when there are none. */
  oldestMs: number
  /** Files in the dead-letter folder that hold rows. */
  deadLetters: number
  /** False when the disk did not take the last write. */
  writable: boolean
}

/**
 * The folder between acknowledgement and engine.
 *
 *     1795219200123-<uuid>.open-<thread>   a segment that a decode thread appends to
 *     1795219200123-<uuid>.segment         closed: to be inserted, the oldest first
 *     1795219200123-<uuid>.division        beside it: how it was divided when the engine refused it
 *     done/                                inserted a moment ago; the engine may not have synced its own files yet
 *     insert/                              what the engine is reading now
 *     dead-letter/                         what the engine never took, with the reason
 *     ledger, ledger.old                   requests that are stored
 *     stopped                              the last run ended in order
 */
export class Spool {
  readonly folder: string
  readonly ledger: Ledger
  readonly #log: Logger
  #closed: Segment[] = []
  readonly #done: { path: string; bytes: number; at: number }[] = []
  readonly #open = new Map<string, Summary>()
  /** Threads that cannot write. */
  readonly #unwritable = new Set<string>()
  #known: Known[] = []
  #deadLetters = 0
  /** Called when a segment was closed. */
  onClosed: () => void = () => {}

  private constructor(folder: string, log: Logger) {
    this.folder = folder
    this.#log = log
    for (const part of ['', 'done', 'insert', 'dead-letter']) mkdirSync(join(folder, part), { recursive: true })
    this.ledger = new Ledger(folder)
  }

  /**
   * Opens the spool of a data folder and takes stock of what the last run left there.
   *
   * @param againMs after a stop that was not in order, what was done at most this long ago is inserted again. A table that
   *   no other collector writes to remembers all of it, however long ago that was; one of many forgets
   * @throws ErrnoException when the folder cannot be used
   */
  static async open(data: string, log: Logger, againMs = Number.POSITIVE_INFINITY): Promise<Spool> {
    const spool = new Spool(join(data, 'spool'), log)
    await spool.#recover(join(data, 'journal'), againMs)
    return spool
  }

  /** Requests that are stored or will be, the oldest first: a sender that repeats one must not be counted again. */
  takeKnown(): Known[] {
    const known = lately([...this.ledger.read(), ...this.#known])
    this.#known = []
    return known
  }

  /** Segments to be inserted, the oldest first. */
  get closed(): readonly Segment[] {
    return this.#closed
  }

  state(): SpoolState {
    const waiting = [...this.#closed.filter(({ again }) => !again), ...this.#open.values()]
    const oldest = waiting.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
    return {
      bytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: waiting.length,
      rows: waiting.reduce((sum, { rows }) => sum + rows, 0),
      oldestMs: waiting.length === 0 ? 0 : Math.max(1, Date.now() - oldest),
      deadLetters: this.#deadLetters,
      writable: this.#unwritable.size === 0,
    }
  }

  /** Why no more may be taken now; undefined when there is room. */
  full(): string | undefined {
    const { bytes, oldestMs } = this.state()
    if (bytes >= limits.spoolBytes) {
      return `${bytes} bytes are waiting for ClickHouse in the spool, the limit is ${limits.spoolBytes}`
    }
    if (oldestMs < limits.spoolAgeMs) return undefined
    return `rows have been waiting for ClickHouse for ${Math.round(oldestMs / 1000)} s, the limit is ${limits.spoolAgeMs / 1000} s`
  }

  /**
   * Settles when what is in it now is stored.
   *
   * @throws Error when that takes too long
   */
  async settled(): Promise<void> {
    const now = Date.now()
    while (this.state().oldestMs > Date.now() - now) {
      if (Date.now() > now + limits.settleMs) {
        throw new Error(`${this.state().rows} rows still wait for ClickHouse after ${limits.settleMs / 1000} s`)
      }
      await pause(limits.settlePollMs)
    }
  }

  /** A thread tells of the segment it is writing. */
  opened(thread: string, open: Summary | undefined): void {
    if (open === undefined) this.#open.delete(thread)
    else this.#open.set(thread, open)
  }

  /** A thread has closed its segment. */
  closedBy(thread: string, closed: Summary | undefined): void {
    this.#open.delete(thread)
    if (closed !== undefined) this.#add({ ...closed, path: this.#path(closed.id), verify: false, again: false })
  }

  /** A thread tells whether it can write. */
  disk(thread: string, writable: boolean): void {
    if (writable) this.#unwritable.delete(thread)
    else this.#unwritable.add(thread)
  }

  /** Takes over what a thread that died was writing. @returns the keys of the requests that are safe in it */
  async adopt(thread: string): Promise<Set<string>> {
    this.#open.delete(thread)
    this.#unwritable.delete(thread)
    const keys = new Set<string>()
    for (const name of readdirSync(this.folder)) {
      // It may have closed one and died before it could say so.
      const frames = name.endsWith(`.open-${thread}`)
        ? await this.#close(name)
        : name.endsWith('.segment') && !this.#has(idOf(name))
          ? await this.#find(join(this.folder, name), false)
          : []
      for (const frame of frames) for (const key of frame.keys) keys.add(key)
    }
    this.#known = []
    return keys
  }

  /** All of a segment is stored and its requests are in the ledger. */
  async finish({ id, path, bytes }: Segment): Promise<void> {
    const done = join(this.folder, 'done', `${id}.segment`)
    if (path !== done) {
      await rename(this.divisionOf(id), join(this.folder, 'done', `${id}.division`)).catch(() => {})
      await rename(path, done).catch((error) =>
        this.#log.error({ error }, 'a segment cannot be moved out of the spool'),
      )
    }
    this.#closed = this.#closed.filter((segment) => segment.id !== id)
    this.#done.push({ path: done, bytes, at: Date.now() })
    await this.#sweep()
  }

  /** Puts a segment that cannot be read where it disturbs nothing. */
  async setAside({ id, path }: Pick<Segment, 'id' | 'path'>, reason: string): Promise<void> {
    this.#closed = this.#closed.filter((segment) => segment.id !== id)
    const aside = join(this.folder, 'dead-letter', `${id}.segment`)
    this.#log.error({ file: aside, reason }, 'a file of the spool cannot be read; it is set aside')
    writeFileSync(`${aside}.reason`, `${reason}\n`)
    await rename(path, aside).catch(() => {})
    this.#deadLetters++
  }

  /** One more file of rows that the engine does not take. */
  countDeadLetter(): void {
    this.#deadLetters++
  }

  divisionOf(id: string): string {
    return join(this.folder, `${id}.division`)
  }

  /** The run ended in order: what is in done/ need not be inserted again. */
  async markStopped(): Promise<void> {
    const file = await open(join(this.folder, 'stopped'), 'w')
    try {
      await file.write(`${Date.now()}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #recover(journal: string, againMs: number): Promise<void> {
    for (const name of readdirSync(join(this.folder, 'insert'))) rmSync(join(this.folder, 'insert', name))
    await takeJournal(journal, this, this.#log)
    for (const name of readdirSync(this.folder)) {
      if (name.endsWith('.probe')) rmSync(join(this.folder, name))
      if (/\.open-\w+$/.test(name)) await this.#close(name)
    }
    for (const name of readdirSync(this.folder)) {
      if (name.endsWith('.segment') && !this.#has(idOf(name))) await this.#find(join(this.folder, name), false)
    }
    const since = this.#stoppedInOrder() ? Number.POSITIVE_INFINITY : Date.now() - againMs
    for (const name of readdirSync(join(this.folder, 'done'))) {
      const path = join(this.folder, 'done', name)
      // The change of a file's status was its move to here.
      if (statSync(path).ctimeMs < since) rmSync(path)
      else if (name.endsWith('.segment')) await this.#find(path, true)
    }
    const left = this.#closed.length
    if (left > 0) this.#log.warn({ segments: left }, 'inserting what the last run did not, or may not have finished')
    rmSync(join(this.folder, 'stopped'), { force: true })
    this.#deadLetters = readdirSync(join(this.folder, 'dead-letter')).filter((name) => name.endsWith('.reason')).length
  }

  /** True after a stop in order, unless the machine was started since: then it may have lost what was not synced. */
  #stoppedInOrder(): boolean {
    try {
      const stopped = Number(readFileSync(join(this.folder, 'stopped'), 'utf8'))
      return stopped > Date.now() - uptime() * 1000
    } catch {
      return false
    }
  }

  /** Cuts an open segment to its whole frames and closes it. */
  async #close(name: string): Promise<Frame[]> {
    const path = join(this.folder, name)
    const { frames, good } = await truncate(path)
    if (good === 0) {
      await rm(path)
      return []
    }
    const id = idOf(name)
    await rename(path, this.#path(id))
    this.#add({ ...summary(id, frames, good), path: this.#path(id), verify: false, again: false })
    this.#remember(frames)
    return frames
  }

  /** A closed segment of an earlier run. */
  async #find(path: string, again: boolean): Promise<Frame[]> {
    const id = idOf(path.slice(path.lastIndexOf('/') + 1))
    try {
      const frames = await framesOf(path, false)
      const { size } = await stat(path)
      this.#add({ ...summary(id, frames, size), path, verify: true, again })
      this.#remember(frames)
      return frames
    } catch (error) {
      await this.setAside({ id, path }, (error as Error).message)
      return []
    }
  }

  #remember(frames: readonly Frame[]): void {
    for (const { at, keys } of frames) for (const key of keys) this.#known.push([key, at])
  }

  #has(id: string): boolean {
    return this.#closed.some((segment) => segment.id === id)
  }

  #add(segment: Segment): void {
    if (this.#has(segment.id)) return
    this.#closed.push(segment)
    // Those inserted once before come first, as they did then.
    this.#closed.sort((a, b) => Number(b.again) - Number(a.again) || (a.id < b.id ? -1 : 1))
    this.onClosed()
  }

  #path(id: string): string {
    return join(this.folder, `${id}.segment`)
  }

  /** Deletes what was done long enough ago for the system to have written the engine's files to the disk. */
  async #sweep(): Promise<void> {
    let bytes = this.#done.reduce((sum, done) => sum + done.bytes, 0)
    for (let [oldest] = this.#done; oldest !== undefined; [oldest] = this.#done) {
      if (oldest.at > Date.now() - limits.doneMs && bytes <= limits.doneBytes) break
      bytes -= oldest.bytes
      this.#done.shift()
      for (const path of [oldest.path, oldest.path.replace(/segment$/, 'division')]) await rm(path, { force: true })
    }
  }
}

function idOf(name: string): string {
  return name.replace(/\.(segment|open-\w+)$/, '')
}

function summary(id: string, frames: readonly Frame[], bytes: number): Summary {
  const rows = frames.reduce((sum, { blocks }) => sum + blocks.reduce((all, block) => all + block.rows, 0), 0)
  return { id, bytes, rows, at: frames[0]?.at ?? begunAt(id) ?? Date.now() }
}
