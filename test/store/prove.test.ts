import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { migrate } from '../../collector/src/store/migrate.ts'
import { findingsText, prove } from '../../collector/src/store/prove.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { trialPrefix } from '../../collector/src/store/trial.ts'
import { insertByFile } from '../../collector/src/store/trialblock.ts'
import { namesOfOurTables } from '../../collector/src/store/window.ts'
import { temporaryFolder } from '../program.ts'

let store: Store
beforeAll(async () => {
  store = await openStore(`embedded:${temporaryFolder()}`)
  await migrate(store)
})
afterAll(() => store.close())

const names = async (like: string) =>
  (
    await store.query('SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE {like:String}', {
      like,
    })
  ).map(({ name }) => name)

it('finds nothing on the engine we ship, and leaves nothing behind', async () => {
  expect(await prove(store)).toEqual([])
  expect(await names(`${trialPrefix}%`)).toEqual([])
})

it('knows the tables that migrations make', async () => {
  const ours = namesOfOurTables()
  for (const table of ['calls', 'calls_1m', 'calls_15m', 'payloads', 'spans', 'agent_reports'])
    expect(ours).toContain(table)
  for (const table of ours) expect(await names(table)).toEqual([table])
})

it('names the table whose window is missing, by its settings and by the count, and the statement that repairs it', async () => {
  await store.command('ALTER TABLE calls_15m MODIFY SETTING non_replicated_deduplication_window = 0')
  const findings = await prove(store)
  expect(findings.map(({ subject, level }) => `${level} ${subject}`)).toEqual([
    'broken table calls_15m',
    'broken table calls_15m',
  ])
  expect(findingsText(findings)).toBe(
    `  table calls_15m: it remembers 0 blocks, so a repeated insert may count twice (non_replicated_deduplication_window; the views consumers_15m_feed and operations_15m_feed read it).
    ALTER TABLE calls_15m MODIFY SETTING non_replicated_deduplication_window = 10000.
  table calls_15m: a block that was inserted twice under one token counted twice in a copy of it (18 instead of 12).
    See the findings on windows and settings; where there are none, this ClickHouse does not recognise repeated inserts through views: use 26.3 or newer.`,
  )
  await store.command(findings[0]!.remedy)
  expect(await prove(store)).toEqual([])
})

it('wants a long window where the spool inserts', async () => {
  await store.command('ALTER TABLE spans MODIFY SETTING non_replicated_deduplication_window = 100')
  expect((await prove(store)).map(({ subject, what }) => `${subject}: ${what}`)).toEqual([
    'table spans: it remembers 100 blocks, so a repeated insert may count twice (non_replicated_deduplication_window; inserts from the spool are repeated)',
  ])
  await store.command('ALTER TABLE spans MODIFY SETTING non_replicated_deduplication_window = 10000')
})

it('doubts the table behind somebody else’s view, and no view that a clock refreshes', async () => {
  await store.command(
    'CREATE MATERIALIZED VIEW mine ENGINE = SummingMergeTree ORDER BY service AS SELECT service, count() AS n FROM calls GROUP BY service',
  )
  await store.command('CREATE TABLE log_target (service String) ENGINE = Log')
  await store.command('CREATE MATERIALIZED VIEW `my log` TO log_target AS SELECT service FROM calls')
  await store.command('CREATE TABLE hourly (service String) ENGINE = MergeTree ORDER BY service')
  await store.command(
    'CREATE MATERIALIZED VIEW by_clock REFRESH EVERY 1 HOUR TO hourly AS SELECT DISTINCT service FROM calls',
  )
  const findings = await prove(store)
  for (const view of ['mine', 'by_clock', '`my log`']) await store.command(`DROP VIEW ${view} SYNC`)
  expect(findings.map(({ level }) => level)).toEqual(['doubtful', 'doubtful'])
  expect(findingsText(findings)).toMatch(
    /^ {2}table \.inner_id\.[-0-9a-f]{36}: it remembers 0 blocks.*the view mine writes to it\)\.\n {4}ALTER TABLE `\.inner_id/,
  )
  expect(findingsText(findings)).toContain(
    'table log_target: the engine Log cannot recognise a repeated insert, and the view my log writes to it.',
  )
})

it('sees a way of inserting that loses the token', async () => {
  let inserts = 0
  const findings = await prove(store, (table, rows) => store.insert(table, rows, `each its own ${inserts++}`))
  expect(inserts).toBe(3)
  expect(findings.map(({ subject, what }) => `${subject}: ${what}`)).toEqual(
    ['calls', 'calls_1m', 'calls_15m'].map(
      (table) =>
        `table ${table}: a block that was inserted twice under one token counted twice in a copy of it (18 instead of 12)`,
    ),
  )
})

it('inserts as the spool does: a file with a Native block, which is gone afterwards', async () => {
  const folder = temporaryFolder()
  const files: string[][] = []
  const watched = {
    insertBlocks: (...args: Parameters<Store['insertBlocks']>) => {
      files.push(readdirSync(folder))
      return store.insertBlocks(...args)
    },
  }
  expect(await prove(store, insertByFile(watched, folder))).toEqual([])
  expect(files.map(({ length }) => length)).toEqual([1, 1, 1])
  expect(readdirSync(folder)).toEqual([])
})

it('drops what a crashed trial left, and not what another collector tries now', async () => {
  const seconds = Math.floor(Date.now() / 1000)
  const [old, young] = [seconds - 700, seconds - 500].map((at) => `${trialPrefix}${at}_0123456789ab_calls`)
  for (const table of [old, young]) await store.command(`CREATE TABLE ${table} (n UInt8) ENGINE = MergeTree ORDER BY n`)
  await prove(store)
  expect(await names(`${trialPrefix}%`)).toEqual([young])
})
