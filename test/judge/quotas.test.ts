import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config, Quota } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import type { Period } from '../../collector/src/judge/calendar.ts'
import { forecastOf } from '../../collector/src/judge/quota/forecast.ts'
import { Quotas } from '../../collector/src/judge/quota/quotas.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { randomly } from '../random.ts'
import { emptyStore } from './calls.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let store: Store
let close: () => Promise<void>
beforeAll(async () => {
  ;({ store, close } = await emptyStore())
})
afterAll(() => close())

interface Call {
  /** When it was stored. */
  storedMs: number
  tsMs: number
  consumer: string
  plan: string
  direction: 'in' | 'out'
  operation: string
  path: string
  client_address: string
  outcome: string
  units: number
  weight: number
  request_bytes: number
  response_bytes: number
  team: string
}

let inserts = 0
async function insert(calls: readonly Call[]): Promise<void> {
  const rows = calls.map(({ storedMs, tsMs, team, ...call }) => ({
    ts: new Date(tsMs).toISOString().replace('T', ' ').slice(0, -1),
    service: 'shop',
    duration_us: 1000,
    attributes: team === '' ? {} : { team },
    ...call,
  }))
  inserts++
  await store.insert('calls', rows, `quotas-${process.pid}-${inserts}`)
}

async function forgetAll(): Promise<void> {
  const tables = ['calls', 'calls_1m', 'calls_15m', 'quota_corrections', 'quota_thresholds', 'quota_periods']
  for (const table of tables) await store.command(`TRUNCATE TABLE ${table}`)
}

const quotas = `
    - { name: burst, limit: 5, per: 1m }
    - { name: hourly, limit: 50, per: hour, meter: bytes }
    - { name: daily, limit: 100, per: day, meter: units, outcomes: [ok, timeout] }
    - { name: weekly, limit: 1000, per: week, anchor: 2030-01-02, operation: "GET /*" }
    - { name: monthly, limit: 1000, per: month, anchor: 31 }
    - { name: paths, limit: 10, per: day, meter: distinct(path) }
    - { name: teams, limit: 10, per: week, meter: distinct(attributes.team) }
    - { name: operations, limit: 10, per: quarter, meter: distinct(operation) }
    - { name: sliding, limit: 10, per: 5h, window: rolling }
    - { name: addresses, limit: 10, per: 30m, window: rolling, meter: distinct(client_address) }`

function configIn(zone: string): Config {
  const { config, faults } = parseConfig(
    `consumers:
  - { id: acme, plan: gold, time_zone: ${zone} }
  - { id: bob, plan: gold, quotas: [{ name: burst, limit: 1, per: day }] }
  - { id: carol }
plans:
  gold:
    quotas:${quotas}
  lead: { quotas: [] }`,
    'test',
    {},
  )
  expect(faults).toEqual([])
  return config!
}

/** What a plain look at every call says. */
function recount(
  calls: readonly Call[],
  consumer: string,
  { meter, operation, outcomes }: Quota,
  period: Period,
): number {
  const pattern = operation === undefined ? undefined : new RegExp(`^${operation.replaceAll('*', '.*')}$`)
  const mine = calls.filter(({ tsMs, ...call }) => {
    const minute = Math.floor(tsMs / MINUTE) * MINUTE
    return (
      call.direction === 'in' &&
      call.consumer === consumer &&
      minute >= period.startMs &&
      minute < period.endMs &&
      (pattern === undefined || pattern.test(call.operation)) &&
      (outcomes === undefined || outcomes.some((outcome) => outcome === call.outcome))
    )
  })
  const sum = (amount: (call: Call) => number) => mine.reduce((total, call) => total + amount(call) * call.weight, 0)
  const different = (value: (call: Call) => string) => new Set(mine.map(value).filter((text) => text !== '')).size
  switch (meter.text) {
    case 'calls':
      return sum(() => 1)
    case 'units':
      return sum(({ units }) => units)
    case 'bytes':
      return sum((call) => call.request_bytes + call.response_bytes)
    case 'distinct(path)':
      return different(({ path }) => path)
    case 'distinct(operation)':
      return different((call) => call.operation)
    case 'distinct(client_address)':
      return different((call) => call.client_address)
    default:
      return different(({ team }) => team)
  }
}

function callsBetween(random: () => number, count: number, fromMs: number, toMs: number, storedMs: number): Call[] {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  return Array.from({ length: count }, () => {
    const consumer = pick(['acme', 'acme', 'bob', 'carol', 'zoe', ''])
    return {
      storedMs,
      tsMs: fromMs + Math.floor(random() * (toMs - fromMs)),
      consumer,
      plan: consumer === 'zoe' ? 'gold' : '',
      direction: pick(['in', 'in', 'in', 'out'] as const),
      operation: pick(['GET /books', 'GET /books/:id', 'POST /orders']),
      path: `/books/${Math.floor(random() * 30)}`,
      client_address: `10.0.0.${Math.floor(random() * 20)}`,
      outcome: pick(['ok', 'ok', 'client_error', 'server_error', 'timeout', 'aborted']),
      units: Math.floor(random() * 5),
      weight: pick([1, 1, 1, 10]),
      request_bytes: Math.floor(random() * 1000),
      response_bytes: Math.floor(random() * 10_000),
      team: pick(['', 'red', 'green', 'blue']),
    }
  })
}

function quotasOf(): Quotas {
  const failed = (error: unknown) => {
    throw error
  }
  return new Quotas({ store, tell: async () => {}, failed })
}

/** Moments around which calendars do something: clocks change, months end, years end. */
const moments = [
  Date.UTC(2030, 2, 31, 0, 30),
  Date.UTC(2030, 9, 27, 0, 30),
  Date.UTC(2030, 10, 3, 5, 50),
  Date.UTC(2030, 1, 28, 23, 50),
  Date.UTC(2029, 11, 31, 18, 20),
  Date.UTC(2030, 3, 6, 14, 40),
]
const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Chatham']

describe('use', () => {
  it('equals a recount of the calls: around the changes of clocks and periods, with late calls and restarts', async () => {
    const step = fc.record({
      /** Soon: a look without counting anew what is older. */
      soon: fc.boolean(),
      minutes: fc.integer({ min: 2, max: 400 }),
      count: fc.integer({ min: 0, max: 60 }),
      lateHours: fc.constantFrom(0, 1, 30, 24 * 20),
      restart: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.constantFrom(...moments),
        fc.integer(),
        fc.array(step, { minLength: 4, maxLength: 6 }),
        async (zone, aboutMs, seed, steps) => {
          await forgetAll()
          const random = randomly(seed)
          const config = configIn(zone)
          let atMs = aboutMs - 8 * HOUR
          const calls = callsBetween(random, 300, atMs - 20 * DAY, atMs, atMs)
          await insert(calls)
          let book = quotasOf()
          await book.judge(config, atMs, atMs)
          for (const { soon, minutes, count, lateHours, restart } of steps) {
            atMs += soon ? 5000 : minutes * MINUTE
            const backMs = soon ? 10 * MINUTE : Math.max(lateHours * HOUR, minutes * MINUTE)
            const news = callsBetween(random, count, atMs - backMs, atMs, atMs)
            await insert(news)
            calls.push(...news)
            if (restart) book = quotasOf()
            await book.judge(config, atMs, atMs)
            for (const { consumer, quota, period, counted, atMs: asOf } of book.standings) {
              // Different values over long periods are counted each minute.
              if (asOf !== atMs) continue
              const expected = recount(calls, consumer, quota, period)
              expect([consumer, quota.name, counted]).toEqual([consumer, quota.name, expected])
            }
            const judged = new Set(book.standings.map(({ consumer, quota }) => `${consumer} ${quota.name}`))
            for (const consumer of ['acme', 'bob']) {
              for (const { name } of config.plans[0]!.quotas) expect(judged).toContain(`${consumer} ${name}`)
            }
            expect(judged).not.toContain('carol monthly')
            expect(
              book.standings.find(({ consumer, quota }) => consumer === 'bob' && quota.name === 'burst'),
            ).toMatchObject({ quota: { per: 'day', limit: 1 } })
          }

          // Closed periods have what came late, and say how much that was.
          atMs += 3 * DAY
          await book.judge(config, atMs, atMs)
          const news = callsBetween(random, 60, atMs - 10 * DAY, atMs, atMs + 1)
          await insert(news)
          calls.push(...news)
          atMs += 20 * MINUTE
          if (random() < 0.5) book = quotasOf()
          await book.judge(config, atMs, atMs)
          let followed = 0
          for (const consumer of ['acme', 'bob']) {
            for (const { standing, closed } of book.of(consumer)!.quotas) {
              for (const one of closed) {
                followed++
                expect(one.counted).toBe(recount(calls, consumer, standing.quota, one.period))
                expect(one.closedMs).toBeLessThanOrEqual(atMs)
                const intime = calls.filter(({ storedMs }) => storedMs <= one.closedMs)
                expect(one.late).toBe(one.counted - recount(intime, consumer, standing.quota, one.period))
              }
            }
          }
          expect(followed).toBeGreaterThanOrEqual(10)
        },
      ),
      { numRuns: 3, endOnFailure: true },
    )
  }, 240_000)

  it('has late calls within a minute, and fresh ones at the next look', async () => {
    await forgetAll()
    const config = configIn('UTC')
    let atMs = Date.UTC(2030, 5, 15, 12)
    const acme = (tsMs: number): Call => ({ ...callsBetween(randomly(1), 1, tsMs, tsMs + 1, atMs)[0]!, ...mine })
    const mine = { consumer: 'acme', direction: 'in' as const, weight: 1 }
    const book = quotasOf()
    const used = async () => {
      await book.judge(config, atMs, atMs)
      return book.standings.find(({ consumer, quota }) => consumer === 'acme' && quota.name === 'monthly')!.used
    }
    expect(await used()).toBe(0)
    await insert([acme(atMs - 1000), acme(atMs - 14 * MINUTE)])
    atMs += 5000
    expect(await used()).toBe(2)
    await insert([acme(atMs - 2 * DAY)])
    atMs += 5000
    expect(await used()).toBe(2)
    atMs += 60_000
    expect(await used()).toBe(3)
  })

  it('is foretold from the hours of the weeks before', async () => {
    await forgetAll()
    const atMs = Date.UTC(2030, 5, 20, 12, 20)
    const random = randomly(7)
    const [some] = callsBetween(random, 1, atMs, atMs + 1, atMs)
    const calls = Array.from({ length: 16 * 24 }, (_, hour) => {
      const tsMs = Date.UTC(2030, 5, 4, 20, 5) + hour * HOUR
      const weight = 1 + Math.floor(random() * 10) + 10 * (new Date(tsMs).getUTCHours() % 12)
      const ok = { direction: 'in', outcome: 'ok', operation: 'GET /books', units: 1 } as const
      return { ...some!, ...ok, tsMs, weight, consumer: 'acme' }
    }).filter(({ tsMs }) => tsMs < atMs)
    await insert(calls)
    const book = quotasOf()
    await book.judge(configIn('Asia/Kathmandu'), atMs, atMs)
    const { standing } = book.of('acme')!.quotas.find(({ standing }) => standing.quota.name === 'monthly')!
    const endMs = Math.floor(atMs / HOUR) * HOUR
    const startMs = endMs - 28 * DAY
    const history = new Array(28 * 24).fill(0)
    for (const { tsMs, weight } of calls) if (tsMs < endMs) history[Math.floor((tsMs - startMs) / HOUR)] += weight
    const { period, used } = standing
    const given = { history, startMs, timeZone: 'Asia/Kathmandu', atMs, period, used, limit: 1000 }
    expect(standing.forecast).toEqual(forecastOf(given))
    expect(standing.forecast!.end.high).toBeGreaterThan(standing.forecast!.end.low)
    expect(book.standings.filter(({ forecast }) => forecast !== null).map(({ quota }) => quota.name)).toEqual(
      expect.arrayContaining(['daily', 'weekly', 'monthly']),
    )
  })

  it('of a consumer that moves to a plan without quotas is no longer judged', async () => {
    await forgetAll()
    const atMs = Date.UTC(2030, 5, 15, 12)
    const [call] = callsBetween(randomly(1), 1, atMs - 1000, atMs, atMs)
    const zoe = { ...call!, consumer: 'zoe', direction: 'in' as const }
    const book = quotasOf()
    const judged = async (at: number) => {
      const standings = await book.judge(configIn('UTC'), at, at)
      return standings.some(({ consumer }) => consumer === 'zoe')
    }
    await insert([{ ...zoe, plan: 'gold' }])
    expect(await judged(atMs)).toBe(true)
    await insert([{ ...zoe, tsMs: atMs + 4 * MINUTE, plan: 'lead' }])
    expect(await judged(atMs + 5 * MINUTE)).toBe(false)
  })
})
