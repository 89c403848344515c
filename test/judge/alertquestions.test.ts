import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRule } from '../../collector/src/config/read.ts'
import { Reader } from '../../collector/src/judge/alert/reader.ts'
import type { Point } from '../../collector/src/judge/alert/reading.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { randomly } from '../random.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from './calls.ts'

const minute = 60_000
const toMs = Math.floor(Date.now() / 1000) * 1000
const random = randomly(7)
const calls = [
  ...randomCalls(1, 8000, toMs - 30 * minute, toMs + minute),
  ...randomCalls(2, 4000, toMs - 300 * minute, toMs),
].map((call) => ({
  ...call,
  ttfbUs: random() < 0.2 ? 0 : Math.floor(call.durationUs * random()),
  responseBytes: Math.floor(10 ** (6 * random())),
  peer: random() < 0.5 ? 'api.example.com' : '',
}))
let store: Store
let close: () => Promise<void>

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  for (let i = 0; i < calls.length; i += 1500) await insertCalls(store, calls.slice(i, i + 1500))
})
afterAll(() => close())

const isFailed = ({ outcome }: Call) => outcome === 'server_error' || outcome === 'timeout'
const weighed = (some: readonly Call[]) => some.reduce((sum, { weight }) => sum + weight, 0)

function ruleOf(when: string, more: Record<string, unknown> = {}) {
  const { rule, problems } = readRule({ name: 'a', when, ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

/** What the reader finds, by the values of the labels. */
async function found(rule: ReturnType<typeof ruleOf>, few = false): Promise<Map<string, readonly Point[]>> {
  const reader = new Reader(store, { objectives: () => [], quotas: () => [] })
  const readings = await reader.read(rule, toMs, few)
  return new Map([...readings!.values()].map(({ labels, points }) => [Object.values(labels).join(' '), points]))
}

/** Calls that ended in a window before now: 0 is the newest. */
function ended(overMs: number, point = 0, aborted = false): typeof calls {
  return calls.filter((call) => {
    const end = call.atMs + call.durationUs / 1000
    const counts = call.direction === 'in' && (aborted || call.outcome !== 'aborted') && call.atMs < toMs
    return counts && end >= toMs - overMs * (point + 1) && end < toMs - overMs * point
  })
}

function groups<T extends Call>(some: readonly T[], key: (call: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const call of some) found.set(key(call), [...(found.get(key(call)) ?? []), call])
  return found
}

/** The smallest value that this share of the calls does not exceed. */
function percentile(some: readonly Call[], numerator: number, denominator: number, of: (call: Call) => number): number {
  const total = BigInt(weighed(some))
  let sum = 0n
  for (const call of [...some].sort((a, b) => of(a) - of(b))) {
    sum += BigInt(call.weight)
    if (sum * BigInt(denominator) >= total * BigInt(numerator)) return of(call)
  }
  throw new Error('no calls')
}

/** Single calls that weigh as much evidence. */
function pieces(some: readonly Call[]): number {
  return Math.floor(weighed(some) ** 2 / some.reduce((sum, { weight }) => sum + weight ** 2, 0))
}

describe('short windows', () => {
  it.each([
    ['p50', 50, 100],
    ['p90', 90, 100],
    ['p95', 95, 100],
    ['p99', 99, 100],
    ['p99.9', 999, 1000],
  ])('%s equals a recount, call by call', async (metric, numerator, denominator) => {
    const rule = ruleOf(`${metric} > 100ms`, { group_by: ['operation', 'consumer'], min_calls: 30 })
    const answer = await found(rule)
    const expected = [...groups(ended(5 * minute), ({ operation, consumer }) => `${consumer} ${operation}`)]
      .filter(([, some]) => weighed(some) >= 30)
      .map(([key, some]): [string, Point[]] => {
        const value = percentile(some, numerator, denominator, ({ durationUs }) => durationUs)
        const slow = weighed(some.filter(({ durationUs }) => durationUs > 100_000))
        const beyond = { calls: slow, pieces: pieces(some) }
        return [key, [{ calls: weighed(some), value: { numerator: value, denominator: 1 }, beyond }]]
      })
    expect(expected.length).toBeGreaterThan(10)
    expect(answer).toEqual(new Map(expected))
    // What decides and what is shown say the same, to the call.
    for (const [, [point]] of answer) {
      const slower = point!.beyond!.calls * denominator > point!.calls * (denominator - numerator)
      expect(slower).toBe(point!.value.numerator > 100_000)
    }
  })

  it('the first byte and the sizes equal a recount, without calls whose first byte nobody saw', async () => {
    const some = ended(5 * minute)
    const seen = some.filter(({ ttfbUs }) => ttfbUs > 0)
    expect(seen.length).toBeLessThan(some.length)
    const [ttfb] = (await found(ruleOf('ttfb_p95 > 1s'))).get('')!
    expect(ttfb).toMatchObject({
      calls: weighed(seen),
      value: { numerator: percentile(seen, 95, 100, ({ ttfbUs }) => ttfbUs!) },
      beyond: { calls: weighed(seen.filter(({ ttfbUs }) => ttfbUs > 1e6)) },
    })
    const [size] = (await found(ruleOf('response_bytes_p90 > 10kB'))).get('')!
    expect(size).toMatchObject({
      calls: weighed(some),
      value: { numerator: percentile(some, 90, 100, ({ responseBytes }) => responseBytes!) },
    })
  })

  it('an error rate of a pattern of operations equals a recount', async () => {
    const about = { service: 'shop', operation: 'GET /100%_*', over: '10m' }
    const some = ended(10 * minute).filter(
      ({ service, operation }) => service === 'shop' && /^GET \/100%_/.test(operation),
    )
    expect(some.length).toBeGreaterThan(100)
    const failed = weighed(some.filter(isFailed))
    expect((await found(ruleOf('error_rate > 1%', about))).get('shop GET /100%_*')).toEqual([
      {
        calls: weighed(some),
        value: { numerator: failed, denominator: weighed(some) },
        beyond: { calls: failed, pieces: pieces(some) },
      },
    ])
  })

  it('windows one before the other each equal a recount', async () => {
    const answer = await found(ruleOf('error_rate > 1%', { points: '2 of 4', over: '3m', group_by: ['service'] }))
    for (const service of ['shop', 'billing']) {
      const expected = [0, 1, 2, 3].map((point) => {
        const some = ended(3 * minute, point).filter((call) => call.service === service)
        return [weighed(some), weighed(some.filter(isFailed))]
      })
      expect(answer.get(service)?.map(({ calls, beyond }) => [calls, beyond?.calls])).toEqual(expected)
    }
  })

  it('averages, maxima, calls and their rate equal a recount', async () => {
    const some = ended(5 * minute)
    const all = ended(5 * minute, 0, true)
    const one = async (when: string) => (await found(ruleOf(when))).get('')![0]
    const sum = some.reduce((sum, { durationUs, weight }) => sum + durationUs * weight, 0)
    expect(await one('avg > 1s')).toEqual({
      calls: weighed(some),
      value: { numerator: sum, denominator: weighed(some) },
    })
    const max = Math.max(...some.map(({ durationUs }) => durationUs))
    expect(await one('max > 1s')).toMatchObject({ value: { numerator: max, denominator: 1 } })
    // Calls that were broken off are calls.
    expect(weighed(all)).toBeGreaterThan(weighed(some))
    expect(await one('calls > 1')).toMatchObject({ value: { numerator: weighed(all), denominator: 1 } })
    expect(await one('rps > 1')).toMatchObject({ value: { numerator: weighed(all) * 1000, denominator: 300_000 } })
  })

  it('no call is a number of calls too, but nothing to measure', async () => {
    const nobody = { consumer: 'nobody' }
    expect((await found(ruleOf('rps < 1', nobody))).get('nobody')).toEqual([
      { calls: 0, value: { numerator: 0, denominator: 300_000 } },
    ])
    expect((await found(ruleOf('p95 > 1ms', { ...nobody, min_calls: 1 }))).size).toBe(0)
  })

  it('few calls are told of when they are asked for', async () => {
    const rule = ruleOf('p95 > 100ms', { group_by: ['operation', 'consumer'], min_calls: 100 })
    const enough = await found(rule)
    const all = await found(rule, true)
    expect(enough.size).toBeGreaterThan(0)
    expect(all.size).toBe(groups(ended(5 * minute), ({ operation, consumer }) => `${consumer} ${operation}`).size)
    expect([...all].filter(([, [point]]) => point!.calls >= 100)).toEqual([...enough])
  })

  it('outgoing calls are judged by their peer', async () => {
    const some = calls.filter((call) => {
      const end = call.atMs + call.durationUs / 1000
      const counts = call.direction === 'out' && call.outcome !== 'aborted' && call.peer === 'api.example.com'
      return counts && call.atMs < toMs && end >= toMs - 5 * minute && end < toMs
    })
    const answer = await found(
      ruleOf('error_rate > 1%', { direction: 'out', peer: 'api.example.com', group_by: ['peer'] }),
    )
    expect(answer.get('api.example.com')).toMatchObject([{ calls: weighed(some) }])
  })
})

describe('windows of an hour and more', () => {
  const endMs = Math.floor(toMs / minute) * minute
  const begun = (overMs: number, point = 0) =>
    calls.filter(({ direction, outcome, atMs }) => {
      const from = endMs - overMs * (point + 1)
      return direction === 'in' && outcome !== 'aborted' && atMs >= from && atMs < from + overMs
    })

  it('counts, averages and maxima equal a recount of whole minutes', async () => {
    const answer = await found(ruleOf('error_rate > 1%', { over: '1h', points: '1 of 3', group_by: ['consumer'] }))
    for (const [consumer, points] of answer) {
      const expected = [0, 1, 2].map((point) => {
        const some = begun(60 * minute, point).filter((call) => call.consumer === consumer)
        return [weighed(some), weighed(some.filter(isFailed))]
      })
      expect(points.map(({ calls, beyond }) => [calls, beyond?.calls])).toEqual(expected)
    }
    expect(answer.size).toBe(5)
    const some = begun(120 * minute)
    const sum = some.reduce((sum, { durationUs, weight }) => sum + durationUs * weight, 0)
    const [avg] = (await found(ruleOf('avg > 1s', { over: '2h' }))).get('')!
    expect(avg).toEqual({ calls: weighed(some), value: { numerator: sum, denominator: weighed(some) } })
    const [max] = (await found(ruleOf('max > 1s', { over: '2h' }))).get('')!
    expect(max?.value.numerator).toBe(Math.max(...some.map(({ durationUs }) => durationUs)))
  })

  it.each(['p50', 'p90', 'p99'])('%s is at most 2.2 %% beside the exact one', async (metric) => {
    const answer = await found(ruleOf(`${metric} > 100ms`, { over: '4h', group_by: ['operation'] }))
    expect(answer.size).toBe(5)
    for (const [operation, [point]] of answer) {
      const some = begun(240 * minute).filter((call) => call.operation === operation)
      const exact = percentile(some, Number(metric.slice(1)), 100, ({ durationUs }) => durationUs)
      expect(Math.abs(point!.value.numerator / exact - 1)).toBeLessThan(0.0221)
      expect(point!.calls).toBe(weighed(some))
      const share = 1 - Number(metric.slice(1)) / 100
      expect(point!.beyond!.calls / point!.calls > share).toBe(point!.value.numerator > 100_000)
    }
  })
})

describe('silence', () => {
  const daily = 24 * 60 * minute
  const endMs = Math.floor(toMs / minute) * minute
  const at = (agoMs: number, consumer: string, count = 12): Partial<Call>[] =>
    Array.from({ length: count }, () => ({ atMs: endMs - agoMs, consumer, service: 'quiet' }))

  it('tells who used to call at this time, and since when they do not', async () => {
    await insertCalls(store, [
      ...at(30 * minute + 1, 'new-and-gone'),
      ...at(5 * minute, 'still-there'),
      ...at(30 * minute, 'rare', 3),
      // Quiet at this hour yesterday, too.
      ...at(90 * minute, 'night-owl'),
      ...at(daily + 90 * minute, 'night-owl'),
      ...at(90 * minute, 'regular'),
      ...at(daily + 5 * minute, 'regular'),
      // Called yesterday at this hour, but not on this day of last week.
      ...at(90 * minute, 'weekday'),
      ...at(daily + 5 * minute, 'weekday'),
      ...at(7 * daily + 120 * minute, 'weekday'),
      ...at(40 * minute, 'weekly'),
      ...at(7 * daily + minute, 'weekly'),
      ...at(9 * daily, 'long-gone'),
    ])
    const answer = await found(ruleOf('silence > 20m', { service: 'quiet', group_by: ['consumer'] }))
    const said = [...answer].map(([key, [point]]) => [
      key.replace('quiet ', ''),
      point!.breaks,
      point!.value.numerator / 60e6,
    ])
    expect(said.sort()).toEqual([
      ['new-and-gone', true, 30],
      ['night-owl', false, 89],
      ['rare', false, 29],
      ['regular', true, 89],
      ['weekday', false, 89],
      ['weekly', true, 39],
    ])
  })
})
