import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../collector/src/config/read.ts'
import { objectiveStandings } from '../../collector/src/judge/objective/standing.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { setThresholds, thresholds } from '../../collector/src/store/thresholds.ts'
import { emptyStore, insertCalls, randomCalls } from '../judge/calls.ts'

let store: Store
let close: () => Promise<void>
beforeAll(async () => {
  ;({ store, close } = await emptyStore())
})
afterAll(() => close())

const configOf = (...latencies: string[]) =>
  parseConfig(
    `objectives:\n${latencies.map((latency, i) => `  - { name: o${i}, target: 99%, window: 1h, good: { latency_below: ${latency} } }\n`).join('')}`,
    'x',
    {},
  ).config!

const toMs = Math.floor(Date.now() / 1000) * 1000

describe('under', () => {
  it('is nothing without objectives', async () => {
    await insertCalls(store, randomCalls(1, 100, toMs - 60_000, toMs))
    expect(await store.query('SELECT sumMap(under) AS under FROM calls_1m')).toEqual([{ under: {} }])
  })

  it('counts exactly what objectives call fast enough, in minutes and quarters, at the border too', async () => {
    const config = configOf('5ms', '100ms')
    expect(await setThresholds(store, config)).toBe(2)
    await store.command('TRUNCATE TABLE calls')
    await store.command('TRUNCATE TABLE calls_1m')
    await store.command('TRUNCATE TABLE calls_15m')
    const border = [4999, 5000, 5001, 99_999, 100_000, 100_001].map((durationUs, i) => {
      return { ...randomCalls(9, 1, toMs - 1000, toMs)[0]!, direction: 'in' as const, durationUs, weight: 10 ** i }
    })
    for (const calls of [randomCalls(2, 5000, toMs - 3000_000, toMs), border]) await insertCalls(store, calls)
    for (const objective of config.objectives) {
      const us = objective.latencyBelowUs!
      const raw = `SELECT sumIf(toUInt64(weight), duration_us < ${us}) AS fast FROM calls`
      const [{ fast }] = (await store.query<{ fast: number }>(raw)) as [{ fast: number }]
      expect(Number(fast)).toBeGreaterThan(1000)
      for (const table of ['calls_1m', 'calls_15m']) {
        expect(await store.query(`SELECT sum(under[${us}]) AS fast FROM ${table}`)).toEqual([{ fast }])
      }
      // The judge says the same of the calls that neither failed nor were given up.
      const [standing] = await objectiveStandings(store, { ...config, objectives: [objective] }, toMs)
      const { calls, badCalls } = standing!.counts
      const minutes = `SELECT sum(under[${us}]) AS fast FROM calls_1m
        WHERE direction = 'in' AND outcome IN ('ok', 'client_error')`
      expect(await store.query(minutes)).toEqual([{ fast: calls - badCalls }])
    }
  })

  it('stays as it was counted when an insert is repeated after the latencies changed', async () => {
    const figures = () => store.query('SELECT sum(calls) AS calls, sumMap(under) AS under FROM calls_1m')
    const before = await figures()
    const call = { ts: new Date(toMs).toISOString().slice(0, -1), direction: 'in', outcome: 'ok', duration_us: 6000 }
    await store.insert('calls', [call], 'repeated')
    const once = await figures()
    expect(once).not.toEqual(before)
    await setThresholds(store, configOf('7ms'))
    await store.insert('calls', [call], 'repeated')
    expect(await figures()).toEqual(once)
    await store.insert('calls', [call], 'other')
    expect(await store.query('SELECT sumMap(under)[7000] AS n FROM calls_15m')).toEqual([{ n: 1 }])
  })

  it('is completed by a repetition when the view failed half-way, each call once', async () => {
    const figures = () =>
      store.query(
        'SELECT (SELECT sum(weight) FROM calls) AS raw, (SELECT sum(calls) FROM calls_1m) AS minutes, (SELECT sum(calls) FROM calls_15m) AS quarters',
      )
    const [{ raw }] = (await figures()) as [{ raw: number }]
    const call = { ts: new Date(toMs).toISOString().slice(0, -1), direction: 'in', outcome: 'ok', duration_us: 6000 }
    const [{ sql }] = (await store.query<{ sql: string }>(
      "SELECT as_select AS sql FROM system.tables WHERE name = 'calls_1m_feed'",
    )) as [{ sql: string }]
    await store.command(
      `ALTER TABLE calls_1m_feed MODIFY QUERY ${sql.replace('toUInt64(units)', 'throwIf(1) + toUInt64(units)')}`,
    )
    await expect(store.insert('calls', [call], 'halfway')).rejects.toThrow('throwIf')
    await setThresholds(store, configOf('9ms'))
    await store.command(`ALTER TABLE calls_1m_feed MODIFY QUERY ${sql}`)
    await store.insert('calls', [call], 'halfway')
    await store.insert('calls', [call], 'halfway')
    const after = Number(raw) + 1
    expect(await figures()).toEqual([{ raw: after, minutes: after, quarters: after }])
  })
})

describe('setThresholds', () => {
  it('follows the objectives, and tells since when each is complete', async () => {
    await setThresholds(store, configOf('10ms'))
    const first = await thresholds(store)
    const earliest = Date.now() + limits.futureMs
    expect([...first.keys()]).toEqual([10_000])
    expect(first.get(10_000)).toBeGreaterThan(earliest)
    await setThresholds(store, configOf('20ms', '10ms', '10ms'))
    const second = await thresholds(store)
    expect([...second.keys()].sort()).toEqual([10_000, 20_000])
    // What stays is complete since it came.
    expect(second.get(10_000)).toBe(first.get(10_000))
    expect(await setThresholds(store, configOf('20ms'))).toBe(1)
    expect([...(await thresholds(store)).keys()]).toEqual([20_000])
    // What comes back starts anew.
    await setThresholds(store, configOf('10ms'))
    expect((await thresholds(store)).get(10_000)).toBeGreaterThan(first.get(10_000)!)
  })
})
