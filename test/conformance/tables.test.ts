import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Decoder } from '../../collector/src/receive/decoder.ts'
import { writtenTables } from '../../collector/src/spool/block.ts'
import { migrate } from '../../collector/src/store/migrate.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { temporaryFolder } from '../program.ts'
import { logsOf, metricsOf, OUR_SCOPE, ours, span, tracesOf } from './otlp.ts'

const folder = temporaryFolder()
let store: Store
beforeAll(async () => {
  store = await openStore(`embedded:${join(folder, 'store')}`)
  await migrate(store)
})
afterAll(() => store.close())

it('blocks of every table go into the tables as they are migrated, all columns of a sender among them', async () => {
  const now = Date.now()
  const start = String(BigInt(now) * 1_000_000n)
  const decoder = new Decoder({ consumers: [], keySecret: undefined, pastMs: 86_400_000 })
  const about = { env: 'prod', token: '' }
  const times = { startTimeUnixNano: start, endTimeUnixNano: start }
  const told = {
    'http.request.method': 'GET',
    'callsight.consumer.id': 'u1',
    'callsight.consumer.name': 'Ann',
    'callsight.redaction': 'r1',
    'http.request.body.content': '{}',
    extra: 'x',
  }
  decoder.take(
    'traces',
    'protobuf',
    tracesOf([span(told, times), span({}, { ...times, kind: 1 })], ours, OUR_SCOPE),
    about,
  )
  const answer = {
    'http.request.method': 'GET',
    'server.address': 'api.test',
    'http.response.header.ratelimit': 'a;r=1',
  }
  decoder.take('traces', 'protobuf', tracesOf([span(answer, { ...times, kind: 3 })], ours, OUR_SCOPE), about)
  decoder.take('logs', 'protobuf', logsOf([{ timeUnixNano: start, body: { stringValue: 'hello' } }]), about)
  const point = { dataPoints: [{ timeUnixNano: start, asInt: 5 }] }
  const metrics = ['callsight.agent.seen', 'process.memory.usage'].map((name) => ({ name, gauge: point }))
  decoder.take('metrics', 'protobuf', metricsOf(metrics), about)

  const blocks = decoder.drain()
  // In the order they are inserted: calls, which is counted, comes last.
  expect(blocks.map(({ table }) => table)).toEqual([...writtenTables])
  for (const { table, format, structure, bytes } of blocks) {
    const path = join(folder, `${table}.native`)
    writeFileSync(path, bytes)
    await store.insertBlocks(table, { path, format, structure }, `block-${table}`)
  }
  for (const table of writtenTables) {
    const [found] = await store.query<{ rows: number }>(`SELECT toUInt32(count()) AS rows FROM ${table}`)
    expect([table, found!.rows]).toEqual([table, table === 'calls' ? 2 : 1])
  }
  expect(await store.query("SELECT service, consumer, weight, attributes FROM calls WHERE direction = 'in'")).toEqual([
    { service: 'shop', consumer: 'u1', weight: 1, attributes: { extra: 'x' } },
  ])
  expect(await store.query('SELECT peer, policy, remaining, allowed, resets_at FROM upstream_limits')).toEqual([
    { peer: 'api.test', policy: 'a', remaining: 1, allowed: null, resets_at: null },
  ])
  expect(await store.query('SELECT env, metric, value FROM runtime_metrics')).toEqual([
    { env: 'prod', metric: 'process.memory.usage', value: 5 },
  ])
  // Whatever has a column but a default: nothing that the decoder knows is left to it.
  const written = new Set(blocks.at(-1)!.structure.match(/(?<=^|, )\w+(?= [A-Z])/g))
  const columns = await store.query<{ name: string }>(
    "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'calls' AND default_kind = ''",
  )
  expect(columns.map(({ name }) => name).filter((name) => !written.has(name))).toEqual([])
})
