import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Config, Objective } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { burnRules } from '../../collector/src/judge/alert/rules.ts'
import { burnReadings } from '../../collector/src/judge/alert/standings.ts'
import { step } from '../../collector/src/judge/alert/step.ts'
import { ObjectiveBook } from '../../collector/src/judge/objective/book.ts'
import type { ObjectiveStanding } from '../../collector/src/judge/objective/standing.ts'
import { tryLatency } from '../../collector/src/judge/objective/trial.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { randomly } from '../random.ts'
import { emptyStore } from './calls.ts'
import { type RawCall, recount } from './recount.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe']
const consumers = ['acme', 'bob', 'carol', 'dora']

let store: Store
let close: () => Promise<void>
beforeAll(async () => {
  ;({ store, close } = await emptyStore())
})
afterAll(() => close())

let inserts = 0
async function insert(calls: readonly RawCall[]): Promise<void> {
  const rows = calls.map(({ atMs, durationUs, ...rest }) => ({ ts: timeText(atMs), duration_us: durationUs, ...rest }))
  await store.insert('calls', rows, `objectives-${inserts++}`)
}

async function empty(): Promise<void> {
  for (const table of ['calls', 'calls_1m', 'calls_15m', 'thresholds']) await store.command(`TRUNCATE TABLE ${table}`)
}
beforeEach(empty)

/** Counts calls under a latency exactly from `sinceMs` on, as store/thresholds.ts does. */
async function count(us: number, sinceMs: number): Promise<void> {
  await store.insert('thresholds', [{ us, since: timeText(sinceMs), removed: false }], `threshold-${inserts++}`)
}

type Pick = <T>(values: readonly T[]) => T

/** Calls with bursts, so that some minutes have many and some hours none; on edges of minutes more often than by chance. */
function callsOf(random: () => number, count: number, fromMs: number, toMs: number): RawCall[] {
  const pick: Pick = (values) => values[Math.floor(random() * values.length)]!
  const bursts = Array.from({ length: 12 }, () => fromMs + random() * (toMs - fromMs))
  return Array.from({ length: count }, () => {
    const spread = random() < 0.6 ? pick(bursts) + (random() - 0.5) * HOUR : fromMs + random() * (toMs - fromMs)
    const ms = Math.floor(Math.min(Math.max(spread, fromMs), toMs - 1))
    const edge = Math.floor(ms / MINUTE) * MINUTE
    const outcome = pick(['ok', 'ok', 'ok', 'ok', 'client_error', 'server_error', 'timeout', 'aborted'] as const)
    return {
      atMs: random() < 0.3 && edge >= fromMs ? edge - (random() < 0.5 && edge - 1 >= fromMs ? 1 : 0) : ms,
      direction: pick(['in', 'in', 'in', 'out'] as const),
      service: pick(['shop', 'shop', 'billing']),
      operation: pick(['GET /books', 'GET /books/:id', 'POST /orders', 'GET /100%_off', 'GET /100xxoff']),
      consumer: pick([...consumers, '']),
      status: {
        ok: 200,
        client_error: pick([400, 404, 429]),
        server_error: pick([500, 501]),
        timeout: 504,
        aborted: 499,
      }[outcome],
      outcome,
      durationUs: pick([249_999, 250_000, 250_001, Math.floor(1000 * 1000 ** random())]),
      weight: pick([1, 1, 1, 2, 10, 1000]),
    }
  })
}

function configOf(random: () => number, atMs: number, objectives: number): Config {
  const pick: Pick = (values) => values[Math.floor(random() * values.length)]!
  const lines = Array.from({ length: objectives }, (_, i) => {
    const method = pick(['occurrences', 'occurrences', 'timeslices', 'ratio_timeslices'])
    const parts = [
      `name: o${i}`,
      `target: ${pick(['99.9%', '95%', '50%', '33.3%'])}`,
      `window: ${pick(['1h', '90m', '1d', '7d', '20d', 'day', 'week', 'month'])}`,
      `time_zone: ${pick(zones)}`,
      pick(['', 'service: shop']),
      pick(['', 'operation: "GET /100%_*"', 'operation: "GET /books*"', 'operation: POST /orders']),
      pick(['', 'per: consumer', 'consumer: bob']),
      pick([
        '',
        'good: { latency_below: 250ms }',
        'good: { statuses: [501, 404] }',
        'good: { latency_below: 250ms, statuses: [501] }',
      ]),
      pick(['', 'failed: [server_error, aborted, 429]', 'failed: [429]', 'failed: []']),
      pick(['', 'not_counted: [client_error, 500]', 'not_counted: []']),
      `method: ${method}`,
      ...(method === 'occurrences'
        ? []
        : [`slice: ${pick(['1m', '2m', '5m', '15m', '20m', '1h'])}`, `empty: ${pick(['good', 'ignore', 'bad'])}`]),
      ...(method === 'timeslices' ? [`slice_target: ${pick(['50%', '90%', '99%'])}`] : []),
      excluded(random, atMs),
    ]
    return `  - { ${parts.filter((part) => part !== '').join(', ')} }`
  })
  const people = consumers.slice(0, 3).map((id) => `  - { id: ${id}, time_zone: ${pick(zones)} }`)
  const text = `consumers:\n${people.join('\n')}\nobjectives:\n${lines.join('\n')}\n`
  const { config, faults } = parseConfig(text, 'test', {})
  expect(faults).toEqual([])
  return config!
}

function excluded(random: () => number, atMs: number): string {
  if (random() < 0.6) return ''
  const time = (ms: number) => `${new Date(Math.floor(ms / MINUTE) * MINUTE).toISOString().slice(0, 16)}Z`
  const some = Array.from({ length: 3 }, () => {
    const from = atMs - random() ** 3 * 10 * DAY
    return `{ from: ${time(from)}, to: ${time(from + MINUTE + random() * 3 * HOUR)} }`
  })
  return `exclude: [${some.join(', ')}]`
}

const zoneOf = (config: Config, objective: Objective, consumer: string) =>
  config.consumers.find(({ id }) => id === consumer)?.timeZone ?? objective.timeZone

/** Every objective and consumer with its counts, by a plain recount. */
function expected(config: Config, calls: readonly RawCall[], atMs: number) {
  return config.objectives.flatMap((objective) => {
    if (objective.per === undefined) {
      const { consumer = '' } = objective
      return [[objective.name, consumer, recount(objective, zoneOf(config, objective, consumer), calls, atMs)]] as const
    }
    return consumers.flatMap((consumer) => {
      const own = calls.filter((call) => call.consumer === consumer)
      const counts = recount(objective, zoneOf(config, objective, consumer), own, atMs)
      return counts.calls === 0 ? [] : [[objective.name, consumer, counts] as const]
    })
  })
}

function found(standings: readonly ObjectiveStanding[]) {
  return standings.map(({ objective, consumer, counts: { unsureCalls, ahead, ...counts } }) => {
    expect(unsureCalls).toBe(0)
    return [objective.name, consumer, counts] as const
  })
}

function sorted<T extends readonly [string, string, unknown]>(some: readonly T[]): Map<string, unknown> {
  return new Map(some.map(([name, consumer, counts]) => [`${name} ${consumer}`, counts] as const).sort())
}

describe('objectives', () => {
  it('equal a plain recount: zones, weights, slices, exclusions, calls that come late, restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 3 * DAY }), async (seed, ago) => {
        await empty()
        const random = randomly(seed)
        let atMs = Date.now() - ago
        const oldest = atMs - 22 * DAY
        const config = configOf(random, atMs, 14)
        // The latency is promised in the middle of things: what is older is counted from the calls.
        const since = Math.floor(oldest + random() * (atMs - oldest))
        const calls = callsOf(random, 1500, oldest, atMs)
        await insert(calls.filter((call) => call.atMs < since))
        await count(250_000, since)
        await insert(calls.filter((call) => call.atMs >= since))
        let book = new ObjectiveBook(store)
        expect(sorted(found(await book.standings(config, atMs)))).toEqual(sorted(expected(config, calls, atMs)))
        for (let turn = 0; turn < 3; turn++) {
          // Some steps cross a quarter, some a day; with each some calls come that are hours and days old.
          atMs += Math.floor(random() ** 3 * (random() < 0.3 ? 30 * HOUR : 20 * MINUTE)) + 1
          const late = [...callsOf(random, 60, oldest, atMs), ...callsOf(random, 60, atMs - 2 * HOUR, atMs)]
          calls.push(...late)
          await insert(late)
          atMs += limits.objectiveLookMs
          if (random() < 0.3) book = new ObjectiveBook(store)
          expect(sorted(found(await book.standings(config, atMs)))).toEqual(sorted(expected(config, calls, atMs)))
        }
      }),
      { numRuns: 4 },
    )
  }, 300_000)

  it('of another latency are told within the histogram, and hold the truth', async () => {
    const random = randomly(7)
    const atMs = Date.now()
    const calls = callsOf(random, 3000, atMs - 6 * DAY, atMs)
    await insert(calls)
    const config = configOf(random, atMs, 20)
    const standings = await new ObjectiveBook(store).standings(config, atMs)
    let ranges = 0
    for (const us of [249_000, 250_000, 3_000, 90_000]) {
      for (const objective of config.objectives) {
        const some = standings.filter((standing) => standing.objective === objective)
        for (const trial of await tryLatency((sql, params) => store.query(sql, params), some, us)) {
          const { consumer } = trial
          const own = calls.filter((call) => objective.per === undefined || call.consumer === consumer)
          const other = { ...objective, latencyBelowUs: us }
          const { total, bad } = recount(other, zoneOf(config, objective, consumer), own, atMs)
          expect(trial.attainment === null).toBe(total === 0)
          if (total === 0) continue
          expect(trial.low).toBeLessThanOrEqual((total - bad) / total + 1e-9)
          expect(trial.high).toBeGreaterThanOrEqual((total - bad) / total - 1e-9)
          if (trial.low! < trial.high!) ranges++
        }
      }
    }
    expect(ranges).toBeGreaterThan(10)
  }, 60_000)

  it('are counted from the histogram where the calls of a new latency are gone, and say how unsure that is', async () => {
    const atMs = Math.floor(Date.now() / HOUR) * HOUR + 30_000
    const text = 'objectives: [{ name: o, target: 99%, window: 90d, good: { latency_below: 300ms } }]'
    const { config } = parseConfig(`retention: { calls: 2d }\n${text}`, 'x', {})
    const call = (ago: number, durationUs: number): RawCall => ({
      ...{ atMs: atMs - ago, direction: 'in', service: 's', operation: 'o', consumer: 'c', status: 200, outcome: 'ok' },
      ...{ durationUs, weight: 1 },
    })
    const old = [100_000, 280_000, 290_000, 299_000, 301_000, 500_000].map((us) => call(10 * DAY, us))
    await insert([...old, call(DAY, 299_999), call(DAY, 300_000)])
    const [standing] = await new ObjectiveBook(store).standings(config!, atMs)
    // The bucket of 300 ms reaches from 294 to 307 ms: two calls of ten days ago are in it.
    expect(standing?.counts).toMatchObject({ calls: 8, unsureCalls: 2 })
    expect(standing?.counts.badCalls).toBeGreaterThanOrEqual(2)
    expect(standing?.counts.badCalls).toBeLessThanOrEqual(4)
  })

  it('ask for what is new, and only now and then for a day', async () => {
    const text =
      'objectives: [{ name: o, target: 99%, window: 30d }, { name: p, target: 99%, window: month, per: consumer }]'
    const { config } = parseConfig(text, 'x', {})
    const asked: string[] = []
    const watched = {
      query(sql: string, params = {}) {
        asked.push(sql)
        return store.query(sql, params)
      },
    } as Store
    const book = new ObjectiveBook(watched)
    const startMs = Math.floor(Date.now() / DAY) * DAY + 12 * HOUR + 7 * MINUTE
    await insert(callsOf(randomly(3), 300, startMs - 3 * DAY, startMs))
    await book.standings(config!, startMs)
    asked.length = 0
    for (let i = 1; i < 12; i++) await book.standings(config!, startMs + i * 5000)
    expect(asked).toHaveLength(11)
    expect(asked.join()).not.toContain('FROM calls_15m')
    expect(asked.join()).not.toContain('FROM calls\n')
    asked.length = 0
    await book.standings(config!, startMs + 60_000)
    expect(asked.filter((sql) => sql.includes('system.parts'))).toHaveLength(1)
    expect(asked.join()).toContain('FROM calls_15m')
  })

  it('page for a total outage within a minute of its first failed call, from what has arrived', async () => {
    const text = 'objectives: [{ name: up, target: 99.9%, window: 30d, notify: ["https://hooks.example.com/x"] }]'
    const { config } = parseConfig(text, 'x', {})
    const book = new ObjectiveBook(store)
    const outageMs = Math.floor(Date.now() / MINUTE) * MINUTE + 43_210
    const base = { direction: 'in', service: 's', operation: 'o', consumer: 'c', durationUs: 1000, weight: 1 } as const
    const traffic = (fromMs: number, toMs: number): RawCall[] =>
      Array.from({ length: Math.round((toMs - fromMs) / 100) }, (_, i) => {
        const atMs = fromMs + i * 100
        const failed = atMs >= outageMs
        return { ...base, atMs, status: failed ? 503 : 200, outcome: failed ? 'server_error' : 'ok' }
      })
    await insert(traffic(outageMs - 2 * HOUR, outageMs))
    let pagedMs: number | undefined
    for (let atMs = outageMs; atMs < outageMs + 90_000 && pagedMs === undefined; atMs += limits.tickMs) {
      // A call is in the store a second after it was made.
      if (atMs > outageMs)
        await insert(traffic(atMs - limits.tickMs - 1000, atMs - 1000).filter((one) => one.atMs >= outageMs))
      const [standing] = await book.standings(config!, atMs)
      const pair = standing!.verdict.burns.find(({ longMs }) => longMs === HOUR)!
      expect(pair).toMatchObject({ severity: 'page', shortMs: 5 * MINUTE, factor: 14.4 })
      if (!pair.burning) continue
      pagedMs = atMs
      const [rule] = burnRules(config!.objectives[0]!)
      const [reading] = burnReadings(rule!, [standing!])!
      const { event } = step(rule!, undefined, reading, { nowMs: atMs })
      expect(event).toMatchObject({ state: 'firing', severity: 'page', threshold: 14.4, labels: { objective: 'up' } })
      expect(event!.summary).toMatch(/^up burn_rate page: the burn rate is [\d.]+, above 14\.4/)
    }
    expect(pagedMs! - outageMs).toBeLessThanOrEqual(60_000)
  })
})
