import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ClickHouse, startClickHouse } from '../clickhouse.ts'
import { callsightProgram, freePorts, Program, settled, startCollector, temporaryFolder } from '../program.ts'

let clickhouse: ClickHouse
beforeAll(async () => {
  clickhouse = await startClickHouse(join(temporaryFolder(), 'server'))
})
afterAll(() => clickhouse.close())

it('an embedded store moves to a server, and the collector with it', async () => {
  const collector = await startCollector()
  await send(collector.otlp, 'before', 300)
  await settled(collector)
  await collector.stop()

  const out = join(temporaryFolder(), 'out')
  expect((await run(['export', out, '--data', collector.data])).stdout).toMatch(/^ {2}calls +300 rows, 300 calls$/m)
  const imported = await run(['import', out, '--clickhouse', clickhouse.url])
  expect(imported.stdout).toMatch(/^ {2}calls_15m +\d+ rows, 300 calls$/m)
  expect(imported.stderr + imported.stdout).not.toContain('pass')

  const moved = await startCollector({ args: ['--clickhouse', clickhouse.url] })
  await send(moved.otlp, 'after', 50)
  await settled(moved)
  await moved.stop()
  const rollups = ['calls_1m', 'calls_15m', 'operations_1m', 'operations_15m', 'consumers_15m', 'consumers_1d']
  for (const [table, what] of [['calls', 'count()'], ...rollups.map((name) => [name, 'sum(calls)'])]) {
    const rows = await clickhouse.query(
      `SELECT service, ${what} AS n FROM monitoring.${table} GROUP BY service ORDER BY service`,
    )
    expect(rows, table).toEqual([
      { service: 'after', n: 50 },
      { service: 'before', n: 300 },
    ])
  }
})

it('two collectors do not share a spool, although the server would let them', async () => {
  const one = await startCollector({ args: ['--clickhouse', clickhouse.url] })
  const other = new Program([callsightProgram, 'up', '--data', one.data, '--clickhouse', clickhouse.url, ...freePorts])
  expect((await other.ended).code).toBe(1)
  expect(other.stderr).toContain(`is in use by the collector at ${one.web} (process ${one.child.pid})`)
  await one.stop()
})

async function run(args: string[]): Promise<Program> {
  const program = new Program([callsightProgram, ...args])
  expect(await program.ended, program.stderr).toEqual({ code: 0, signal: null })
  return program
}

async function send(otlp: string, service: string, count: number): Promise<void> {
  const now = BigInt(Date.now()) * 1_000_000n
  const spans = Array.from({ length: count }, (_, i) => ({
    traceId: 'ab'.repeat(16),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    kind: 2,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] }
  const response = await fetch(`${otlp}/v1/traces`, {
    method: 'POST',
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    headers: { 'content-type': 'application/json' },
  })
  expect(response.status).toBe(200)
}
