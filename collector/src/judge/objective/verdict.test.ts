import { describe, expect, it } from 'vitest'
import { sliceParts } from '../../aggregate/objective.ts'
import type { Objective } from '../../config/config.ts'
import { parseConfig } from '../../config/read.ts'
import { lookbacksMs } from './layout.ts'
import { judgeObjective, type ObjectiveCounts, type Recent } from './verdict.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const atMs = Date.UTC(2026, 10, 21, 10)
const rolling = { startMs: atMs - 30 * DAY, endMs: atMs }

function objectiveOf(target: string, more = 'window: 30d'): Objective {
  return parseConfig(`objectives: [{ name: o, target: ${target}, ${more} }]`, 'x', {}).config!.objectives[0]!
}

/** Calls of the window, and those of the lookbacks: [minutes, total, bad]. */
function countsOf(total: number, bad: number, ...recent: [minutes: number, total: number, bad: number][]) {
  const none = { calls: 0, badCalls: 0, total: 0, bad: 0, silent: 0 }
  return {
    calls: total,
    badCalls: bad,
    total,
    bad,
    silent: 0,
    unsureCalls: 0,
    ahead: 0,
    recent: lookbacksMs.map((overMs): Recent => {
      const [, calls, badCalls] = recent.find(([minutes]) => minutes * MINUTE === overMs) ?? [0, 0, 0]
      return { ...none, overMs, calls, badCalls, total: calls, bad: badCalls }
    }),
  } satisfies ObjectiveCounts
}

const judge = (objective: Objective, counts: ObjectiveCounts, window = rolling) =>
  judgeObjective(objective, counts, window, atMs)

describe('an objective', () => {
  it('without calls has no verdict', () => {
    expect(judge(objectiveOf('99%'), countsOf(0, 0))).toMatchObject({
      attainment: null,
      interval: null,
      met: null,
      budgetLeft: null,
      budget: null,
      exhaustedInMs: null,
    })
  })

  it('is met with exactly as many bad calls as allowed, and not with one more', () => {
    const at = (bad: number) => judge(objectiveOf('99.9%'), countsOf(1_000_000, bad))
    expect(at(1000)).toMatchObject({ met: true, budgetLeft: 0, attainment: 0.999, exhaustedInMs: 0 })
    expect(at(1000).budget).toEqual({ allowed: 1000, spent: 1000, left: 0 })
    expect(at(1001).met).toBe(false)
    expect(at(1001).budgetLeft).toBeCloseTo(-0.001, 12)
    expect(at(5000).budget).toEqual({ allowed: 1000, spent: 5000, left: -4000 })
    expect(at(0)).toMatchObject({ met: true, budgetLeft: 1, attainment: 1 })
    // Where a double is too coarse for the difference.
    const billions = (bad: number) => judge(objectiveOf('99.9999%'), countsOf(9_007_199_000_000_000, bad)).met
    expect([billions(9_007_199_000), billions(9_007_199_001)]).toEqual([true, false])
  })

  it('says how sure its attainment is, by Wilson', () => {
    // Agresti and Coull (1998) and every table: 0 of 10 and 1 of 10.
    const { low, high } = judge(objectiveOf('99%'), countsOf(10, 0)).interval!
    expect([low, high]).toEqual([expect.closeTo(0.7225, 4), expect.closeTo(1, 12)])
    const one = judge(objectiveOf('99%'), countsOf(10, 1)).interval!
    expect([one.low, one.high]).toEqual([expect.closeTo(0.5958, 4), expect.closeTo(0.9821, 4)])
  })
})

describe('burn rates', () => {
  const factors = (window: string) =>
    judge(objectiveOf('99.9%', `window: ${window}`), countsOf(10, 0)).burns.map(({ factor }) => Number(factor.toFixed(3)))

  it('have the factors of the SRE workbook, scaled to the window', () => {
    expect(factors('30d')).toEqual([14.4, 6, 3, 1])
    expect(factors('28d')).toEqual([13.44, 5.6, 2.8, 0.933])
    expect(factors('90d')).toEqual([43.2, 18, 9, 3])
    expect(factors('month')).toEqual([14.4, 6, 3, 1])
    // Where the long window spends its share of the budget anyway there is nothing to tell.
    expect(factors('7d')).toEqual([3.36, 1.4])
    expect(factors('1d')).toEqual([])
  })

  const burning = (objective: Objective, ...recent: [number, number, number][]) =>
    judge(objective, countsOf(1_000_000, 0, ...recent)).burns.flatMap(({ burning }, i) => (burning ? [i] : []))

  it('alert when both windows are above, exactly', () => {
    const o = objectiveOf('99.9%')
    expect(judge(o, countsOf(1_000_000, 0, [60, 10_000, 144])).burns[0]).toMatchObject({
      long: { rate: 14.4, total: 10_000, bad: 144 },
      short: { rate: null, total: 0, bad: 0 },
      severity: 'page',
    })
    expect(burning(o, [60, 10_000, 144], [5, 1000, 100])).toEqual([])
    expect(burning(o, [60, 10_000, 145], [5, 1000, 100])).toEqual([0])
    expect(burning(o, [60, 10_000, 145], [5, 10_000, 144])).toEqual([])
    expect(burning(o, [60, 10_000, 145])).toEqual([])
    expect(burning(o, [360, 10_000, 61], [30, 1000, 7])).toEqual([1])
    expect(burning(o, [1440, 10_000, 31], [120, 1000, 4])).toEqual([2])
    expect(burning(o, [4320, 10_000, 11], [360, 1000, 2])).toEqual([3])
  })

  it('say nothing about too little', () => {
    const o = objectiveOf('99.9%')
    // One failure in ten calls is a hundred times the rate allowed.
    expect(burning(o, [60, 10, 1], [5, 10, 1])).toEqual([])
    expect(burning(o, [60, 10, 2], [5, 10, 2])).toEqual([])
    expect(burning(o, [60, 10, 3], [5, 10, 3])).toEqual([0])
    expect(burning(o, [60, 9, 9], [5, 9, 9])).toEqual([])
    const wary = objectiveOf('99.9%', 'window: 30d, min_calls: 100, min_bad: 20')
    expect(burning(wary, [60, 99, 99], [5, 99, 99])).toEqual([])
    expect(burning(wary, [60, 100, 20], [5, 5, 5])).toEqual([0])
  })

  it('of a total outage are above within a minute, after an hour of ten calls a second', () => {
    const o = objectiveOf('99.9%')
    for (const startS of [0, 1, 29, 59]) {
      // The judge looks every five seconds, and the hour begins at a whole minute: it may be 60 calls a second longer.
      const seconds = Array.from({ length: 13 }, (_, i) => 5 * i).find((s) => {
        const bad = 10 * s
        const before = 10 * (3600 + ((startS + s) % 60)) - bad
        return burning(o, [60, before + bad, bad], [5, 3000 + bad, bad]).includes(0)
      })
      expect(seconds).toBeLessThanOrEqual(60)
    }
  })
})

describe('the time to exhaustion', () => {
  const of = (more: string, counts: ObjectiveCounts, window = rolling) =>
    judge(objectiveOf('99%', more), counts, window).exhaustedInMs

  it('is what is left over what is spent by the hour', () => {
    // 10,000 allowed, 4000 spent; 500 bad calls an hour leave twelve hours.
    expect(of('window: 30d', countsOf(1_000_000, 4000, [60, 5000, 500]))).toBe(12 * HOUR)
    expect(of('window: 30d', countsOf(1_000_000, 4000, [60, 5000, 0]))).toBeNull()
    // Not before today's failures have left the window.
    expect(of('window: 30d', countsOf(1_000_000, 4000, [60, 5000, 8]))).toBeNull()
  })

  it('asks a longer window when the hour has too few calls', () => {
    expect(of('window: 30d', countsOf(1_000_000, 4000, [60, 9, 9], [360, 5000, 3000]))).toBe(12 * HOUR)
    expect(of('window: 30d', countsOf(1_000_000, 4000, [60, 9, 9]))).toBeNull()
  })

  it('of a calendar window knows that further calls add to the budget', () => {
    const window = { startMs: Date.UTC(2026, 10, 1), endMs: Date.UTC(2026, 11, 1) }
    // 5000 calls an hour allow 50 bad ones themselves.
    expect(of('window: month', countsOf(1_000_000, 4000, [60, 5000, 550]), window)).toBe(12 * HOUR)
    expect(of('window: month', countsOf(1_000_000, 4000, [60, 5000, 50]), window)).toBeNull()
    // 6000 hours are not in this month.
    expect(of('window: month', countsOf(1_000_000, 4000, [60, 5000, 51]), window)).toBeNull()
  })
})

it('the budget of calendar slices is that of the whole period', () => {
  const o = objectiveOf('99%', 'window: month, method: timeslices, slice: 1m, slice_target: 95%')
  const window = { startMs: Date.UTC(2026, 10, 1), endMs: Date.UTC(2026, 11, 1) }
  const slices = (total: number, bad: number, ahead: number): ObjectiveCounts => ({
    ...countsOf(100, 10),
    total: total * sliceParts,
    bad: bad * sliceParts,
    ahead: ahead * sliceParts,
  })
  // Two minutes into the month one was bad: of 432 that may be.
  expect(judge(o, slices(2, 1, 43_198), window)).toMatchObject({ attainment: 0.5, met: true, budgetLeft: 1 - 1 / 432 })
  expect(judge(o, slices(20_000, 432, 23_200), window)).toMatchObject({ met: true, budgetLeft: 0 })
  expect(judge(o, slices(20_000, 433, 23_200), window).met).toBe(false)
})
