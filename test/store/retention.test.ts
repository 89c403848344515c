import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseConfig } from '../../collector/src/config/read.ts'
import { defaultRetention, retentionKeys } from '../../collector/src/config/retention.ts'
import { migrate } from '../../collector/src/store/migrate.ts'
import { setRetention } from '../../collector/src/store/retention.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { until } from '../until.ts'

const folder = mkdtempSync(join(tmpdir(), 'callsight-retention-'))
const single = { name: 'single' } as const
let store: Store
beforeAll(async () => {
  store = await openStore(`embedded:${folder}`)
  await migrate(store)
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const retention = (text: string) => parseConfig(`retention: ${text}`, 'x', {}).config!.retention
const days = async () =>
  (
    await store.query<{ age: number }>("SELECT DISTINCT dateDiff('day', ts, now64(6)) AS age FROM calls ORDER BY age")
  ).map(({ age }) => age)

it('finds the lives of sql/ as they are without a configuration', async () => {
  expect(await setRetention(store, defaultRetention, single)).toEqual([])
})

it('knows every table that has a life, but for the record of notices', async () => {
  // One month more, or one day, of everything: each table that can be changed is.
  const longer = Object.fromEntries(
    retentionKeys.map((key) => [key, { ...defaultRetention[key], count: defaultRetention[key].count + 1 }]),
  ) as typeof defaultRetention
  const changed = await setRetention(store, longer, single)
  const tables = await store.query<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine_full LIKE '% TTL %'",
  )
  const names = tables.map(({ name }) => name).filter((name) => !['alert_deliveries', 'alert_notices'].includes(name))
  expect(changed.sort()).toEqual(names.sort())
  expect(names).toHaveLength(20)
  // Otherwise a part would be rewritten to learn when it may go.
  const cheap = await store.query(
    "SELECT count() AS n FROM system.tables WHERE engine_full LIKE '%materialize_ttl_recalculate_only = 1%'",
  )
  expect(cheap).toEqual([{ n: names.length }])
  expect(await setRetention(store, longer, single)).toEqual([])
  await setRetention(store, defaultRetention, single)
})

it('drops what has outlived a shorter life, by whole days, and keeps the rest for a longer one', async () => {
  const now = Date.now()
  const calls = Array.from({ length: 200 }, (_, i) => {
    return { ts: timeText(now - (i % 20) * 86_400_000 - 1000), direction: 'in', outcome: 'ok', duration_us: i }
  })
  await store.insert('calls', calls, 'calls')
  expect(await days()).toEqual(Array.from({ length: 20 }, (_, i) => i))
  expect(await setRetention(store, retention('{ calls: 7d }'), single)).toEqual(['calls'])
  await until('end of the old days', async () => Math.max(...(await days())) < 7)
  expect(await days()).toEqual([0, 1, 2, 3, 4, 5, 6])
  // What there is of calls by minute is older and stays.
  expect(await store.query('SELECT sum(calls) AS n FROM calls_1m')).toEqual([{ n: 200 }])
  // The parts know of their longer life: none would go by its old one.
  expect(await setRetention(store, retention('{ calls: 3 months }'), single)).toEqual(['calls'])
  const soonest = `SELECT min(delete_ttl_info_max) > now() + INTERVAL 75 DAY AS late FROM system.parts
    WHERE database = currentDatabase() AND table = 'calls' AND active AND rows > 0`
  await until('the longer life', async () => Number((await store.query<{ late: number }>(soonest))[0]!.late) === 1)
  expect(await days()).toEqual([0, 1, 2, 3, 4, 5, 6])
})
