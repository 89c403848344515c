import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Config } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { registry } from '../../collector/src/metrics.ts'
import type { Row, Store } from '../../collector/src/store/store.ts'
import { emptyStore, insertCalls } from './calls.ts'

let store: Store
let close: () => Promise<void>
/** Each test has an hour of its own, so that none sees the calls of another. */
let hour = Math.floor(Date.now() / 3600_000) * 3600_000 - 20 * 3600_000
let nowMs: number
let arrivedMs: number | undefined
let said: string[]
const judges: Judge[] = []

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
})
afterAll(() => close())
beforeEach(() => {
  hour += 3600_000
  nowMs = hour + 600_000
  arrivedMs = undefined
  said = []
})
afterEach(async () => {
  await Promise.all(judges.splice(0).map((judge) => judge.stop()))
  await store.command('TRUNCATE TABLE alert_events')
})

function configured(alert: string): Config {
  const { config, faults } = parseConfig(`alerts: [{ name: slow, over: 1m, ${alert} }]`, 'test', {})
  expect(faults).toEqual([])
  return config!
}

function judgeOf(config: Config): Judge {
  const log = pino({ level: 'warn' }, { write: (line: string) => said.push(JSON.parse(line).msg) })
  const externalUrl = () => 'http://collector:4319'
  const judge = new Judge({ store, config, log, externalUrl, now: () => nowMs, arrivedMs: () => arrivedMs ?? nowMs })
  judges.push(judge)
  return judge
}

/** Calls that end so long before the moment `nowMs` now is. */
function calls(count: number, durationMs: number, agoMs = 6000, more: Record<string, unknown> = {}): Promise<void> {
  const call = { atMs: nowMs - agoMs - durationMs, durationUs: durationMs * 1000, ...more }
  return insertCalls(
    store,
    Array.from({ length: count }, () => call),
  )
}

async function tick(judge: Judge, seconds: number): Promise<string[]> {
  nowMs += seconds * 1000
  await judge.judgeAlerts()
  return judge.alerts().map(({ state }) => state)
}

function events(): Promise<Row[]> {
  return store.query('SELECT toString(state) AS state, previous, unit, summary FROM alert_events ORDER BY ts, id')
}

it('a breach is told at the first look after the call that is evidence enough, within 15 s', async () => {
  const judge = judgeOf(configured('when: p95 > 300ms'))
  // Ten calls a second, all slow: five of ten are enough, and the tenth ends at nowMs + 1000.
  const slow = { atMs: nowMs - 400, durationUs: 400_000 }
  const tenASecond = Array.from({ length: 100 }, (_, i) => ({ ...slow, atMs: slow.atMs + 100 * (i + 1) }))
  await insertCalls(store, tenASecond)
  const evidenceMs = nowMs + 1000
  while ((await tick(judge, 5)).length === 0) expect(nowMs).toBeLessThan(evidenceMs + 15_000)
  expect(nowMs - evidenceMs).toBeLessThan(10_000)
})

it('a restart goes on with an alert that recovers, and a breach that comes back is no news', async () => {
  const config = configured('when: p95 > 300ms, keep_firing_for: 2m')
  const first = judgeOf(config)
  await calls(20, 400)
  expect(await tick(first, 0)).toEqual(['firing'])
  expect(await tick(first, 70)).toEqual(['recovering'])
  await first.stop()
  const second = judgeOf(config)
  await calls(20, 400)
  expect(await tick(second, 5)).toEqual(['firing'])
  expect(await tick(second, 70)).toEqual(['recovering'])
  await second.stop()
  const third = judgeOf(config)
  expect(await tick(third, 60)).toEqual(['recovering'])
  expect(await tick(third, 60)).toEqual([])
  expect((await events()).map(({ state, previous }) => [state, previous])).toEqual([
    ['firing', ''],
    ['recovering', 'firing'],
    ['firing', 'recovering'],
    ['recovering', 'firing'],
    ['resolved', 'recovering'],
  ])
})

it('the time a pending alert waited through a restart is that of its calls', async () => {
  const config = configured('when: p95 > 300ms, for: 5m')
  const first = judgeOf(config)
  for (let i = 0; i < 6; i++) await calls(20, 400, 6000 - i * 50_000)
  expect(await tick(first, 0)).toEqual(['pending'])
  await first.stop()
  // It was slow all the time nobody looked.
  const second = judgeOf(config)
  expect(await tick(second, 300)).toEqual(['firing'])
  await second.stop()
  const third = judgeOf(config)
  expect(await tick(third, 600)).toEqual([])
})

it('no verdict is given over calls that wait for the store', async () => {
  const judge = judgeOf(configured('when: error_rate > 5%'))
  await calls(20, 10, 6000, { outcome: 'server_error' })
  expect(await tick(judge, 0)).toEqual(['firing'])
  // Nothing is stored from here on: the window would be empty.
  arrivedMs = nowMs
  expect(await tick(judge, 60)).toEqual(['firing'])
  expect(await tick(judge, 50)).toEqual(['firing'])
  const held = await registry.getSingleMetric('callsight_judge_held_seconds')?.get()
  expect(held?.values[0]?.value).toBe(107)
  expect(said).toEqual([])
  // For long: what is stored can break a rule, but ends nothing.
  expect(await tick(judge, 60)).toEqual(['firing'])
  expect(await tick(judge, 60)).toEqual(['firing'])
  expect(said).toEqual(['calls wait for the store: alerts can fire, but none is resolved'])
  arrivedMs = undefined
  expect(await tick(judge, 5)).toEqual([])
  expect((await events()).map(({ state }) => state)).toEqual(['firing', 'resolved'])
})

it('one failure in ten calls is nothing, a few more are', async () => {
  const judge = judgeOf(configured('when: error_rate > 5%'))
  await calls(9, 10)
  await calls(1, 10, 6000, { outcome: 'timeout' })
  expect(await tick(judge, 0)).toEqual([])
  await calls(7, 10, 6000, { outcome: 'timeout' })
  expect(await tick(judge, 5)).toEqual(['firing'])
  expect(await events()).toEqual([
    {
      state: 'firing',
      previous: '',
      unit: 'ratio',
      summary: 'slow: 8 of 17 calls failed; 99.9 % sure the rate is above 5 %, in 1m',
    },
  ])
})
