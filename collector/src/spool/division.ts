import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { limits } from '../limits.ts'
import { isRefusal, type Part as Rows } from '../store/store.ts'
import type { WrittenTable } from './block.ts'
import type { Source } from './file.ts'
import type { Placed } from './segment.ts'

/** Blocks of one table of a segment, or rows of one block. */
export interface Part {
  /** Unique in the segment; with the segment's id it is the token of the part's insert. */
  name: string
  table: WrittenTable
  blocks: Placed[]
  /** Number of the first block and of the first row among the table's. */
  block: number
  row: number
  /** Only these of its one block. */
  rows?: Rows
}

/** What a division needs of the outside. */
export interface Division {
  log: SplitLog
  /** Lends the part's blocks as a file. */
  with<T>(part: Part, use: (source: Source) => Promise<T>): Promise<T>
  insert(part: Part, source: Source): Promise<void>
  /** False when the engine cannot even read the blocks. */
  readable(part: Part, source: Source): Promise<boolean>
  /** Puts rows where people find them, durable. */
  bury(part: Part, reason: string): Promise<void>
}

/** True when it is a view behind the table that refuses: the table itself has the rows by then. */
export function isViewRefusal(error: unknown): boolean {
  return isRefusal(error) && /while pushing to view/.test((error as Error).message)
}

/**
 * Which parts of a segment were given up as one insert and divided. It is durable before the halves are tried: a part
 * that was divided once is never tried as a whole again, since that would be another token for rows already inserted.
 */
export class SplitLog {
  readonly #path: string
  readonly #names: Set<string>

  constructor(path: string) {
    this.#path = path
    let text = ''
    try {
      text = readFileSync(path, 'utf8')
    } catch {
      // Nothing divided yet.
    }
    this.#names = new Set(text.split('\n').slice(0, -1))
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  add(name: string): void {
    if (this.#names.has(name)) return
    appendFileSync(this.#path, `${name}\n`)
    // The line, and the name of the file.
    for (const path of [this.#path, dirname(this.#path)]) {
      const file = openSync(path, 'r')
      try {
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
    }
    this.#names.add(name)
  }
}

/**
 * Inserts the blocks of a table in halves, and the refused halves in halves, until the rows that the engine refuses are
 * alone; these are buried. Blocks first, as one that cannot be parsed hides all that is behind it.
 *
 * @throws what else the engine says; then the same division is gone through again
 */
export async function divide(whole: Part, division: Division): Promise<void> {
  division.log.add(whole.name)
  let statements = 0
  const place = async (part: Part): Promise<void> => {
    if (!division.log.has(part.name)) {
      const refused = await division.with(part, async (source) => {
        try {
          statements++
          await division.insert(part, source)
          return undefined
        } catch (error) {
          if (!isRefusal(error) || isViewRefusal(error)) throw error
          const alone = rowsOf(part) === 1 || statements > limits.divisions
          const final = alone || (part.blocks.length === 1 && !(await division.readable(part, source)))
          return { final, reason: (error as Error).message }
        }
      })
      if (refused === undefined) return
      if (refused.final) return division.bury(part, refused.reason)
      division.log.add(part.name)
    }
    for (const half of halves(part)) await place(half)
  }
  await place(whole)
}

/** All blocks of a table in a segment. */
export function wholeOf(table: WrittenTable, blocks: Placed[]): Part {
  return { name: table, table, blocks, block: 0, row: 0 }
}

function rowsOf({ blocks, rows }: Part): number {
  return rows?.limit ?? blocks.reduce((sum, block) => sum + block.rows, 0)
}

function halves(part: Part): Part[] {
  const { table, blocks, block, row } = part
  if (blocks.length > 1) {
    const middle = blocks.length >> 1
    const before = blocks.slice(0, middle).reduce((sum, { rows }) => sum + rows, 0)
    return [
      { ...part, name: `${table}-${block}+${middle}`, blocks: blocks.slice(0, middle) },
      {
        ...part,
        name: `${table}-${block + middle}+${blocks.length - middle}`,
        blocks: blocks.slice(middle),
        block: block + middle,
        row: row + before,
      },
    ]
  }
  const { offset, limit } = part.rows ?? { offset: 0, limit: rowsOf(part) }
  const first = row - offset
  const rows = [
    { offset, limit: limit >> 1 },
    { offset: offset + (limit >> 1), limit: limit - (limit >> 1) },
  ]
  return rows
    .filter(({ limit }) => limit > 0)
    .map((half) => ({
      ...part,
      name: `${table}-${block}:${half.offset}+${half.limit}`,
      row: first + half.offset,
      rows: half,
    }))
}
