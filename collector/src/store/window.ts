import { readdirSync, readFileSync } from 'node:fs'
import { limits } from '../limits.ts'
import type { Finding } from './prove.ts'
import type { Row, Store } from './store.ts'

/** A table or view as the engine describes it. */
export interface StoredTable extends Row {
  name: string
  engine: string
  /** Its CREATE statement. */
  ddl: string
  /** Views that read what is inserted here. */
  readers: string[]
  /** Of a materialized view: the table it writes to. */
  target: string
  /** Blocks that are remembered here, 0 for none; null when the engine has no such memory. */
  blocks: number | null
  /** How long they are remembered, in seconds; 0 for as long as there is room. */
  seconds: number
}

/** All tables and views of our database. */
export async function tablesOf(store: Store): Promise<StoredTable[]> {
  const defaults = new Map<string, number>()
  const known = "SELECT name, value FROM system.merge_tree_settings WHERE name LIKE '%replicated_deduplication_window%'"
  for (const { name, value } of await store.query(known)) defaults.set(String(name), Number(value))
  const rows = await store.query<Row & { uuid: string; ddl: string; engine: string; name: string; readers: string[] }>(
    `SELECT name, engine, toString(uuid) AS uuid, create_table_query AS ddl, dependencies_table AS readers
     FROM system.tables WHERE database = currentDatabase() ORDER BY name`,
  )
  return rows.map(({ name, engine, uuid, ddl, readers }) => {
    const setting = (key: string) => Number(new RegExp(`\\b${key} = (\\d+)`).exec(ddl)?.[1] ?? defaults.get(key) ?? 0)
    const shared = isReplicated(engine)
    return {
      name,
      engine,
      ddl,
      readers,
      target: engine === 'MaterializedView' ? targetOf(ddl, uuid) : '',
      blocks: engine.endsWith('MergeTree')
        ? setting(shared ? 'replicated_deduplication_window' : 'non_replicated_deduplication_window')
        : null,
      seconds: shared ? setting('replicated_deduplication_window_seconds') : 0,
    }
  })
}

/** Keeper remembers the blocks, for all replicas. */
export function isReplicated(engine: string): boolean {
  return engine.startsWith('Replicated') || engine.startsWith('Shared')
}

/** A view without TO writes to a hidden table; one that is refreshed by a clock is not fed by inserts. */
function targetOf(ddl: string, uuid: string): string {
  const head = ddl.split(' AS SELECT', 1)[0]!
  if (/ REFRESH (EVERY|AFTER) /.test(head)) return ''
  const to = / TO (?:`[^`]+`|\w+)\.(`[^`]+`|\w+)/.exec(head)?.[1]
  return to?.replaceAll('`', '') ?? `.inner_id.${uuid}`
}

/** The tables that migrations make: those exactly-once is promised for. */
export function namesOfOurTables(): Set<string> {
  const folder = new URL('../../sql/', import.meta.url)
  const texts = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'))
  return new Set(texts.flatMap((text) => [...text.matchAll(/^CREATE TABLE IF NOT EXISTS (\w+)/gm)].map((m) => m[1]!)))
}

/** Rows here are calls and what belongs to them: each block of the spool goes into one of these. */
const ingested = new Set(['calls', 'payloads', 'spans', 'logs'])

/**
 * Every table that a view reads from or writes to needs a memory of the blocks it took, the ones that are filled from
 * the spool a long one. Without it the engine takes a repeated block as a new one and says nothing.
 */
export function windowFindings(tables: readonly StoredTable[], ours: ReadonlySet<string>): Finding[] {
  const why = new Map<string, string>()
  for (const { name } of tables) if (ingested.has(name)) why.set(name, 'inserts from the spool are repeated')
  for (const { name, target } of tables) if (target !== '') why.set(target, `the view ${name} writes to it`)
  for (const { name, readers } of tables) {
    const views = readers.toSorted().join(' and ')
    if (readers.length > 0)
      why.set(name, readers.length === 1 ? `the view ${views} reads it` : `the views ${views} read it`)
  }
  return tables.flatMap(({ name, engine, blocks, seconds }): Finding[] => {
    const reason = why.get(name)
    if (reason === undefined) return []
    const level = ours.has(name) ? 'broken' : 'doubtful'
    if (blocks === null) {
      const what = `the engine ${engine} cannot recognise a repeated insert, and ${reason}`
      return [{ subject: `table ${name}`, level, what, remedy: 'Make it a MergeTree, or drop the view' }]
    }
    const wanted = ingested.has(name) ? limits.dedupeBlocks : 1
    const key = isReplicated(engine) ? 'replicated_deduplication_window' : 'non_replicated_deduplication_window'
    const alter = (setting: string, value: number) => `ALTER TABLE ${quoted(name)} MODIFY SETTING ${setting} = ${value}`
    if (blocks < wanted) {
      const what = `it remembers ${blocks} blocks, so a repeated insert may count twice (${key}; ${reason})`
      return [{ subject: `table ${name}`, level, what, remedy: alter(key, limits.dedupeBlocks) }]
    }
    if (isReplicated(engine) && seconds < limits.replicatedWindowS) {
      const what = `it forgets blocks after ${seconds} s, and the spool may keep one for ${limits.replicatedWindowS} s (${reason})`
      return [{ subject: `table ${name}`, level, what, remedy: alter(`${key}_seconds`, limits.replicatedWindowS) }]
    }
    return []
  })
}

function quoted(name: string): string {
  return /^\w+$/.test(name) ? name : `\`${name}\``
}
