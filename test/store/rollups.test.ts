import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { expect, it } from 'vitest'
import { emptySpool } from '../../collector/src/spool/empty.ts'
import { migrate, migrations } from '../../collector/src/store/migrate.ts'
import { exportStore, importStore } from '../../collector/src/store/move.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { setThresholds } from '../../collector/src/store/thresholds.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { startClickHouse } from '../clickhouse.ts'
import { insertCalls, randomCalls } from '../judge/calls.ts'
import { inStore, settled, startCollector, temporaryFolder } from '../program.ts'
import { differing } from './rollups.ts'

const day = 86_400_000
const now = Date.now()
const before = migrations().findIndex(({ name }) => name.startsWith('0011'))

/** A store as it was before the roll-ups by operation and by consumer, with calls of several days. */
async function oldStore(store: Store): Promise<Store> {
  await store.command(`CREATE TABLE IF NOT EXISTS migrations (
    name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
  ) ENGINE = MergeTree ORDER BY name SETTINGS non_replicated_deduplication_window = 1000`)
  for (const { name, sha256, statements } of migrations().slice(0, before)) {
    for (const statement of statements) await store.command(statement)
    await store.insert('migrations', [{ name, sha256 }], `migration-${name}`)
  }
  await setThresholds(store, { objectives: [{ latencyBelowUs: 300_000 }] as never })
  for (const seed of [1, 2]) await insertCalls(store, randomCalls(seed, 2000, now - 3 * day, now))
  return store
}

/** Weighted calls of single calls and of each roll-up. */
async function sums(store: Store): Promise<number[]> {
  const tables = ['calls_1m', 'calls_15m', 'operations_1m', 'operations_15m', 'consumers_15m', 'consumers_1d']
  const [row] = await store.query<{ all: (string | number)[] }>(
    `SELECT [(SELECT sum(weight) FROM calls), ${tables.map((table) => `(SELECT sum(calls) FROM ${table})`)}] AS all`,
  )
  return row!.all.map(Number)
}

async function expectExact(store: Store): Promise<void> {
  expect(await differing(store)).toEqual([])
  const all = await sums(store)
  expect(new Set(all)).toEqual(new Set([all[0]]))
  expect(all[0]).toBeGreaterThan(4000)
}

it('what was stored before is taken over once, and what comes later is added by the views', async () => {
  const store = await oldStore(await openStore(`embedded:${join(temporaryFolder(), 'data')}`))
  await migrate(store)
  await expectExact(store)
  const again = randomCalls(3, 500, now - 2 * day, now)
  await insertCalls(store, again)
  await expectExact(store)
  // The minute of the newest call is known from now on.
  const [newest] = await store.query<{ by_minute: string; by_quarter: string; by_day: string }>(
    `SELECT (SELECT max(minute) FROM calls_1m WHERE fed = 1) AS by_minute,
      (SELECT max(last_minute) FROM operations_15m) AS by_quarter, (SELECT max(last_minute) FROM consumers_1d) AS by_day`,
  )
  expect(newest!.by_quarter).toBe(newest!.by_minute)
  expect(newest!.by_day).toBe(newest!.by_minute)
  await store.close()
})

it('a block of the first run counts once when the next run inserts it again', async () => {
  const url = `embedded:${join(temporaryFolder(), 'data')}`
  const rows = randomCalls(1, 3000, now - day, now).map(
    ({ atMs, operation, consumer, outcome, durationUs, weight }) => {
      return { ts: timeText(atMs), direction: 'in', operation, consumer, outcome, duration_us: durationUs, weight }
    },
  )
  for (let run = 0; run < 3; run++) {
    const store = await openStore(url)
    expect((await migrate(store)).length).toBe(run === 0 ? migrations().length : 0)
    await store.insert('calls', rows, 'of-the-first-run')
    await expectExact(store)
    await store.close()
  }
})

it('a block that a kill left in doubt is repeated before the rows are taken over, and counts once', async () => {
  const store = await oldStore(await openStore(`embedded:${join(temporaryFolder(), 'data')}`))
  const rows = [{ ts: '2026-11-20 10:00:00', direction: 'in', service: 'shop', operation: 'GET /', outcome: 'ok' }]
  await store.insert('calls', rows, 'in-doubt')
  let emptied = 0
  await migrate(
    store,
    {},
    {
      emptySpool: async () => {
        emptied++
        await store.insert('calls', rows, 'in-doubt')
      },
    },
  )
  expect(emptied).toBe(1)
  await expectExact(store)
  await store.close()

  // A new store has nothing to take over.
  const fresh = await openStore(`embedded:${join(temporaryFolder(), 'data')}`)
  await migrate(fresh, {}, { emptySpool: () => Promise.reject(new Error('not needed')) })
  await fresh.close()
})

it('a collector that was killed before it is upgraded counts once what it inserted and inserts again', async () => {
  // What a kill leaves in a spool: segments that are in the engine, though not for certain.
  const killed = await startCollector()
  await send(killed.otlp, 300)
  await settled(killed)
  await killed.kill()
  const left = join(killed.data, 'spool')
  expect(readdirSync(join(left, 'done')).length).toBeGreaterThan(0)
  // A store of before into which they were inserted.
  const data = join(temporaryFolder(), 'data')
  const copy = temporaryFolder()
  cpSync(left, join(copy, 'spool'), { recursive: true })
  await inStore(data, oldStore)
  await inStore(data, async (store) => {
    expect(await emptySpool(copy, store, pino({ level: 'silent' }), { waitMs: 60_000 })).toBe(0)
    expect(await store.query("SELECT count() AS n FROM calls WHERE service = 'killed'")).toEqual([{ n: 300 }])
  })
  cpSync(left, join(data, 'spool'), { recursive: true })
  const upgraded = await startCollector({ data })
  await settled(upgraded)
  await upgraded.stop()
  await inStore(data, async (store) => {
    expect(await store.query("SELECT count() AS n FROM calls WHERE service = 'killed'")).toEqual([{ n: 300 }])
    await expectExact(store)
  })
}, 120_000)

it('beside collectors that go on inserting into a server, every call counts once', async () => {
  const clickhouse = await startClickHouse(join(temporaryFolder(), 'server'))
  const url = clickhouse.url.replace('/monitoring', '/upgraded')
  const store = await oldStore(await openStore(url))
  const other = await openStore(url)
  let inserts = 0
  let stopped = false
  const inserting = (async () => {
    for (; !stopped; inserts++) await insertCalls(other, randomCalls(100 + inserts, 50, now - 2 * day, now))
  })()
  await migrate(store)
  const during = inserts
  stopped = true
  await inserting
  expect(during).toBeGreaterThan(5)
  const fed = await store.query<{ fed: number }>('SELECT DISTINCT fed FROM calls_1m ORDER BY fed')
  expect(fed.map((row) => row.fed)).toEqual([0, 1])
  await expectExact(store)
  await store.close()
  await other.close()
  await clickhouse.close()
}, 120_000)

it('an export from before is imported with them', async () => {
  const out = join(temporaryFolder(), 'out')
  mkdirSync(out, { recursive: true })
  const old = await oldStore(await openStore(`embedded:${join(temporaryFolder(), 'data')}`))
  await exportStore(old, out)
  await old.close()
  const store = await openStore(`embedded:${join(temporaryFolder(), 'data')}`)
  await migrate(store)
  await importStore(store, out)
  await expectExact(store)
  await store.close()
})

async function send(otlp: string, count: number): Promise<void> {
  const start = BigInt(now) * 1_000_000n
  const spans = Array.from({ length: count }, (_, i) => ({
    traceId: 'ab'.repeat(16),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 1_000_000n),
    attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'killed' } }] }
  const response = await fetch(`${otlp}/v1/traces`, {
    method: 'POST',
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    headers: { 'content-type': 'application/json' },
  })
  expect(response.status).toBe(200)
}
