import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { takeOverSince } from './migrate.ts'
import { quoted } from './quoted.ts'
import type { Store } from './store.ts'
import { type DataTable, dataTables } from './tables.ts'

/*
 * A store on its way from one ClickHouse to another: a folder with one file in the Native format for each partition of
 * each table, and a list of them with their counts.
 */

/** One partition of one table. */
export interface Part {
  table: string
  /** ClickHouse's id of the partition: 20261121, or all for a table without partitions. */
  partition: string
  columns: string[]
  rows: number
  /** Sum of the counted calls in it; 0 for a table that counts none. */
  calls: number
  /** Relative to the folder. */
  file: string
  bytes: number
}

/** The list of a folder. */
export interface Manifest {
  callsight: 1
  /** The newest migration of the store it came from. */
  migration: string
  exported_at: string
  parts: Part[]
}

/** Told after each partition, in rows. */
export type Tell = (done: { rows: number; of: number; what: string }) => void

const LIST = 'callsight-export.json'

/**
 * Writes every table to a folder. The list comes last, so that a folder with a list is whole.
 *
 * @throws Error when the folder holds an export already or cannot be written
 */
export async function exportStore(store: Store, folder: string, tell: Tell = () => {}): Promise<Manifest> {
  const path = resolve(folder)
  await mkdir(path, { recursive: true })
  if ((await readList(path)) !== undefined) throw new Error(`${path} holds an export already: choose another folder`)
  const newest = await newestMigration(store)
  const tables = await dataTables(store)
  const partitions = await store.query<{ table: string; partition: string; rows: string | number }>(
    `SELECT table, partition_id AS partition, sum(rows) AS rows FROM system.parts
     WHERE database = currentDatabase() AND active AND table IN {names:Array(String)}
     GROUP BY table, partition ORDER BY table, partition`,
    { names: tables.map(({ name }) => name) },
  )
  const of = partitions.reduce((sum, { rows }) => sum + Number(rows), 0)
  const parts: Part[] = []
  let rows = 0
  for (const { table, partition, rows: about } of partitions) {
    parts.push(await exportPart(store, path, tables.find(({ name }) => name === table)!, partition))
    rows += Number(about)
    tell({ rows, of, what: table })
  }
  const manifest: Manifest = {
    callsight: 1,
    migration: newest,
    exported_at: new Date().toISOString(),
    parts,
  }
  await writeFile(join(path, `${LIST}.part`), `${JSON.stringify(manifest, undefined, 1)}\n`)
  await rename(join(path, `${LIST}.part`), join(path, LIST))
  return manifest
}

async function exportPart(store: Store, folder: string, table: DataTable, partition: string): Promise<Part> {
  await mkdir(join(folder, table.name), { recursive: true })
  const file = join(table.name, `${partition}.native`)
  const path = join(folder, file)
  const list = table.columns.join(', ')
  await store.command(
    `INSERT INTO FUNCTION file(${quoted(path)}, 'Native')
     SELECT ${list} FROM ${table.name} WHERE _partition_id = ${quoted(partition)}
     SETTINGS engine_file_truncate_on_insert = 1`,
  )
  // A merge may have added rows of a roll-up together meanwhile: what counts is what is in the file.
  const counts = await countsOf(store, `file(${quoted(path)}, 'Native')`, table)
  return { table: table.name, partition, columns: table.columns, ...counts, file, bytes: (await stat(path)).size }
}

async function newestMigration(store: Store): Promise<string> {
  const [row] = await store.query<{ name: string }>('SELECT max(name) AS name FROM migrations')
  return row!.name
}

/** Rows, and the calls they stand for where the table counts calls. */
async function countsOf(
  store: Store,
  from: string,
  { name, columns }: DataTable,
): Promise<{ rows: number; calls: number }> {
  const calls = columns.includes('calls') ? 'sum(calls)' : name === 'calls' ? 'sum(weight)' : '0'
  const [counts] = await store.query<{ n: string | number; counted: string | number }>(
    `SELECT count() AS n, ${calls} AS counted FROM ${from}`,
  )
  return { rows: Number(counts!.n), calls: Number(counts!.counted) }
}

/**
 * Brings an export into a store that has the tables and no data. Each partition is loaded beside its table, counted,
 * and only then put into it in one step, which no view sees: the roll-ups come from the export themselves. An import
 * that was cut off goes on where it was.
 *
 * @returns the totals, equal to those of the export
 * @throws Error when the store has data, is older than the export, or counts differently from the export
 */
export async function importStore(store: Store, folder: string, tell: Tell = () => {}): Promise<Manifest> {
  const path = resolve(folder)
  const manifest = await readList(path)
  if (manifest === undefined) throw new Error(`${path} holds no export: ${LIST} is missing, which is written last`)
  const newest = await newestMigration(store)
  if (newest < manifest.migration) {
    throw new Error(`the export comes from a newer Callsight (${manifest.migration}): install that version or newer`)
  }
  const done = await Done.of(path, store.place)
  if (!done.begun) {
    await refuseData(store, manifest)
    await done.begin()
  }
  const of = manifest.parts.reduce((sum, part) => sum + part.rows, 0)
  let rows = 0
  for (const part of manifest.parts) {
    if (!done.has(part)) {
      await importPart(store, path, part)
      await done.add(part)
    }
    rows += part.rows
    tell({ rows, of, what: part.table })
  }
  // Tables that the export does not have yet; a repetition is recognised.
  await takeOverSince(store, manifest.migration)
  return manifest
}

async function importPart(store: Store, folder: string, part: Part): Promise<void> {
  const staging = `import_${part.table}`
  const partition = `PARTITION ID ${quoted(part.partition)}`
  await store.command(`DROP TABLE IF EXISTS ${staging}`)
  await store.command(`CREATE TABLE ${staging} AS ${part.table}`)
  // A merge would add rows together, or drop what has outlived its time, before they are counted.
  await store.command(`SYSTEM STOP MERGES ${staging}`)
  try {
    const path = join(folder, part.file)
    await store.load(staging, part.columns, path)
    same(part, await countsOf(store, staging, { name: part.table, columns: part.columns }))
    await store.command(`ALTER TABLE ${part.table} REPLACE ${partition} FROM ${staging}`)
  } finally {
    await store.command(`DROP TABLE IF EXISTS ${staging}`)
  }
}

/** @throws Error when something got lost on the way */
function same(part: Part, found: { rows: number; calls: number }): void {
  if (found.rows === part.rows && found.calls === part.calls) return
  const said = ({ rows, calls }: { rows: number; calls: number }) => `${rows} rows with ${calls} calls`
  throw new Error(
    `${part.table}, partition ${part.partition}: ${said(part)} in ${part.file}, ${said(found)} were loaded; none of them was kept`,
  )
}

async function refuseData(store: Store, { parts }: Manifest): Promise<void> {
  const names = [...new Set(parts.map(({ table }) => table))]
  const full = await store.query<{ table: string; rows: string | number }>(
    `SELECT table, sum(rows) AS rows FROM system.parts
     WHERE database = currentDatabase() AND active AND table IN {names:Array(String)} GROUP BY table ORDER BY table`,
    { names },
  )
  if (full.length === 0) return
  const list = full.map(({ table, rows }) => `${table} (${rows} rows)`).join(', ')
  throw new Error(
    `${store.place} has data already: ${list}.\nImport into a new database, before a collector writes to it.`,
  )
}

async function readList(folder: string): Promise<Manifest | undefined> {
  let text: string
  try {
    text = await readFile(join(folder, LIST), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const manifest = JSON.parse(text) as Manifest
  if (manifest.callsight !== 1) throw new Error(`${join(folder, LIST)} is of a version that this Callsight cannot read`)
  return manifest
}

/** What of an export is in a store already, kept beside the export. */
class Done {
  readonly #file: string
  readonly #place: string
  readonly #places: Record<string, string[]>

  private constructor(file: string, place: string, places: Record<string, string[]>) {
    this.#file = file
    this.#place = place
    this.#places = places
  }

  static async of(folder: string, place: string): Promise<Done> {
    const file = join(folder, 'imported.json')
    const text = await readFile(file, 'utf8').catch(() => '{}')
    return new Done(file, place, JSON.parse(text) as Record<string, string[]>)
  }

  get begun(): boolean {
    return this.#files !== undefined
  }

  has({ file }: Part): boolean {
    return this.#files?.includes(file) === true
  }

  begin(): Promise<void> {
    return this.#note([])
  }

  add({ file }: Part): Promise<void> {
    return this.#note([...(this.#files ?? []), file])
  }

  async #note(files: string[]): Promise<void> {
    this.#places[this.#place] = files
    await writeFile(`${this.#file}.part`, JSON.stringify(this.#places, undefined, 1))
    await rename(`${this.#file}.part`, this.#file)
  }

  get #files(): string[] | undefined {
    return this.#places[this.#place]
  }
}
