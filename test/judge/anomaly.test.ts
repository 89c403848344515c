import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anomalyQuestion } from '../../collector/src/aggregate/anomaly.ts'
import type { AlertRule } from '../../collector/src/config/config.ts'
import { readRule } from '../../collector/src/config/read.ts'
import { Reader } from '../../collector/src/judge/alert/reader.ts'
import { judgeRules } from '../../collector/src/judge/alert/round.ts'
import type { Alert } from '../../collector/src/judge/alert/step.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { randomly } from '../random.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from './calls.ts'

const minute = 60_000
const week = 7 * 24 * 60 * minute
const toMs = Math.floor(Date.now() / minute) * minute - 10 * minute
const calls = [0, 1, 2, 3, 4, 5].flatMap((ago) => {
  const then = toMs - ago * week
  return randomCalls(ago + 1, 2500, then - 40 * minute, then + 20 * minute)
})
let store: Store
let close: () => Promise<void>

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  for (let i = 0; i < calls.length; i += 2500) await insertCalls(store, calls.slice(i, i + 2500))
})
afterAll(() => close())

function ruleOf(when: string, more: Record<string, unknown> = {}): AlertRule {
  const { rule, problems } = readRule({ name: 'odd', when, ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

const readerOf = (some = store) => new Reader(some, { objectives: () => [], quotas: () => [] })
const weighed = (some: readonly Call[]) => some.reduce((sum, { weight }) => sum + weight, 0)
const isFailed = ({ outcome }: Call) => outcome === 'server_error' || outcome === 'timeout'

/** The middle of the histogram bucket of the smallest duration that this share of the calls does not exceed. */
function bucketed(some: readonly Call[], share: number): number {
  let sum = 0
  for (const { durationUs, weight } of [...some].sort((a, b) => a.durationUs - b.durationUs)) {
    sum += weight
    if (sum >= share * weighed(some)) {
      return Math.round(2 ** ((Math.ceil(Math.log2(durationUs) * 16) - 0.5) / 16))
    }
  }
  return 0
}

describe('the windows of a rule and of the weeks before', () => {
  it.each([
    ['anomaly(p95)', {}, 'operations_1m'],
    ['anomaly(p95)', { group_by: ['operation'], over: '3m', points: '2 of 3' }, 'operations_1m'],
    ['anomaly(error_rate)', { group_by: ['service', 'operation'], over: '2m' }, 'operations_1m'],
    ['anomaly(error_rate)', { group_by: ['consumer'], service: 'shop', operation: 'GET*' }, 'calls_1m'],
    ['anomaly(p50)', { consumer: 'acme', direction: 'out', over: '2m' }, 'calls_1m'],
    ['anomaly(rps)', { group_by: ['service'] }, 'operations_1m'],
    ['anomaly(calls)', { group_by: ['consumer'], over: '4m', points: '2 of 2' }, 'calls_1m'],
  ])('of %s with %j equal a recount', async (when, more, table) => {
    const rule = ruleOf(when, more)
    const { sql, params } = anomalyQuestion(rule, toMs + 17_000)
    expect(sql).toContain(`FROM ${table}\n`)
    const found = new Map<string, unknown>()
    for (const row of await store.query(sql, params)) {
      const list = (name: string) => (row[name] as unknown[] | undefined)?.map(Number)
      const [weeks, slots, counts, beyond, value] = ['weeks', 'slots', 'calls', 'beyond', 'value'].map(list)
      for (const [i, ago] of weeks!.entries()) {
        const key = JSON.stringify([rule.groupBy.map((name) => row[name]), ago, slots![i]])
        expect(found.has(key)).toBe(false)
        found.set(key, [counts![i], beyond?.[i], value?.[i]])
        if (value === undefined) continue
        const buckets = ((row.counts as unknown[][])[i] ?? []).map(Number)
        expect(buckets.reduce((sum, count) => sum + count, 0)).toBe(ago === 0 ? counts![i] : 0)
      }
    }
    const expected = new Map<string, Call[]>()
    for (const call of calls) {
      const traffic = rule.when.percentile === undefined && rule.when.metric !== 'error_rate'
      if (call.direction !== rule.direction || (!traffic && call.outcome === 'aborted')) continue
      if (rule.service !== undefined && call.service !== rule.service) continue
      if (rule.consumer !== undefined && call.consumer !== rule.consumer) continue
      if (rule.operation !== undefined && !call.operation.startsWith('GET')) continue
      for (const ago of [0, 1, 2, 3, 4]) {
        const slot = Math.ceil((toMs - ago * week - call.atMs) / rule.overMs) - 1
        const [first, last] = ago === 0 ? [0, rule.points.of - 1] : [-2, rule.points.of + 1]
        if (slot < first || slot > last) continue
        const key = JSON.stringify([rule.groupBy.map((name) => call[name as 'service']), ago, slot])
        expected.set(key, [...(expected.get(key) ?? []), call])
      }
    }
    expect(expected.size).toBeGreaterThan(20)
    const share = rule.when.percentile && rule.when.percentile.share.numerator / rule.when.percentile.share.denominator
    expect(found).toEqual(
      new Map(
        [...expected].map(([key, some]) => [
          key,
          share === undefined
            ? [weighed(some), weighed(some.filter(isFailed)), undefined]
            : [weighed(some), undefined, bucketed(some, share)],
        ]),
      ),
    )
  })

  it('without any is no history, and no alert', async () => {
    const reader = readerOf()
    for (const when of ['anomaly(p95)', 'anomaly(rps)']) {
      const rule = ruleOf(when, { service: 'nobody' })
      const until = { toMs, heldMs: 0, partial: false }
      const found = await judgeRules({ reader, rules: [rule], alerts: new Map(), until, failed: () => undefined })
      expect([found.events, found.alerts.size]).toEqual([[], 0])
      expect(reader.hasNoHistory(rule)).toBe(true)
    }
    const known = ruleOf('anomaly(p95)')
    await reader.read(known, toMs, false)
    expect(reader.hasNoHistory(known)).toBe(false)
  })
})

describe('a shift', () => {
  it('to three times the latency fires within five minutes, to a third of the calls as well, and both end', async () => {
    const random = randomly(5)
    const [from, to] = [-15, 0]
    for (const ago of [0, 1, 2, 3, 4]) {
      const some: Partial<Call>[] = []
      for (let at = -40; at < 10; at++) {
        const odd = ago === 0 && at >= from && at < to
        for (let n = 0; n < 60; n++) {
          const durationUs = Math.floor(80_000 * (1 + random()))
          const atMs = toMs - ago * week + (at + random()) * minute
          some.push({ service: 'slow', atMs, durationUs: odd ? 3 * durationUs : durationUs })
          if (!odd || n % 4 === 0) some.push({ service: 'few', atMs, durationUs })
        }
      }
      await insertCalls(store, some)
    }
    const rules = [
      ruleOf('anomaly(p95)', { service: 'slow' }),
      { ...ruleOf('anomaly(rps)', { service: 'few' }), name: 'few' },
    ]
    const reader = readerOf()
    let alerts: ReadonlyMap<string, Alert> = new Map()
    const told: [string, string, number][] = []
    const summaries: string[] = []
    for (let at = from - 10; at <= to + 8; at += 0.25) {
      const until = { toMs: toMs + at * minute, heldMs: 0, partial: false }
      const failed = (_: AlertRule, error: unknown) => {
        throw error
      }
      const found = await judgeRules({ reader, rules, alerts, until, failed })
      alerts = found.alerts
      for (const { event } of found.events) {
        told.push([event.rule, event.state, at])
        if (event.state === 'firing')
          expect(event).toMatchObject({ severity: 'info', unit: event.rule === 'few' ? 'per_second' : 'ms' })
        summaries.push(event.summary)
      }
    }
    expect(told.map(([rule, state]) => `${rule} ${state}`).sort()).toEqual([
      'few firing',
      'few resolved',
      'odd firing',
      'odd resolved',
    ])
    for (const [, state, at] of told) {
      const since = at - (state === 'firing' ? from : to)
      expect(since).toBeGreaterThan(0)
      expect(since).toBeLessThanOrEqual(5)
    }
    expect(summaries.filter((text) => text.startsWith('odd'))[0]).toMatch(
      /^odd: p95 is 4\d\d(\.\d)? ms, in 60 calls of 1m; at this time of the week it is usually 15\d(\.\d)? ms \(±\d+(\.\d)? ms\) \(service=slow\)$/,
    )
    expect(summaries.filter((text) => text.startsWith('few'))[0]).toBe(
      'few: the rate is 0.25 calls a second, in 15 calls of 1m; at this time of the week it is usually 1 calls a second (±0.13 calls a second) (service=few)',
    )
  }, 60_000)
})
