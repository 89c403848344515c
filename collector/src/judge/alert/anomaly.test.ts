import { describe, expect, it } from 'vitest'
import { randomly } from '../../../../test/random.ts'
import { histogramPercentile } from '../../aggregate/before.ts'
import type { AlertRule } from '../../config/config.ts'
import { readRule } from '../../config/read.ts'
import { anomalyPoints, usualOf, type Window } from './anomaly.ts'
import { type Alert, newsOf, step } from './step.ts'

const week = 7 * 24 * 60
const weeks = 5

interface Minute {
  calls: number
  failed: number
  buckets: Map<number, number>
}

/** What is not as ever, in minutes of the last week. */
interface Incident {
  from: number
  to: number
  slower?: number
  failing?: number
  traffic?: number
}

function ruleOf(when: string, more: Record<string, unknown> = {}): AlertRule {
  const { rule, problems } = readRule({ name: 'odd', when, ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

const bucketOf = (us: number) => Math.ceil(Math.log2(Math.max(1, us)) * 16)

/**
 * Weeks of calls: nights at a tenth of the day, weekends at four tenths, weeks that differ by some percent, minutes that
 * burst, p95 that grows with the load; half a percent fails.
 */
function traffic(seed: number, perMinute: number, incident?: Incident): Minute[] {
  const random = randomly(seed)
  let burst = 1
  let ofWeek = 1
  return Array.from({ length: weeks * week }, (_, i) => {
    if (i % week === 0) ofWeek = 0.92 + 0.16 * random()
    if (random() < 1 / 30) burst = random() < 0.7 ? 1 : 1 + 0.5 * random()
    const day = Math.floor(i / 1440) % 7 >= 5 ? 0.4 : 1
    const load = day * burst * ofWeek * (0.55 - 0.45 * Math.cos((2 * Math.PI * (((i / 60) % 24) - 3)) / 24))
    const at = i - (weeks - 1) * week
    const odd = incident !== undefined && at >= incident.from && at < incident.to ? incident : undefined
    const calls = poisson(random, perMinute * load * (odd?.traffic ?? 1))
    const buckets = new Map<number, number>()
    let failed = 0
    for (let n = 0; n < calls; n++) {
      const us = 60_000 * (1 + load) * (odd?.slower ?? 1) * Math.exp(0.5 * normal(random))
      buckets.set(bucketOf(us), (buckets.get(bucketOf(us)) ?? 0) + 1)
      if (random() < (odd?.failing ?? 0.005)) failed++
    }
    return { calls, failed, buckets }
  })
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function poisson(random: () => number, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  const least = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > least; product *= random()) count++
  return count
}

/** What the store would say of a rule's windows, each asked for once. */
function windowsOver(rule: AlertRule, minutes: readonly Minute[]) {
  const over = rule.overMs / 60_000
  const known = new Map<number, Omit<Window, 'week' | 'slot'>>()
  const share = rule.when.percentile && rule.when.percentile.share.numerator / rule.when.percentile.share.denominator
  const ending = (end: number) => {
    const cached = known.get(end)
    if (cached !== undefined) return cached
    const some = minutes.slice(Math.max(0, end - over), Math.max(0, end))
    const buckets = new Map<number, number>()
    for (const minute of some) {
      for (const [bucket, n] of minute.buckets) buckets.set(bucket, (buckets.get(bucket) ?? 0) + n)
    }
    const add = (key: 'calls' | 'failed') => some.reduce((sum, minute) => sum + minute[key], 0)
    const us =
      share === undefined ? 0 : Math.round(histogramPercentile([...buckets.keys()], [...buckets.values()], share) ?? 0)
    const window = { calls: add('calls'), failed: add('failed'), us, buckets }
    known.set(end, window)
    return window
  }
  return (to: number): Window[] =>
    Array.from({ length: weeks }, (_, ago) => ago).flatMap((ago) => {
      const [first, last] = ago === 0 ? [0, rule.points.of - 1] : [-2, rule.points.of + 1]
      return Array.from({ length: last - first + 1 }, (_, i) => i + first)
        .map((slot) => ({ week: ago, slot, ...ending(to - ago * week - slot * over) }))
        .filter(({ calls }) => calls > 0)
    })
}

/** News in the last week, or a part of it, by its minute. */
function news(rule: AlertRule, minutes: readonly Minute[], from = 0, to = week): { at: number; text: string }[] {
  const windows = windowsOver(rule, minutes)
  const told: { at: number; text: string }[] = []
  let alert: Alert | undefined
  for (let at = from; at < to; at++) {
    const points = anomalyPoints(rule, windows((weeks - 1) * week + at))
    const reading = points.length === 0 ? undefined : { labels: {}, points }
    const next = step(rule, alert, reading, { nowMs: at * 60_000 })
    alert = next.alert
    const about = next.event && newsOf(next.event)
    if (about !== undefined) told.push({ at, text: `${about}: ${next.event!.summary}` })
  }
  return told
}

const rules = ['anomaly(p95)', 'anomaly(p50)', 'anomaly(p99)', 'anomaly(error_rate)', 'anomaly(rps)', 'anomaly(calls)']
const noon = 2 * 1440 + 12 * 60

describe('a quiet week after four', () => {
  it.each([
    [2, [1, 2], [3, 4]],
    [15, [1, 2], [0, 1, 2]],
    [60, [3], [0, 3, 4]],
  ])(
    'at %d calls a minute gives at most one false alarm a rule',
    (perMinute, seeds, which) => {
      for (const seed of seeds) {
        const minutes = traffic(seed, perMinute)
        for (const when of which.map((i) => rules[i]!)) {
          const found = news(ruleOf(when), minutes).filter(({ text }) => text.startsWith('firing'))
          expect([when, seed, found.slice(1)]).toEqual([when, seed, []])
        }
      }
    },
    120_000,
  )

  it('gives alarms by chance where each window decides alone, the measured value is enough and the score is low', () => {
    const minutes = traffic(1, 15)
    const hasty = { points: '1 of 1', confidence: 'none', min_calls: 1 }
    expect(news(ruleOf('anomaly(p95) > 3', hasty), minutes).length).toBeGreaterThan(10)
  }, 60_000)
})

describe('an incident', () => {
  it.each([
    ['anomaly(p95)', 30],
    ['anomaly(p95)', 60],
    ['anomaly(p50)', 60],
  ])(
    '%s finds a latency three times as long at %d calls a minute within five minutes, and its end',
    (when, perMinute) => {
      for (const [seed, from] of [
        [3, noon],
        [4, noon + 9 * 60],
        [5, noon + 3 * 1440],
      ] as const) {
        const minutes = traffic(seed, perMinute, { from, to: from + 45, slower: 3 })
        const told = news(ruleOf(when), minutes, from - 120, from + 120)
        expect(told.map(({ text }) => text.split(':')[0])).toEqual(['firing', 'resolved'])
        expect(told[0]!.at - from).toBeLessThanOrEqual(5)
        expect(told[1]!.at - from - 45).toBeLessThanOrEqual(5)
        expect(told[0]!.text).toMatch(
          /^firing: odd: p\d\d is [\d.]+ ms, in \d+ calls of 1m; at this time of the week it is usually [\d.]+ ms \(±[\d.]+ ms\)$/,
        )
      }
    },
    60_000,
  )

  it('a tenth of the calls that fail are found', () => {
    const minutes = traffic(6, 60, { from: noon, to: noon + 30, failing: 0.1 })
    const told = news(ruleOf('anomaly(error_rate)'), minutes, noon - 60, noon + 60)
    expect(told.map(({ text }) => text.split(':')[0])).toEqual(['firing', 'resolved'])
    expect(told[0]!.at - noon).toBeLessThanOrEqual(10)
  }, 60_000)

  it('traffic of a holiday is found, and three times the usual one', () => {
    const rule = ruleOf('anomaly(rps)')
    for (const share of [0.15, 3]) {
      const minutes = traffic(7, 60, { from: noon, to: noon + 60, traffic: share })
      const told = news(rule, minutes, noon - 60, noon + 120)
      expect(told.map(({ text }) => text.split(':')[0])).toEqual(['firing', 'resolved'])
      expect(told[0]!.at - noon).toBeLessThanOrEqual(5)
    }
    // None at all is less than usual as well.
    const gone = news(rule, traffic(7, 60, { from: noon, to: noon + 60, traffic: 0 }), noon - 60, noon + 30)
    expect(gone[0]!.text).toMatch(
      /^firing: odd: the rate is 0 calls a second, in 0 calls of 1m; at this time of the week it is usually /,
    )
  }, 60_000)

  it('of one minute is no alarm', () => {
    const minutes = traffic(8, 60, { from: noon, to: noon + 1, slower: 20, failing: 1, traffic: 5 })
    for (const when of rules) expect(news(ruleOf(when), minutes, noon - 30, noon + 30)).toEqual([])
  }, 60_000)

  it('of a week before does not become what is usual', () => {
    const minutes = traffic(9, 60, { from: noon, to: noon + 45, slower: 3 })
    const before = traffic(10, 60, { from: noon, to: noon + 45, slower: 8 })
    // The same incident, only worse, a week earlier.
    minutes.splice(3 * week, week, ...before.slice(4 * week))
    const told = news(ruleOf('anomaly(p95)'), minutes, noon - 60, noon + 30)
    expect(told).toHaveLength(1)
  }, 60_000)
})

describe('what is usual', () => {
  const at = (week: number, slot: number, calls: number, more: Partial<Window> = {}): Window => {
    return { week, slot, calls, failed: 0, us: 0, ...more }
  }
  const around = (weeks: readonly number[], window: (week: number, slot: number) => Window) =>
    weeks.flatMap((week) => [-2, -1, 0, 1, 2, 3, 4, 5, 6].map((slot) => window(week, slot)))

  it('is nothing without a history, or with one week of it', () => {
    const rule = ruleOf('anomaly(rps)')
    const now = [0, 1, 2, 3, 4].map((slot) => at(0, slot, 100_000))
    for (const before of [[], around([1], (week, slot) => at(week, slot, 60))]) {
      const points = anomalyPoints(rule, [...now, ...before])
      expect(points).toHaveLength(5)
      for (const point of points) expect(point).toMatchObject({ breaks: false, lingers: false })
      expect(step(rule, undefined, { labels: {}, points }, { nowMs: 0 })).toEqual({
        alert: undefined,
        event: undefined,
      })
    }
  })

  it('is the median of five windows of each of four weeks, and their median deviation', () => {
    // 100 to 119 ms: the median is 109.5, the distances are 0.5, 0.5, 1.5 … 9.5, 9.5, of which the middle is 5.
    const windows = [1, 2, 3, 4].flatMap((week, i) =>
      [-2, -1, 0, 1, 2].map((slot, j) => at(week, slot, 50, { us: (100 + 5 * i + j) * 1000 })),
    )
    expect(usualOf(ruleOf('anomaly(p95)'), { slot: 0, calls: 50 }, windows)).toEqual({ median: 109_500, mad: 5475 })
    const [wide] = anomalyPoints(ruleOf('anomaly(p95)'), [
      at(0, 0, 50, { us: 200_000, buckets: new Map([[bucketOf(200_000), 50]]) }),
      ...windows,
    ])
    // 109.5 + 5 × 5.475 / 0.6745
    expect(wide).toMatchObject({ breaks: true, threshold: { numerator: 150_086, denominator: 1 } })
  })

  it('of calls counts windows without any, of weeks that had some', () => {
    const rule = ruleOf('anomaly(calls)')
    const windows = [1, 2, 3].map((week) => at(week, 0, 50))
    expect(usualOf(rule, { slot: 0, calls: 0 }, windows)).toMatchObject({ median: 0 })
    expect(usualOf(rule, { slot: 0, calls: 0 }, windows.slice(0, 1))).toBeUndefined()
  })

  it('is never closer than chance: the root of a number of calls, and the binomial deviation of a rate', () => {
    const still = around([1, 2, 3, 4], (week, slot) => at(week, slot, 100, { failed: 1 }))
    expect(usualOf(ruleOf('anomaly(calls)'), { slot: 0, calls: 0 }, still)).toEqual({ median: 100, mad: 6.745 })
    const rate = usualOf(ruleOf('anomaly(error_rate)'), { slot: 0, calls: 25 }, still)!
    expect(rate.mad).toBeCloseTo(0.6745 * Math.sqrt((0.01 * 0.99) / 25), 10)
    const fast = around([1, 2, 3, 4], (week, slot) => at(week, slot, 100, { us: 2000 }))
    expect(usualOf(ruleOf('anomaly(p95)'), { slot: 0, calls: 25 }, fast)).toEqual({ median: 2000, mad: 1000 })
  })

  it('of rates and of calls says the same', () => {
    const windows = [
      ...around([1, 2, 3, 4], (week, slot) => at(week, slot, 600)),
      ...[0, 1, 2, 3, 4].map((slot) => at(0, slot, 700 + 100 * slot)),
    ]
    const verdicts = (when: string) => anomalyPoints(ruleOf(when, { over: '2m' }), windows).map(({ breaks }) => breaks)
    expect(verdicts('anomaly(rps)')).toEqual(verdicts('anomaly(calls)'))
    expect(new Set(verdicts('anomaly(calls)'))).toEqual(new Set([true, false]))
  })

  it('begins no alert with fewer calls than min_calls, there or usual', () => {
    const slow = (calls: number) => at(0, 0, calls, { us: 9e6, buckets: new Map([[bucketOf(9e6), calls]]) })
    const windows = around([1, 2, 3, 4], (week, slot) => at(week, slot, 50, { us: 100_000 }))
    const breaks = (calls: number) => anomalyPoints(ruleOf('anomaly(p95)'), [slow(calls), ...windows])[0]!.breaks
    expect([breaks(9), breaks(10)]).toEqual([false, true])
    const dip = anomalyPoints(ruleOf('anomaly(calls)', { min_calls: 60 }), windows)
    expect(dip.map(({ breaks }) => breaks)).toEqual([false, false, false, false, false])
    const seen = anomalyPoints(ruleOf('anomaly(calls)', { min_calls: 50 }), windows)
    expect(seen.map(({ breaks }) => breaks)).toEqual([true, true, true, true, true])
  })
})
