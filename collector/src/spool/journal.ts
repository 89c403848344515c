import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Block, type WrittenTable, writtenTables } from './block.ts'
import { type Known, Ledger } from './ledger.ts'
import { frameOf } from './segment.ts'

/** A line of a .block file: what one request brought. */
interface Entry {
  key: string
  batch: Partial<Record<WrittenTable, Record<string, unknown>[]>>
}

/**
 * Takes over the journal of version 0.1: a folder of .block files, blocks that may not have been inserted, and a ledger.
 * Each block becomes a segment of the same name, so that its inserts get the tokens they had, and the engine recognises
 * what it took then. A file goes away when its segment is durable; at the end so does the folder.
 */
export async function takeJournal(
  folder: string,
  spool: { folder: string; ledger: Ledger },
  log: Pick<Logger, 'error' | 'info'>,
): Promise<void> {
  if (!existsSync(folder)) return
  let blocks = 0
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (!name.endsWith('.block')) continue
    const entries = read(path)
    if (entries instanceof Error) {
      const aside = join(spool.folder, 'dead-letter', name)
      log.error({ file: aside, reason: entries.message }, 'a block of the journal cannot be read; it is set aside')
      await rename(path, aside)
      continue
    }
    await write(spool.folder, name.slice(0, -'.block'.length), entries)
    rmSync(path)
    blocks++
  }
  const known: Known[] = new Ledger(folder).read()
  await spool.ledger.append(known)
  rmSync(folder, { recursive: true })
  log.info({ blocks, requests: known.length }, 'took over the journal of an earlier version')
}

function read(path: string): Entry[] | Error {
  try {
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line) as Entry)
  } catch (error) {
    return error as Error
  }
}

async function write(folder: string, id: string, entries: readonly Entry[]): Promise<void> {
  const at = Number(id.slice(0, 13)) || Date.now()
  const keys = entries.map(({ key }) => key)
  const path = join(folder, `${id}.segment`)
  const file = await open(`${path}.part`, 'w')
  try {
    for (const part of frameOf(at, keys, blocksOf(entries))) await file.writeFile(part)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
  const directory = await open(folder)
  await directory.sync().finally(() => directory.close())
}

function blocksOf(entries: readonly Entry[]): Block[] {
  return writtenTables.flatMap((table) => {
    const rows = entries.flatMap(({ batch }) => batch[table] ?? [])
    if (rows.length === 0) return []
    const structure = [...new Set(rows.flatMap((row) => Object.keys(row)))].join(', ')
    const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    return [{ table, format: 'JSONEachRow', structure, rows: rows.length, bytes }]
  })
}
