import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MigrationLock } from '../../collector/src/store/lock.ts'
import { migrate, migrations } from '../../collector/src/store/migrate.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { type ClickHouse, startClickHouse } from '../clickhouse.ts'
import { insertCalls, randomCalls } from '../judge/calls.ts'
import { temporaryFolder } from '../program.ts'
import { differing } from './rollups.ts'

const files = migrations().map(({ name }) => name)
const dist = pathToFileURL(join(import.meta.dirname, '../../collector/dist/store/'))

/** A store as 0.1.0 left it: its files, its record of them, and a day of its rows. */
async function oldStore(folder: string): Promise<Store> {
  const store = await openStore(`embedded:${folder}`)
  await store.command(`CREATE TABLE IF NOT EXISTS migrations (
    name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
  ) ENGINE = MergeTree ORDER BY name SETTINGS non_replicated_deduplication_window = 1000`)
  for (const { name, sha256, statements } of migrations().slice(0, 7)) {
    for (const statement of statements) await store.command(statement)
    await store.insert('migrations', [{ name, sha256 }], `migration-${name}`)
  }
  const now = Date.now()
  for (const seed of [1, 2, 3]) await insertCalls(store, randomCalls(seed, 2000, now - 86_400_000, now))
  const ts = timeText(now - 1000)
  const account = { service: 'shop', instance: 'i1', version: '0.1.0', seen: 3, sent: 1, dropped: { refused: 1 } }
  await store.insert('agent_reports', [{ ts, ...account }], 'reports')
  await store.insert('payloads', [{ ts, service: 'shop', trace_id: 'a', request_body: 'b' }], 'payloads')
  await store.insert('spans', [{ ts, service: 'shop', trace_id: 'a' }], 'spans')
  return store
}

/** All that counts, by table. */
async function counts(store: Store): Promise<unknown> {
  return store.query(`SELECT (SELECT (count(), sum(weight), sum(duration_us), uniqExact(consumer), min(ts), max(ts)) FROM calls) AS calls,
    (SELECT (sum(calls), sum(units), sum(duration_us), max(duration_us_max), sumMap(hist)) FROM calls_1m) AS minutes,
    (SELECT (sum(calls), sum(units), sum(duration_us), max(duration_us_max), sumMap(hist)) FROM calls_15m) AS quarters,
    (SELECT sum(calls) FROM instance_calls) AS instances,
    (SELECT (count(), max(seen)) FROM agent_reports) AS reports,
    (SELECT (uniqExact(quarter), max(seen), max(sent)) FROM agent_reports_15m) AS reports_15m,
    (SELECT count() FROM payloads) AS payloads, (SELECT count() FROM spans) AS spans`)
}

/** The tables and views as the engine tells them. */
async function shape(store: Store): Promise<unknown> {
  return store.query(`SELECT name, create_table_query AS sql FROM system.tables
    WHERE database = currentDatabase() AND name NOT LIKE '.%' ORDER BY name`)
}

/** Migrates in a process of its own that is killed while its statement number `at` runs; 0 for never. */
function migrateKilled(folder: string, at: number): string | null {
  const program = `
    import { migrate } from '${new URL('migrate.js', dist)}'
    import { openStore } from '${new URL('store.js', dist)}'
    const store = await openStore('embedded:' + process.argv[1])
    const command = store.command.bind(store)
    let left = Number(process.argv[2])
    store.command = async (sql) => {
      const running = command(sql)
      if (--left === 0) process.kill(process.pid, 'SIGKILL')
      await running
    }
    await migrate(store)
    await store.close()`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program, folder, String(at)])
  if (child.signal === null && child.status !== 0) throw new Error(String(child.stderr))
  return child.signal
}

describe('an embedded store', () => {
  let fresh: unknown
  let old: unknown
  const folder = join(temporaryFolder(), 'old')
  const cut = join(temporaryFolder(), 'cut')
  beforeAll(async () => {
    const store = await openStore(`embedded:${join(temporaryFolder(), 'fresh')}`)
    expect(await migrate(store)).toEqual(files)
    fresh = await shape(store)
    await store.close()
    const before = await oldStore(folder)
    old = await counts(before)
    await before.close()
    cpSync(folder, cut, { recursive: true })
  })

  it('of 0.1.0 is brought up with all its rows, to the same tables as a new one', async () => {
    const store = await openStore(`embedded:${folder}`)
    expect(await migrate(store)).toEqual(files.slice(7))
    expect(await counts(store)).toEqual(old)
    expect(await differing(store)).toEqual([])
    expect(await shape(store)).toEqual(fresh)
    expect(await migrate(store)).toEqual([])
    // Its views go on, each call once.
    await insertCalls(store, randomCalls(4, 100, Date.now() - 1000, Date.now()))
    const sums = 'SELECT (SELECT sum(weight) FROM calls) = (SELECT sum(calls) FROM calls_15m) AS same'
    expect(await store.query(sums)).toEqual([{ same: 1 }])
    await store.close()
  })

  it('whose migration is killed again and again comes to the same end', async () => {
    // Two statements come before those of the files.
    const statements = migrations().flatMap(({ statements }) => statements).length
    const kills: number[] = []
    for (let at = 2; at <= statements; at += 3) {
      if (migrateKilled(cut, at) === null) break
      kills.push(at)
    }
    expect(kills.length).toBeGreaterThan(5)
    expect(migrateKilled(cut, 0)).toBe(null)
    const store = await openStore(`embedded:${cut}`)
    expect(await counts(store)).toEqual(old)
    expect(await differing(store)).toEqual([])
    expect(await shape(store)).toEqual(fresh)
    expect(await migrate(store)).toEqual([])
    await store.close()
  }, 120_000)

  it('of a newer version is refused, and so is one that a changed file was applied to', async () => {
    const store = await openStore(`embedded:${folder}`)
    try {
      await store.insert('migrations', [{ name: '9999_later.sql', sha256: '' }], 'later')
      await expect(migrate(store)).rejects.toThrow(
        `the database at embedded:${folder} was migrated by a newer Callsight (9999_later.sql); this one knows up to ${files.at(-1)}. Install that version or newer.`,
      )
      await store.command("DELETE FROM migrations WHERE name IN ('9999_later.sql', '0002_spans.sql')")
      await store.insert('migrations', [{ name: '0002_spans.sql', sha256: 'other' }], 'other')
      await expect(migrate(store)).rejects.toThrow(
        `sql/0002_spans.sql was changed after it was applied to embedded:${folder}: put it back, and add a new file`,
      )
    } finally {
      await store.close()
    }
  })
})

describe('a server', () => {
  let clickhouse: ClickHouse
  beforeAll(async () => {
    clickhouse = await startClickHouse(join(temporaryFolder(), 'server'))
  })
  afterAll(() => clickhouse.close())
  const open = (database: string) => openStore(clickhouse.url.replace('/monitoring', `/${database}`))
  // Long enough for a sign of life on a busy machine.
  const times = { lockMs: 3000, waitMs: 20_000 }
  const patient = { ...times, lockMs: 15_000 }

  it('is migrated by one of several collectors, and the others wait', async () => {
    const stores = await Promise.all([1, 2, 3].map(() => open('several')))
    const told: string[] = []
    const results = await Promise.all(
      stores.map((store) => migrate(store, {}, { tell: (message) => told.push(message), times: patient })),
    )
    expect(results.map((names) => names.length).sort()).toEqual([0, 0, files.length])
    expect(told).not.toEqual([])
    for (const message of told)
      expect(message).toMatch(/^waiting for \S+\/\d+\/\S+, which is migrating http:\/\/\S+\/several$/)
    for (const store of stores) await store.close()
  })

  it('is taken over from a migrator that is not heard of any more, and not from a living one', async () => {
    const store = await open('dead')
    const dead = new MigrationLock(store, times)
    await dead.take({ name: 'single' }, () => {})
    await expect(migrate(store, {}, { times: { ...times, waitMs: 4000 } })).rejects.toThrow(
      `${dead.owner} has been migrating ${store.place} for too long. Look at its log; when it is gone, start again.`,
    )
    dead.fallSilent()
    const told: string[] = []
    expect(await migrate(store, {}, { tell: (message) => told.push(message), times })).toEqual(files)
    expect(told).toEqual([`waiting for ${dead.owner}, which is migrating ${store.place}`])
    // The one that stood still learns it before its next statement.
    await expect(dead.check()).rejects.toThrow(/took over the migration of .+: start again$/)
    await store.close()
  })

  it('is laid out as the configuration says, where it can be', async () => {
    const store = await open('cloudy')
    // The engines are plain here, as they would be written in ClickHouse Cloud.
    expect(await migrate(store, { profile: 'cloud' }, { times: patient })).toEqual(files)
    const statements = migrations().flatMap((migration) => migration.statements)
    const windows = statements.filter((sql) =>
      /^CREATE TABLE[\s\S]+ non_replicated_deduplication_window/.test(sql),
    ).length
    expect(
      await store.query(
        "SELECT count() AS n FROM system.tables WHERE database = 'cloudy' AND engine_full LIKE '%replicated_deduplication_window_seconds = 604800%'",
      ),
      // And those of the record of migrations and of its lock.
    ).toEqual([{ n: windows + 2 }])
    await expect(migrate(store, { profile: 'replicated' })).rejects.toThrow(
      'the tables of this database are laid out as single',
    )
    const empty = await open('empty')
    await expect(migrate(empty, { profile: 'replicated' })).rejects.toThrow(
      'replicated tables need the macros shard and replica, and this server has no shard and no replica.',
    )
    await store.close()
    await empty.close()
  })
})
