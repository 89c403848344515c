import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ClickHouse, startClickHouse } from '../clickhouse.ts'
import { api, callsightProgram, freePorts, Program, settled, startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

let clickhouse: ClickHouse
beforeAll(async () => {
  clickhouse = await startClickHouse(join(temporaryFolder(), 'server'))
})
afterAll(() => clickhouse.close())

let spans = 0
/** Sends a call to a collector until it is acknowledged, the same bytes each time, as OTLP clients do. */
async function send(otlp: string, service: string): Promise<number[]> {
  const now = BigInt(Date.now()) * 1_000_000n
  const span = {
    traceId: 'ab'.repeat(16),
    spanId: (++spans).toString(16).padStart(16, '0'),
    kind: 2,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 1_000_000n),
    attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
  }
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] }
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] })
  const answers: number[] = []
  for (;;) {
    const response = await fetch(`${otlp}/v1/traces`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    answers.push(response.status)
    if (response.status === 200) return answers
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
  }
}

const count = async (table: string, service: string, what = 'count()') =>
  (await clickhouse.query(`SELECT ${what} AS n FROM monitoring.${table} WHERE service = '${service}'`))[0]!.n

it('works the same against a ClickHouse server: migrations, calls, roll-ups, pages', async () => {
  const collector = await startCollector({ args: ['--clickhouse', clickhouse.url] })
  await send(collector.otlp, 'plain')
  await settled(collector)
  expect(await api(collector, '/api/v1/services')).toMatchObject({ services: [{ service: 'plain', calls: 1 }] })
  expect(await count('calls_15m', 'plain', 'sum(calls)')).toBe(1)
  await collector.stop()
  expect([...clickhouse.authorizations]).toEqual([`Basic ${Buffer.from('collector:pass word').toString('base64')}`])
  expect(collector.stderr).not.toContain('pass')
  // A second start finds everything in place.
  const again = await startCollector({ args: ['--clickhouse', clickhouse.url] })
  expect(again.stderr).toContain('"migrations":0')
  await again.stop()
})

it('counts once when the answer to an insert is lost', async () => {
  const collector = await startCollector({ args: ['--clickhouse', clickhouse.url] })
  let cuts = 0
  clickhouse.fault = (when, sql) =>
    when === 'after' && /INSERT INTO calls/i.test(sql) && cuts++ < 3 ? 'cut' : undefined
  await send(collector.otlp, 'cut')
  await settled(collector)
  expect(cuts).toBe(4)
  clickhouse.fault = () => undefined
  await collector.stop()
  expect(await count('calls', 'cut')).toBe(1)
  expect(await count('calls_1m', 'cut', 'sum(calls)')).toBe(1)
  expect(await count('calls_15m', 'cut', 'sum(calls)')).toBe(1)
})

it('takes calls while ClickHouse is away, over a kill too, and has each once when it is back', async () => {
  const data = join(temporaryFolder(), 'spool')
  const args = ['--clickhouse', clickhouse.url]
  let collector = await startCollector({ args, data })
  let away = true
  clickhouse.fault = (when, sql) => (when === 'before' && away && /INSERT INTO calls/i.test(sql) ? 'cut' : undefined)
  expect(await send(collector.otlp, 'away')).toEqual([200])
  await until('failed inserts', async () => {
    const metrics = await fetch(`${collector.web}/metrics`).then((response) => response.text())
    return Number(/^callsight_insert_failures_total (\d+)$/m.exec(metrics)?.[1]) >= 4
  })
  await collector.kill()
  collector = await startCollector({ args, data })
  expect(await send(collector.otlp, 'away')).toEqual([200])
  away = false
  await settled(collector)
  clickhouse.fault = () => undefined
  await collector.stop()
  expect(await count('calls', 'away')).toBe(2)
  expect(await count('calls_15m', 'away', 'sum(calls)')).toBe(2)
}, 60_000)

it('loses nothing and doubles nothing while a view fails', async () => {
  const collector = await startCollector({
    args: ['--clickhouse', clickhouse.url],
    data: join(temporaryFolder(), 'view'),
  })
  await clickhouse.query(
    "CREATE MATERIALIZED VIEW monitoring.breaks TO monitoring.calls_1m AS SELECT throwIf(service = 'view') AS calls FROM monitoring.calls",
  )
  for (let call = 0; call < 6; call++) expect(await send(collector.otlp, 'view')).toEqual([200])
  await until('refused inserts', async () => {
    const metrics = await fetch(`${collector.web}/metrics`).then((response) => response.text())
    return Number(/^callsight_insert_failures_total (\d+)$/m.exec(metrics)?.[1]) >= 3
  })
  expect(await send(collector.otlp, 'view')).toEqual([200])
  await clickhouse.query('DROP VIEW monitoring.breaks')
  await settled(collector)
  await collector.stop()
  expect(await count('calls', 'view')).toBe(7)
  expect(await count('calls_1m', 'view', 'sum(calls)')).toBe(7)
  expect(await count('calls_15m', 'view', 'sum(calls)')).toBe(7)
}, 60_000)

it('says which server it cannot reach, without the password', async () => {
  const up = (url: string) => new Program([callsightProgram, 'up', '--clickhouse', url, ...freePorts])
  const nowhere = up('http://me:hunter2@127.0.0.1:9/calls')
  expect((await nowhere.ended).code).toBe(1)
  expect(nowhere.stderr).toContain('callsight: cannot open ClickHouse at http://127.0.0.1:9/calls: ')
  expect(nowhere.stderr).not.toContain('hunter2')
  const odd = up('not a url')
  expect((await odd.ended).code).toBe(1)
  expect(odd.stderr).toContain('Write embedded:DIR or https://user:password@host:8443/callsight.')
})
