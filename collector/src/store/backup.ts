import { existsSync, mkdirSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { limits } from '../limits.ts'
import { quoted } from './quoted.ts'
import type { Row, Store } from './store.ts'

/** What a backup or a restore did so far. */
export interface Progress {
  done: number
  total: number
}

interface Status extends Row {
  status: string
  error: string
  files_read: string | number
  num_files: string | number
  total_size: string | number
}

/**
 * Where ClickHouse puts a backup: its own expression, `Disk('backups', 'monday')` or `S3(…)`, or, for the embedded
 * engine, a file or folder of this machine.
 *
 * @throws Error for a file of this machine when the store is a server, which would write it on its own
 */
export function backupPlace(store: Store, place: string): string {
  if (isExpression(place)) return place
  if (!store.place.startsWith('embedded:')) {
    throw new Error(
      `the store is a ClickHouse server: name a place that it knows, Disk('backups', 'monday') or S3('https://…'), instead of ${JSON.stringify(place)}`,
    )
  }
  const path = isAbsolute(place) ? place : resolve(place)
  return `File(${quoted(path)})`
}

/** A name and literals, nothing that could go on as a statement. */
export function isExpression(place: string): boolean {
  const literal = String.raw`\s*'(?:[^'\\]|\\.)*'\s*`
  return new RegExp(`^[A-Za-z]\\w*\\(${literal}(?:,${literal})*\\)$`, 's').test(place)
}

/**
 * Writes all tables of the store to a place, as they are at one moment, while the collector goes on.
 * Source: https://clickhouse.com/docs/operations/backup
 *
 * @param place as of backupPlace
 * @returns bytes written
 * @throws Error when the place is taken or cannot be written
 */
export async function backup(store: Store, place: string, tell: (progress: Progress) => void = () => {}) {
  const to = backupPlace(store, place)
  const file = fileOf(to)
  if (file !== undefined) {
    if (existsSync(file)) throw new Error(`${file} is there already: choose another name`)
    mkdirSync(dirname(file), { recursive: true })
  }
  return run(store, `BACKUP DATABASE ${await databaseOf(store)} TO ${to} ASYNC`, 'backup', tell)
}

/**
 * Reads a backup into a store that has nothing yet.
 *
 * @throws Error when the store has data, or the place holds no backup of Callsight
 */
export async function restore(store: Store, place: string, tell: (progress: Progress) => void = () => {}) {
  const from = backupPlace(store, place)
  const file = fileOf(from)
  if (file !== undefined && !existsSync(file)) throw new Error(`there is no backup at ${file}`)
  const tables = await store.query('SELECT name FROM system.tables WHERE database = currentDatabase() LIMIT 1')
  if (tables.length > 0) {
    throw new Error(
      `${store.place} has tables already: restore into a new folder or database, so that nothing is overwritten`,
    )
  }
  return run(store, `RESTORE DATABASE ${await databaseOf(store)} FROM ${from} ASYNC`, 'restore', tell)
}

async function run(
  store: Store,
  statement: string,
  what: string,
  tell: (progress: Progress) => void,
): Promise<{ bytes: number }> {
  const [begun] = await store.query<{ id: string }>(statement)
  for (;;) {
    const [now] = await store.query<Status>(
      'SELECT status, error, files_read, num_files, total_size FROM system.backups WHERE id = {id:String}',
      { id: begun!.id },
    )
    if (now === undefined) throw new Error(`ClickHouse lost sight of the ${what}`)
    if (now.status.endsWith('_FAILED') || now.status.endsWith('_CANCELLED')) {
      throw new Error(`ClickHouse could not finish the ${what}: ${now.error}`)
    }
    tell({ done: Number(now.files_read), total: Number(now.num_files) })
    if (!now.status.startsWith('CREATING') && !now.status.startsWith('RESTORING')) {
      return { bytes: Number(now.total_size) }
    }
    await pause(limits.backupPollMs)
  }
}

async function databaseOf(store: Store): Promise<string> {
  const [row] = await store.query<{ name: string }>('SELECT currentDatabase() AS name')
  return row!.name
}

function fileOf(place: string): string | undefined {
  return /^File\('(.*)'\)$/.exec(place)?.[1]?.replaceAll("\\'", "'").replaceAll('\\\\', '\\')
}
