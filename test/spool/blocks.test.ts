import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Source } from '../../collector/src/spool/file.ts'
import { Inserter } from '../../collector/src/spool/inserter.ts'
import { Spool } from '../../collector/src/spool/spool.ts'
import { migrate } from '../../collector/src/store/migrate.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb')
const log = pino({ level: 'silent' })
const data = join(temporaryFolder(), 'data')
let store: Store
beforeAll(async () => {
  store = await openStore(`embedded:${data}`)
  await migrate(store)
})
afterAll(() => store.close())

const columns =
  "ts DateTime64(6, 'UTC'), direction String, service LowCardinality(String), operation String, units UInt32, weight UInt32, duration_us UInt64, attributes Map(LowCardinality(String), String)"

/** A file of Native blocks, as the decode threads write them: each of so many calls of a service. */
async function nativeFile(name: string, service: string, blocks: number, rows: number): Promise<Source> {
  const session = new Session(data)
  const pieces: Uint8Array[] = []
  for (let block = 0; block < blocks; block++) {
    const sql = `SELECT now64(6, 'UTC') AS ts, 'in' AS direction, toLowCardinality('${service}') AS service, 'GET /' AS operation,
      1::UInt32 AS units, 1::UInt32 AS weight, (number + ${block * rows})::UInt64 AS duration_us,
      map('k', toString(number))::Map(LowCardinality(String), String) AS attributes FROM numbers(${rows}) SETTINGS max_threads = 1`
    pieces.push((await session.queryAsync(sql, { format: 'Native' })).bytes())
  }
  session.close()
  const path = join(temporaryFolder(), name)
  writeFileSync(path, Buffer.concat(pieces))
  return { path, format: 'Native', structure: columns }
}

const counts = async (service: string) => {
  const [row] = await store.query(
    `SELECT (SELECT count() FROM calls WHERE service = {service:String}) AS raw,
      (SELECT sum(calls) FROM calls_1m WHERE service = {service:String}) AS minute,
      (SELECT sum(calls) FROM calls_15m WHERE service = {service:String}) AS quarter,
      (SELECT uniqExact(_part) FROM calls WHERE service = {service:String}) AS parts`,
    { service },
  )
  return row
}

it('the embedded engine syncs each insert: else it could remember a block that a power failure took', async () => {
  expect(
    await store.query(
      "SELECT name FROM system.merge_tree_settings WHERE name IN ('fsync_after_insert', 'fsync_part_directory') AND value = '1'",
    ),
  ).toHaveLength(2)
})

it('many Native blocks of a file are one inserted block, recognised when it is repeated', async () => {
  const source = await nativeFile('many', 'many', 12, 9000)
  const all = { raw: 108_000, minute: 108_000, quarter: 108_000, parts: 1 }
  await store.insertBlocks('calls', source, 'many-calls')
  expect(await counts('many')).toEqual(all)
  await store.insertBlocks('calls', source, 'many-calls')
  expect(await counts('many')).toEqual(all)
})

it('a part of a file is exactly its rows, recognised when it is repeated', async () => {
  const source = await nativeFile('part', 'part', 3, 1000)
  const part = { limit: 1500, offset: 700 }
  for (const _ of [1, 2]) await store.insertBlocks('calls', source, 'part-calls', part)
  expect(await counts('part')).toEqual({ raw: 1500, minute: 1500, quarter: 1500, parts: 1 })
  const [range] = await store.query(
    "SELECT min(duration_us) AS first, max(duration_us) AS last FROM calls WHERE service = 'part'",
  )
  expect(range).toEqual({ first: 700, last: 2199 })
  const lines = await store.readBlocks('calls', source, { limit: 2, offset: 999 })
  expect(
    lines
      ?.split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).duration_us),
  ).toEqual([999, 1000])
})

it('a view that fails half way leaves nothing out and counts nothing twice when it is gone', async () => {
  const source = await nativeFile('view', 'view', 2, 500)
  await store.command(
    "CREATE MATERIALIZED VIEW breaks TO calls_15m AS SELECT throwIf(service = 'view') AS units FROM calls",
  )
  for (const _ of [1, 2, 3]) {
    await expect(store.insertBlocks('calls', source, 'view-calls')).rejects.toThrow(
      /while pushing to view callsight\.breaks/,
    )
  }
  await store.command('DROP VIEW breaks')
  for (const _ of [1, 2]) await store.insertBlocks('calls', source, 'view-calls')
  expect(await counts('view')).toEqual({ raw: 1000, minute: 1000, quarter: 1000, parts: 1 })
})

it('what the journal of version 0.1 left is inserted under its old tokens, and its requests stay known', async () => {
  const rows = (service: string, n: number) =>
    Array.from({ length: n }, () => ({
      ts: new Date().toISOString().replace('T', ' ').slice(0, -1),
      direction: 'in',
      service,
    }))
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'journal'))
  const block = (id: string, calls: object[]) =>
    writeFileSync(join(folder, 'journal', `${id}.block`), `${JSON.stringify({ key: `of-${id}`, batch: { calls } })}\n`)
  // One that was inserted before its file could go, and one that was not.
  await store.insert('calls', rows('old', 3), '1795219200123-a-calls')
  block('1795219200123-a', rows('old', 3))
  block('1795219200124-b', rows('old', 2))
  writeFileSync(join(folder, 'journal', '1795219200125-c.block'), 'not json\n')
  writeFileSync(join(folder, 'journal', 'ledger'), `${Date.now()} stored\n`)
  const spool = await Spool.open(folder, log)
  expect(spool.takeKnown().map(([key]) => key)).toEqual(['stored'])
  const inserter = new Inserter({ spool, store, log, closeOlder: () => undefined })
  await until('an empty spool', () => spool.state().segments === 0)
  await inserter.stop()
  expect(await counts('old')).toMatchObject({ raw: 5, minute: 5, quarter: 5 })
  const again = await Spool.open(folder, log)
  expect(again.takeKnown().map(([key]) => key)).toEqual(['stored'])
})
