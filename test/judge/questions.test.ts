import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertQuestion } from '../../collector/src/aggregate/alert.ts'
import { objectiveQuestion } from '../../collector/src/aggregate/objective.ts'
import { parseConfig, readRule } from '../../collector/src/config/read.ts'
import { objectiveStandings } from '../../collector/src/judge/objective/standing.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from './calls.ts'

const toMs = Math.floor(Date.now() / 1000) * 1000
const minutes = 60_000
const calls = [
  ...randomCalls(1, 8000, toMs - 30 * minutes, toMs + minutes),
  ...randomCalls(2, 4000, toMs - 29 * 24 * 60 * minutes, toMs),
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
