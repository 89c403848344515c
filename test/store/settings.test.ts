import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startClickHouse } from '../clickhouse.ts'
import { startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

it('a collector keeps retention and counted latencies as its file says, and follows it', async () => {
  const clickhouse = await startClickHouse(join(temporaryFolder(), 'server'))
  const file = join(temporaryFolder(), 'callsight.yaml')
  const write = (calls: string, latency: string) =>
    writeFileSync(
      file,
      `retention: { calls: ${calls}, rollups: 2y }\nobjectives: [{ name: fast, target: 99%, window: 1d, good: { latency_below: ${latency} } }]\n`,
    )
  const life = async (table: string) =>
    (
      await clickhouse.query(
        `SELECT extract(engine_full, ' TTL (.+?) SETTINGS ') AS life FROM system.tables WHERE database = 'monitoring' AND name = '${table}'`,
      )
    )[0]!.life
  const latencies = async () =>
    (await clickhouse.query('SELECT toUInt32(us) AS us FROM monitoring.thresholds FINAL WHERE NOT removed')).map(
      ({ us }) => us,
    )

  write('40d', '300ms')
  const collector = await startCollector({ args: ['--clickhouse', clickhouse.url, '--config', file] })
  expect(await life('calls')).toBe('toDateTime(ts) + toIntervalDay(40)')
  expect(await life('calls_15m')).toBe('quarter + toIntervalMonth(24)')
  expect(await latencies()).toEqual([300_000])

  write('50d', '250ms')
  await until('the longer life', async () => (await life('calls')) === 'toDateTime(ts) + toIntervalDay(50)')
  await until('the other latency', async () => (await latencies()).join() === '250000')
  expect(collector.stderr).toContain('"tables":["calls"]')

  // A faulty file changes nothing.
  write('20h', '100ms')
  await until('refusal in the log', () => collector.stderr.includes('is faulty; the old configuration stays'))
  expect(collector.stderr).toContain(`${file}:1:21: retention.calls: `)
  expect(await latencies()).toEqual([250_000])
  await collector.stop()
  await clickhouse.close()
})
