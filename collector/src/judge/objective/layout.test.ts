import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Objective } from '../../config/config.ts'
import { parseConfig } from '../../config/read.ts'
import { layoutOf, lookbacksMs, slicesIn } from './layout.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function objectiveOf(more: string): Objective {
  const { config, faults } = parseConfig(`objectives: [{ name: o, target: 99%, ${more} }]`, 'x', {})
  expect(faults).toEqual([])
  return config!.objectives[0]!
}

const windows = ['1h', '90m', '1d', '2d', '30d', '400d', 'day', 'week', 'month', 'quarter', 'year']
const methods = [
  'method: occurrences',
  ...['1m', '4m', '5m', '15m', '20m', '1h'].map((slice) => `method: ratio_timeslices, slice: ${slice}`),
]
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
]

describe('the blocks of an objective', () => {
  it('follow each other from the beginning of every window to the end, in every zone at every time', () => {
    const about = fc.record({
      window: fc.constantFrom(...windows),
      method: fc.constantFrom(...methods),
      zone: fc.constantFrom(...zones),
      atMs: fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) }),
    })
    fc.assert(
      fc.property(about, ({ window, method, zone, atMs }) => {
        const objective = objectiveOf(`window: ${window}, ${sliceable(method, window)}`)
        const layout = layoutOf(objective, zone, atMs)
        const { blocks, endMs } = layout
        const starts = new Set(blocks.map(({ startMs }) => startMs))
        blocks.forEach(({ startMs, widthMs }, i) => {
          expect((startMs - layout.phaseMs) % widthMs).toBe(0)
          expect(startMs + widthMs).toBe(blocks[i + 1]?.startMs ?? endMs)
        })
        expect(endMs).toBeGreaterThan(atMs - HOUR - 6000)
        expect(endMs).toBeLessThanOrEqual(Math.floor(atMs / MINUTE) * MINUTE + MINUTE)
        if (layout.window.startMs < endMs) expect(starts).toContain(layout.window.startMs)
        lookbacksMs.forEach((ms, i) => {
          const from = layout.recentMs[i]!
          expect(starts).toContain(from)
          // Never shorter than its name says, but for a slice that is not over.
          expect(atMs - from).toBeGreaterThanOrEqual(ms)
        })
        expect(blocks.length).toBeLessThan(1300)
      }),
      { numRuns: 150 },
    )
  })

  it('are few for a year, and begin a rolling window at the quarter before', () => {
    const atMs = Date.UTC(2026, 10, 21, 10, 7, 3)
    const { window, blocks } = layoutOf(objectiveOf('window: 30d'), 'UTC', atMs)
    expect(window).toEqual({ startMs: Date.UTC(2026, 9, 22, 10), endMs: atMs })
    const widths = (ms: number) => blocks.filter(({ widthMs }) => widthMs === ms).length
    expect([widths(DAY), widths(15 * MINUTE), widths(MINUTE)]).toEqual([26, 56 + 40 + 288 - 4, 68])
    expect(layoutOf(objectiveOf('window: year'), 'UTC', atMs).blocks.length).toBeLessThan(900)
  })

  it('of a month in Berlin are an hour more in October', () => {
    const { window } = layoutOf(objectiveOf('window: month'), 'Europe/Berlin', Date.UTC(2026, 9, 10))
    expect(window.endMs - window.startMs).toBe(31 * DAY + HOUR)
  })
})

/** Slices within a quarter need minutes, which are not kept for a year. */
function sliceable(method: string, window: string): string {
  return ['400d', 'quarter', 'year'].includes(window) && !/15m|1h/.test(method) ? methods[0]! : method
}

describe('slices', () => {
  const fromMs = Date.UTC(2026, 10, 20)
  const time = (minutes: number) => `${new Date(fromMs + minutes * MINUTE).toISOString().slice(0, 16)}Z`
  const sliced = (...out: [number, number][]) =>
    objectiveOf(
      `window: 30d, method: ratio_timeslices, slice: 5m, exclude: [${out.map(([from, to]) => `{ from: ${time(from)}, to: ${time(to)} }`).join(', ')}]`,
    )

  it('that exclusions cover whole are none', () => {
    const hour = (...out: [number, number][]) => slicesIn(sliced(...out), fromMs, fromMs + HOUR)
    expect(hour()).toBe(12)
    expect(hour([10, 20])).toBe(10)
    // Parts of a slice leave it there, unless together they are all of it.
    expect(hour([11, 19])).toBe(12)
    expect(hour([11, 20])).toBe(11)
    expect(hour([12, 15], [10, 12])).toBe(11)
    expect(hour([10, 20], [12, 30], [0, 3])).toBe(8)
    expect(hour([-100, 5], [55, 100])).toBe(10)
    expect(hour([-100, 100])).toBe(0)
  })
})
