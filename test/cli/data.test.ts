import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../collector/src/store/migrate.ts'
import type { Row, Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { api, callsightProgram, inStore, Program, startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

/** A store with calls of four consumers over three days, and something in every other table. */
let source: string
let counts: Record<string, number>

beforeAll(async () => {
  source = join(temporaryFolder(), 'data')
  counts = await inStore(source, async (store) => {
    await migrate(store)
    for (let day = 0; day < 3; day++) await fill(store, day)
    return countsOf(store)
  })
  expect(counts).toMatchObject({
    calls: 6000,
    calls_1m: 6000,
    calls_15m: 6000,
    operations_1m: 6000,
    operations_15m: 6000,
    consumers_15m: 6000,
    consumers_1d: 6000,
    instance_calls: 6000,
    spans: 600,
    payloads: 600,
  })
})

describe('a store that moves', () => {
  it('is exported and imported with equal counts, and shows how far it is', async () => {
    const out = join(temporaryFolder(), 'out')
    const exported = await run(['export', out, '--data', source])
    expect(exported.stderr).toMatch(/^exporting 100 %, /m)
    expect(exported.stdout).toMatch(/^ {2}calls +6000 rows, 6000 calls$/m)
    const target = join(temporaryFolder(), 'data')
    const imported = await run(['import', out, '--data', target])
    expect(imported.stderr).toMatch(/^importing 100 %, /m)
    expect(imported.stdout).toContain('imported, with the counts of the export:')
    expect(await inStore(target, countsOf)).toEqual(counts)

    // What arrives afterwards is counted on top.
    await inStore(target, (store) => fill(store, 0, 'later'))
    expect(await inStore(target, countsOf)).toMatchObject({
      calls: 8000,
      calls_1m: 8000,
      calls_15m: 8000,
      operations_15m: 8000,
      consumers_1d: 8000,
    })
  })

  it('goes on with an import that was killed', async () => {
    const out = join(temporaryFolder(), 'out')
    await run(['export', out, '--data', source])
    const target = join(temporaryFolder(), 'data')
    const cut = new Program([callsightProgram, 'import', out, '--data', target])
    await until('progress of the import', () => /importing [1-9]\d %/.test(cut.stderr))
    await cut.kill()
    await run(['import', out, '--data', target])
    expect(await inStore(target, countsOf)).toEqual(counts)
  })

  it('refuses a store with data, a folder without an export, and a file that lost rows', async () => {
    const out = join(temporaryFolder(), 'out')
    await run(['export', out, '--data', source])
    const again = await run(['export', out, '--data', source], 1)
    expect(again.stderr).toContain(`${out} holds an export already: choose another folder`)
    const full = await run(['import', out, '--data', source], 1)
    expect(full.stderr).toMatch(
      /has data already: .*calls \(6000 rows\).*\nImport into a new database, before a collector/,
    )
    const none = await run(['import', temporaryFolder(), '--data', join(temporaryFolder(), 'data')], 1)
    expect(none.stderr).toMatch(/holds no export: callsight-export.json is missing, which is written last/)
    const list = join(out, 'callsight-export.json')
    const manifest = readFileSync(list, 'utf8')
    writeFileSync(list, manifest.replace('"calls": 2000', '"calls": 2001'))
    const lost = await run(['import', out, '--data', join(temporaryFolder(), 'data')], 1)
    expect(lost.stderr).toMatch(
      /2000 rows with 2001 calls in calls\S*\.native, 2000 rows with 2000 calls were loaded; none of them was kept/,
    )
    const nowhere = await run(['export', out, '--data', join(out, 'nowhere')], 1)
    expect(nowhere.stderr).toMatch(/there is no store in .*nowhere: name its folder with --data DIR/)
    expect(existsSync(join(out, 'nowhere'))).toBe(false)
  })
})

describe('a backup', () => {
  it('of a stopped store comes back in a new one, and only there', async () => {
    const file = join(temporaryFolder(), 'backup.tar')
    expect((await run(['backup', file, '--data', source])).stdout).toMatch(/^backed up \d+\.\d MB to /)
    const taken = await run(['backup', file, '--data', source], 1)
    expect(taken.stderr).toContain(`${file} is there already: choose another name`)
    const target = join(temporaryFolder(), 'data')
    expect((await run(['restore', file, '--data', target])).stdout).toMatch(/^restored \d+\.\d MB from /)
    expect(await inStore(target, countsOf)).toEqual(counts)
    await inStore(target, (store) => fill(store, 0, 'later'))
    expect(await inStore(target, countsOf)).toMatchObject({
      calls: 8000,
      calls_1m: 8000,
      calls_15m: 8000,
      operations_15m: 8000,
      consumers_1d: 8000,
    })
    const full = await run(['restore', file, '--data', target], 1)
    expect(full.stderr).toContain('has tables already: restore into a new folder or database')
    const missing = await run(['restore', `${file}x`, '--data', join(temporaryFolder(), 'data')], 1)
    expect(missing.stderr).toContain(`there is no backup at ${file}x`)
  })

  it('is made by a running collector, into its own folder', async () => {
    const collector = await startCollector()
    const made = await run(['backup', 'monday.tar', '--running', '--url', collector.web])
    expect(made.stdout).toMatch(/^backed up \d+\.\d MB to .*backups\/monday\.tar$/m)
    expect(existsSync(join(collector.data, 'backups', 'monday.tar'))).toBe(true)
    const outside = await run(['backup', '../x.tar', '--running', '--url', collector.web], 1)
    expect(outside.stderr).toMatch(/place is not a plain name/)
    const expression = await run(['backup', "File('/tmp/x')", '--running', '--url', collector.web], 1)
    expect(expression.stderr).toMatch(/place is not a plain name/)
    await collector.stop()
  })
})

describe('a consumer that is forgotten', () => {
  it('leaves nothing behind, and the others whole', async () => {
    const data = join(temporaryFolder(), 'data')
    await inStore(data, async (store) => {
      await migrate(store)
      await fill(store, 0)
    })
    const said = await run(['forget', '--consumer', "o'neil\\", '--data', data])
    expect(said.stdout).toMatch(/^forgot o'neil\\: .*500 rows of calls$/m)
    await inStore(data, async (store) => {
      for (const table of [
        'calls',
        'calls_1m',
        'calls_15m',
        'consumers_15m',
        'consumers_1d',
        'payloads',
        'consumers',
      ]) {
        expect(await store.query(`SELECT count() AS n FROM ${table} WHERE consumer LIKE 'o%'`), table).toEqual([
          { n: 0 },
        ])
      }
      expect(await store.query('SELECT count() AS n FROM calls')).toEqual([{ n: 1500 }])
      for (const table of ['calls_15m', 'consumers_15m', 'consumers_1d']) {
        expect(await store.query(`SELECT sum(calls) AS n FROM ${table}`)).toEqual([{ n: 1500 }])
      }
      // Sums by operation name nobody, and stay.
      expect(await store.query('SELECT sum(calls) AS n FROM operations_15m')).toEqual([{ n: 2000 }])
      expect(await store.query('SELECT count() AS n FROM spans')).toEqual([{ n: 150 }])
      expect(await store.query("SELECT count() AS n FROM alert_events WHERE labels['consumer'] LIKE 'o%'")).toEqual([
        { n: 0 },
      ])
    })
    const nobody = await run(['forget', '--consumer', 'nobody', '--data', data])
    expect(nobody.stdout).toBe('nothing is stored about nobody\n')
  })

  it('is forgotten by a running collector', async () => {
    const collector = await startCollector()
    const now = BigInt(Date.now()) * 1_000_000n
    const span = (spanId: string, consumer: string) => ({
      traceId: 'ab'.repeat(16),
      spanId,
      kind: 2,
      startTimeUnixNano: String(now),
      endTimeUnixNano: String(now + 1_000_000n),
      attributes: [
        { key: 'http.request.method', value: { stringValue: 'GET' } },
        { key: 'user.id', value: { stringValue: consumer } },
      ],
    })
    const body = {
      resourceSpans: [{ scopeSpans: [{ spans: [span('01'.repeat(8), 'acme'), span('02'.repeat(8), 'zeta')] }] }],
    }
    const sent = await fetch(`${collector.otlp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(sent.status).toBe(200)
    const said = await run(['forget', '--consumer', 'acme', '--running', '--url', collector.web])
    expect(said.stdout).toMatch(/1 rows of calls$/m)
    const { calls } = await api<{ calls: { consumer: string }[] }>(collector, '/api/v1/calls')
    expect(calls.map(({ consumer }) => consumer)).toEqual(['zeta'])
    await collector.stop()
  })
})

async function run(args: string[], code = 0): Promise<Program> {
  const program = new Program([callsightProgram, ...args])
  const ended = await program.ended
  expect(ended, program.stderr).toMatchObject({ code, signal: null })
  return program
}

const consumers = ['acme', "o'neil\\", 'zeta', '']

/** 2,000 calls of a day, 500 by each consumer; a tenth with an inner span and a payload. */
async function fill(store: Store, daysAgo: number, name = 'first'): Promise<void> {
  const start = (Math.floor(Date.now() / 86_400_000) - daysAgo) * 86_400_000
  const rows = Array.from(
    { length: 2000 },
    (_, i): Row => ({
      ts: timeText(start + i * 1000),
      direction: 'in',
      service: 'shop',
      instance: 'one',
      consumer: consumers[i % consumers.length],
      operation: `GET /books/${i % 7}`,
      status: 200,
      outcome: 'ok',
      duration_us: 1000 + i,
      trace_id: (i + 1).toString(16).padStart(32, `${daysAgo + 1}`),
      span_id: (i + 1).toString(16).padStart(16, '7'),
    }),
  )
  const token = `${name}-${daysAgo}`
  await store.insert('calls', rows, `${token}-calls`)
  const traced = rows.filter((_, i) => i % 40 < 4)
  await store.insert(
    'spans',
    traced.map(({ ts, trace_id, span_id }) => ({ ts, service: 'shop', trace_id, span_id })),
    `${token}-spans`,
  )
  await store.insert(
    'payloads',
    traced.map(({ ts, trace_id, span_id, consumer }) => ({
      ts,
      service: 'shop',
      trace_id,
      span_id,
      consumer,
      request_body: '{}',
    })),
    `${token}-payloads`,
  )
  const changed_at = timeText(start)
  await store.insert(
    'consumers',
    consumers.filter(Boolean).map((consumer) => ({ consumer, name: consumer, changed_at })),
    `${token}-consumers`,
  )
  await store.insert(
    'alert_events',
    consumers.map((consumer) => ({ ts: changed_at, id: consumer, rule: 'slow', labels: { consumer } })),
    `${token}-events`,
  )
}

/** Calls of the tables that count calls, rows of the others. Equal rows of a replacing table count once. */
async function countsOf(store: Store): Promise<Record<string, number>> {
  const [row] = await store.query<Record<string, number>>(`SELECT
    (SELECT sum(weight) FROM calls) AS calls,
    (SELECT sum(calls) FROM calls_1m) AS calls_1m,
    (SELECT sum(calls) FROM calls_15m) AS calls_15m,
    (SELECT sum(calls) FROM operations_1m) AS operations_1m,
    (SELECT sum(calls) FROM operations_15m) AS operations_15m,
    (SELECT sum(calls) FROM consumers_15m) AS consumers_15m,
    (SELECT sum(calls) FROM consumers_1d) AS consumers_1d,
    (SELECT sum(arraySum(mapValues(hist))) FROM calls_15m) AS hist,
    (SELECT sum(calls) FROM instance_calls) AS instance_calls,
    (SELECT count() FROM spans) AS spans,
    (SELECT count() FROM payloads) AS payloads,
    (SELECT count() FROM consumers FINAL) AS consumers,
    (SELECT count() FROM alert_events) AS alert_events`)
  return Object.fromEntries(Object.entries(row!).map(([name, value]) => [name, Number(value)]))
}
