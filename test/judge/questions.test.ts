import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertQuestion } from '../../collector/src/aggregate/alert.ts'
import { usageQuestion } from '../../collector/src/aggregate/usage.ts'
import { parseConfig, readRule } from '../../collector/src/config/read.ts'
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

function groups(some: readonly Call[], key: (call: Call) => string): Map<string, Call[]> {
  const found = new Map<string, Call[]>()
  for (const call of some) found.set(key(call), [...(found.get(key(call)) ?? []), call])
  return found
}

/** The smallest duration that this share of the calls does not exceed. */
function percentile(some: readonly Call[], numerator: number, denominator: number): number {
  const total = BigInt(weighed(some))
  let sum = 0n
  for (const { durationUs, weight } of [...some].sort((a, b) => a.durationUs - b.durationUs)) {
    sum += BigInt(weight)
    if (sum * BigInt(denominator) >= total * BigInt(numerator)) return durationUs
  }
  throw new Error('no calls')
}

const matches = (operation: string, pattern: RegExp) => pattern.test(operation)

describe('alerts', () => {
  const ended = (over: number) =>
    calls.filter((call) => {
      const end = call.atMs + call.durationUs / 1000
      return (
        call.direction === 'in' && call.outcome !== 'aborted' && end >= toMs - over && end < toMs && call.atMs < toMs
      )
    })

  it.each([
    ['p50', 50, 100],
    ['p90', 90, 100],
    ['p95', 95, 100],
    ['p99', 99, 100],
    ['p99.9', 999, 1000],
  ])('%s equals a recount, call by call', async (metric, numerator, denominator) => {
    const { rule } = readRule(
      { name: 'a', when: `${metric} > 1ms`, group_by: ['operation', 'consumer'], min_calls: 30 },
      [],
    )
    const { sql, params } = alertQuestion(rule!, toMs)
    const answer = (await store.query(sql, params)).map((row) => {
      return [`${row.operation} ${row.consumer}`, Number(row.calls), Number(row.value)]
    })
    const expected = [...groups(ended(5 * minutes), ({ operation, consumer }) => `${operation} ${consumer}`)]
      .filter(([, some]) => weighed(some) >= 30)
      .map(([key, some]) => [key, weighed(some), percentile(some, numerator, denominator)])
    expect(expected.length).toBeGreaterThan(10)
    expect(new Set(answer.map(String))).toEqual(new Set(expected.map(String)))
    expect(answer.map(([, , value]) => value)).toEqual(
      expected.map(([, , value]) => value as number).sort((a, b) => b - a),
    )
  })

  it('an error rate of a pattern of operations equals a recount', async () => {
    const { rule } = readRule(
      { name: 'a', when: 'error_rate > 1%', service: 'shop', operation: 'GET /100%_*', over: '10m' },
      [],
    )
    const { sql, params } = alertQuestion(rule!, toMs)
    const some = ended(10 * minutes).filter(
      ({ service, operation }) => service === 'shop' && matches(operation, /^GET \/100%_/),
    )
    expect(some.length).toBeGreaterThan(100)
    expect((await store.query(sql, params)).map((row) => [Number(row.calls), Number(row.value)])).toEqual([
      [weighed(some), weighed(some.filter(isFailed))],
    ])
  })

  it('nothing is said about too few calls', async () => {
    const { rule } = readRule({ name: 'a', when: 'p95 > 1ms', consumer: 'nobody', min_calls: 1 }, [])
    const { sql, params } = alertQuestion(rule!, toMs)
    expect(await store.query(sql, params)).toEqual([])
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
