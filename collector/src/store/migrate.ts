import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { limits } from '../limits.ts'
import { type LockTimes, MigrationLock } from './lock.ts'
import { choose, inspect, type Profile, render } from './profile.ts'
import type { Store } from './store.ts'

const folder = new URL('../../sql/', import.meta.url)

/** One numbered file of sql/. */
export interface Migration {
  readonly name: string
  readonly sha256: string
  readonly statements: readonly string[]
}

export interface MigrateOptions {
  /** Where a wait for another collector is told of. */
  readonly tell?: (message: string) => void
  readonly times?: LockTimes
  /**
   * Inserts what is in the collector's own spool. Called before rows of other tables are taken over into new ones: a
   * block that is in already, and is repeated afterwards, would count there by the one way and by the other.
   */
  readonly emptySpool?: () => Promise<void>
}

/**
 * The profile of an opened store: an embedded one is single, a server is asked.
 *
 * @throws Error when the configuration cannot be followed
 */
export async function profileOf(store: Store, wanted: Partial<Config['store']> = {}): Promise<Profile> {
  return store.place.startsWith('embedded:') ? { name: 'single' } : choose(await inspect(store), wanted)
}

/**
 * Applies the numbered files of sql/ that this database has not seen, in order, and records each with its checksum.
 * Every statement there can be repeated, so a migration that was cut off is simply run again. On a server a lock keeps
 * the collectors from migrating at the same time; an embedded store is locked by its folder.
 *
 * @param wanted `store` of the configuration
 * @returns the names of the files applied now
 * @throws Error when the database is newer than this program, a file was changed after it was applied, or the tables
 *   are laid out otherwise than the configuration says
 */
export async function migrate(
  store: Store,
  wanted: Partial<Config['store']> = {},
  { tell = () => {}, times, emptySpool }: MigrateOptions = {},
): Promise<string[]> {
  const profile = await profileOf(store, wanted)
  if (profile.cluster !== undefined) {
    const [{ database }] = (await store.query<{ database: string }>('SELECT currentDatabase() AS database')) as [
      { database: string },
    ]
    await store.command(`CREATE DATABASE IF NOT EXISTS ${database} ON CLUSTER '${profile.cluster}'`)
  }
  const table = `CREATE TABLE IF NOT EXISTS migrations (
    name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
  ) ENGINE = MergeTree ORDER BY name SETTINGS non_replicated_deduplication_window = 1000`
  await store.command(render(table, profile))
  if ((await missing(store)).length === 0) return []

  const lock = store.place.startsWith('embedded:') ? undefined : new MigrationLock(store, times)
  await lock?.take(profile, (holder) => tell(`waiting for ${holder}, which is migrating ${store.place}`))
  try {
    const now: string[] = []
    for (const { name, sha256, statements } of await missing(store)) {
      if (statements.some(isByDay) && (await isPresent(store))) await emptySpool?.()
      for (const statement of statements.filter((one) => !isByDay(one))) {
        await lock?.check()
        await store.command(render(statement, profile))
        if (lock === undefined) await reload(store, statement)
      }
      // Inserts of other collectors that began before the views were there say so in their rows, and end by then.
      if (lock !== undefined && statements.some(isByDay) && (await isPresent(store)))
        await pause(limits.insertsUnderWayMs)
      for (const statement of statements.filter(isByDay)) {
        await takeOver(store, statement, lock)
      }
      await store.insert('migrations', [{ name, sha256 }], `migration-${name}`)
      now.push(name)
    }
    return now
  } finally {
    await lock?.giveBack()
  }
}

/**
 * A view remembers blocks under a name that MODIFY QUERY changes until the view is loaded anew (ClickHouse 26.7): a block
 * from before, or one of now that is repeated after a restart, would count twice behind it. Not on a server, where
 * others may insert while the view is away; there the name changes back when the server restarts.
 */
async function reload(store: Store, statement: string): Promise<void> {
  const view = /^ALTER TABLE (\w+) MODIFY QUERY\b/.exec(statement)?.[1]
  if (view === undefined) return
  await store.command(`DETACH TABLE ${view}`)
  await store.command(`ATTACH TABLE ${view}`)
}

/**
 * Takes over, after an import, what an export from before some migrations does not have: the same statements as when a
 * store is brought up to date.
 *
 * @param since the newest migration of the export
 */
export async function takeOverSince(store: Store, since: string): Promise<void> {
  for (const { name, statements } of migrations()) {
    if (name <= since) continue
    for (const statement of statements.filter(isByDay)) await takeOver(store, statement)
  }
}

/** A statement that fills a new table from one that is there, day by day, so that a day fits into memory and one block. */
function isByDay(statement: string): boolean {
  return statement.includes('{day}')
}

async function takeOver(store: Store, statement: string, lock?: MigrationLock): Promise<void> {
  const [, table, time] = /\nFROM (\w+)\nWHERE fed = 0 AND (\w+) >= toDateTime\('\{day\}', 'UTC'\)/.exec(statement)!
  const days = await store.query<{ day: string }>(
    `SELECT DISTINCT toString(toDate(${time})) AS day FROM ${table} WHERE fed = 0 ORDER BY day DESC`,
  )
  for (const { day } of days) {
    await lock?.check()
    // An INSERT is said in the same words everywhere: rows reach the replicas through the table.
    await store.command(statement.replaceAll('{day}', day))
  }
}

/** Whether calls have been stored here at all. */
async function isPresent(store: Store): Promise<boolean> {
  return (await store.query('SELECT 1 AS one FROM calls_1m LIMIT 1')).length > 0
}

/** What this database has not seen. @throws Error when it is newer than this program, or a file was changed */
async function missing(store: Store): Promise<Migration[]> {
  const applied = new Map<string, string>()
  for (const row of await store.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM migrations')) {
    applied.set(row.name, row.sha256)
  }
  const all = migrations()
  const last = all.at(-1)!.name
  const newest = [...applied.keys()].sort().at(-1)
  if (newest !== undefined && newest > last) {
    throw new Error(
      `the database at ${store.place} was migrated by a newer Callsight (${newest}); this one knows up to ${last}. Install that version or newer.`,
    )
  }
  return all.filter(({ name, sha256 }) => {
    const known = applied.get(name)
    if (known !== undefined && known !== sha256) {
      throw new Error(`sql/${name} was changed after it was applied to ${store.place}: put it back, and add a new file`)
    }
    return known === undefined
  })
}

/** The files of sql/, in order. */
export function migrations(): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8')
      return { name, sha256: createHash('sha256').update(text).digest('hex'), statements: statements(text) }
    })
}

/** Splits a file at semicolons that end a line, which is where ours end; comments are dropped. */
export function statements(text: string): string[] {
  return text
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
