import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { objectiveQuestion } from '../../collector/src/aggregate/objective.ts'
import { usageQuestion } from '../../collector/src/aggregate/usage.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { objectiveStandings } from '../../collector/src/judge/objective/standing.ts'
import { quotaStandings } from '../../collector/src/judge/quota/standing.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from './calls.ts'

const toMs = Math.floor(Date.now() / 1000) * 1000
const minutes = 60_000
const zoe = { ...randomCalls(3, 1, toMs, toMs + 1)[0]!, consumer: 'zoe', service: 'billing', direction: 'in' as const }
const calls = [
  ...randomCalls(1, 8000, toMs - 30 * minutes, toMs + minutes),
  ...randomCalls(2, 4000, toMs - 29 * 24 * 60 * minutes, toMs),
  // A consumer that is known by what its calls say of its plan, newest first.
  { ...zoe, atMs: toMs, plan: 'gold', weight: 7 },
  { ...zoe, atMs: toMs - 3 * minutes, plan: 'lead', weight: 3 },
]
let store: Store
let close: () => Promise<void>

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  for (let i = 0; i < calls.length; i += 1500) await insertCalls(store, calls.slice(i, i + 1500))
})
afterAll(() => close())

const isFailed = ({ outcome }: Call) => outcome === 'server_error' || outcome === 'timeout'
const weighed = (some: readonly Call[]) => some.reduce((sum, { weight }) => sum + weight, 0)

describe('objectives', () => {
  const { config } = parseConfig(
    `objectives:
  - { name: each, service: shop, per: consumer, good: { latency_below: 300ms }, target: 60%, window: 28d }
  - { name: all, operation: "GET /books*", target: 75%, window: 1d }
  - { name: none, service: nowhere, target: 99%, window: 1d }`,
    'test',
    {},
  )

  const since = (ms: number, more: (call: Call) => boolean) =>
    calls.filter((call) => {
      return (
        call.direction === 'in' &&
        call.outcome !== 'aborted' &&
        call.atMs >= toMs - ms &&
        call.atMs < toMs &&
        more(call)
      )
    })

  function recount(windowMs: number, more: (call: Call) => boolean, isBad: (call: Call) => boolean) {
    const count = (ms: number) => {
      const some = since(ms, more)
      return [weighed(some), weighed(some.filter(isBad))] as const
    }
    const [total, bad] = count(windowMs)
    const [total1h, bad1h] = count(60 * minutes)
    const [total5m, bad5m] = count(5 * minutes)
    return { total, bad, total1h, bad1h, total5m, bad5m }
  }

  it('equal a recount, by consumer and over all', async () => {
    const standings = await objectiveStandings(store, config!, toMs)
    const each = standings.filter(({ objective }) => objective.name === 'each')
    expect(each.map(({ consumer }) => consumer).sort()).toEqual(['acme', 'bob', 'carol', 'dora'])
    for (const { consumer, counts, verdict } of each) {
      const expected = recount(
        28 * 24 * 60 * minutes,
        (call) => call.service === 'shop' && call.consumer === consumer,
        (call) => isFailed(call) || call.durationUs >= 300_000,
      )
      expect(expected.bad5m).toBeGreaterThan(0)
      expect(counts).toEqual(expected)
      expect(verdict.budgetLeft).toBeCloseTo(1 - expected.bad / expected.total / 0.4, 10)
      expect(verdict.burnRate5m).toBeCloseTo(expected.bad5m / expected.total5m / 0.4, 10)
    }
    const all = standings.find(({ objective }) => objective.name === 'all')
    expect(all?.counts).toEqual(
      recount(24 * 60 * minutes, ({ operation }) => operation.startsWith('GET /books'), isFailed),
    )
    const none = standings.find(({ objective }) => objective.name === 'none')
    expect(none).toMatchObject({ counts: { total: 0, bad: 0 }, verdict: { attainment: null, budgetLeft: null } })
  })

  it('give the worst first', async () => {
    const { sql, params } = objectiveQuestion(config!.objectives[0]!, toMs)
    const shares = (await store.query(sql, params)).map((row) => Number(row.bad) / Number(row.total))
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
  })
})

describe('quotas', () => {
  it('equal a recount by the calendar of each consumer, and by UTC for those the calls name', async () => {
    const { config } = parseConfig(
      `consumers:
  - { id: acme, plan: gold, time_zone: Pacific/Auckland }
  - { id: bob, plan: gold }
  - { id: idle, plan: gold, time_zone: America/Los_Angeles }
  - { id: carol }
plans:
  gold: { quotas: [{ name: monthly, limit: 1000, per: month }, { name: burst, limit: 5, per: 1m }] }
  lead: { quotas: [] }`,
      'test',
      {},
    )
    const standings = await quotaStandings(store, config!, toMs)
    const named = (name: string) => standings.filter(({ quota }) => quota.name === name)
    expect(
      named('monthly')
        .map(({ consumer }) => consumer)
        .sort(),
    ).toEqual(['acme', 'bob', 'idle', 'zoe'])
    for (const { consumer, period, used } of standings) {
      const mine = calls.filter((call) => {
        const minute = Math.floor(call.atMs / minutes) * minutes
        return (
          call.direction === 'in' && call.consumer === consumer && minute >= period.startMs && minute < period.endMs
        )
      })
      expect([consumer, used]).toEqual([consumer, weighed(mine)])
    }
    const start = (consumer: string) => named('monthly').find((one) => one.consumer === consumer)?.period.startMs
    const local = (timeZone: string) => {
      const format = new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', hour: 'numeric', minute: 'numeric' })
      return (ms: number | undefined) => format.format(ms)
    }
    expect(local('Pacific/Auckland')(start('acme'))).toBe('1, 00:00')
    expect(local('America/Los_Angeles')(start('idle'))).toBe('1, 00:00')
    expect(standings.some(({ consumer }) => consumer === 'carol')).toBe(false)
  })

  it('ask by id or by plan', async () => {
    const { sql, params } = usageQuestion(toMs - 60 * minutes, toMs + 60 * minutes, { consumers: ['dora'], plans: [] })
    const from = Math.floor((toMs - 60 * minutes) / minutes) * minutes
    const [row] = await store.query(sql, { ...params, from: from / 1000 })
    const mine = calls.filter(
      ({ direction, consumer, atMs }) => direction === 'in' && consumer === 'dora' && atMs >= from,
    )
    expect([row?.consumer, Number(row?.used)]).toEqual(['dora', weighed(mine)])
  })
})
