import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Store } from './store.ts'

const folder = new URL('../../sql/', import.meta.url)

/**
 * Applies the numbered files of sql/ that this database has not seen, in order, and records each with its checksum.
 * Every statement there can be repeated, so a migration that was cut off is simply run again.
 *
 * @returns the names of the files applied now
 * @throws Error when the database is newer than this program, or a file was changed after it was applied
 */
export async function migrate(store: Store): Promise<string[]> {
  await store.command(`CREATE TABLE IF NOT EXISTS migrations (
    name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
  ) ENGINE = MergeTree ORDER BY name SETTINGS non_replicated_deduplication_window = 1000`)
  const applied = new Map<string, string>()
  for (const row of await store.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM migrations')) {
    applied.set(row.name, row.sha256)
  }
  const names = readdirSync(folder)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort()
  const newest = [...applied.keys()].sort().at(-1)
  if (newest !== undefined && newest > names[names.length - 1]!) {
    throw new Error(
      `the database at ${store.place} was migrated by a newer Callsight (${newest}); this one knows up to ${names.at(-1)}. Install that version or newer.`,
    )
  }
  const now: string[] = []
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8')
    const sha256 = createHash('sha256').update(text).digest('hex')
    const known = applied.get(name)
    if (known === sha256) continue
    if (known !== undefined) {
      throw new Error(`sql/${name} was changed after it was applied to ${store.place}: put it back, and add a new file`)
    }
    for (const statement of statements(text)) await store.command(statement)
    await store.insert('migrations', [{ name, sha256 }], `migration-${name}`)
    now.push(name)
  }
  return now
}

/** Splits a file at semicolons that end a line, which is where ours end; comments are dropped. */
export function statements(text: string): string[] {
  return text
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
