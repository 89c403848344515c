import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Config, Objective } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { ObjectiveBook } from '../../collector/src/judge/objective/book.ts'
import { type ObjectiveStanding, objectiveStandings } from '../../collector/src/judge/objective/standing.ts'
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
      status: { ok: 200, client_error: pick([400, 404, 429]), server_error: pick([500, 501]), timeout: 504, aborted: 499 }[outcome],
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
      pick(['', 'good: { latency_below: 250ms }', 'good: { statuses: [501, 404] }', 'good: { latency_below: 250ms, statuses: [501] }']),
      pick(['', 'failed: [server_error, aborted, 429]', 'failed: [429]', 'failed: []']),
      pick(['', 'not_counted: [client_error, 500]', 'not_counted: []']),
      `method: ${method}`,
      ...(method === 'occurrences' ? [] : [`slice: ${pick(['1m', '2m', '5m', '15m', '20m', '1h'])}`, `empty: ${pick(['good', 'ignore', 'bad'])}`]),
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
      { numRuns: 12 },
    )
  }, 300_000)
})
