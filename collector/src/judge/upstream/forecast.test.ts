import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { forecastWindow, type Point } from './forecast.ts'

const HOUR = 3600_000
const window = { startMs: 0, endMs: HOUR }
/** Used evenly, seen every minute. */
const even = (perMinute: number, minutes: number): Point[] =>
  Array.from({ length: minutes + 1 }, (_, i) => ({ atMs: i * 60_000, used: i * perMinute }))

describe('the forecast of a window', () => {
  it('goes on as it went', () => {
    const { end, exhaustedAtMs } = forecastWindow(even(10, 30), window, HOUR / 2, 400)!
    expect(end.middle).toBe(600)
    expect(exhaustedAtMs!.middle).toBe(40 * 60_000)
    expect(end.low).toBeGreaterThan(540)
    expect(end.high).toBeLessThan(660)
    expect(forecastWindow(even(10, 30), window, HOUR / 2, 1000)!.exhaustedAtMs).toBe(null)
  })

  it('expects less when it has been quiet since', () => {
    const quiet = forecastWindow(even(10, 15), window, HOUR / 2, 400)!
    expect(quiet.end.middle).toBe(300)
  })

  it('takes a window whose start is not known from where it was first seen', () => {
    const late = even(10, 30).slice(10)
    expect(forecastWindow(late, { ...window, startMs: undefined }, HOUR / 2, 400)!.end.middle).toBe(600)
  })

  it('is wider for what comes in bursts', () => {
    const bursts = even(10, 30).map(({ atMs, used }) => ({ atMs, used: Math.floor(used / 100) * 100 }))
    const wide = forecastWindow(bursts, window, HOUR / 2, 10_000)!.end
    const narrow = forecastWindow(even(10, 30), window, HOUR / 2, 10_000)!.end
    expect(wide.high - wide.low).toBeGreaterThan(2 * (narrow.high - narrow.low))
  })

  it('is now for a quota that is used up, and none where too little is known', () => {
    expect(forecastWindow(even(10, 30), window, HOUR / 2, 300)!.exhaustedAtMs).toEqual({
      low: HOUR / 2,
      middle: HOUR / 2,
      high: HOUR / 2,
    })
    expect(forecastWindow([], window, 1, 10)).toBe(null)
    expect(forecastWindow(even(10, 1), window, HOUR / 2, 400)).toBe(null)
    expect(forecastWindow(even(0, 30), window, HOUR / 2, 400)).toBe(null)
    expect(forecastWindow(even(10, 30), window, HOUR, 400)).toBe(null)
  })

  it('holds about four times in five for calls that come by chance', () => {
    let held = 0
    const runs = 400
    let state = 20_261_121
    const chance = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state / 4_294_967_296
    }
    for (let run = 0; run < runs; run++) {
      const seconds = Array.from({ length: 3600 }, () => (chance() < 0.1 ? 1 : 0))
      const sum = (until: number) => seconds.slice(0, until).reduce<number>((a, b) => a + b, 0)
      const points = Array.from({ length: 31 }, (_, i) => ({ atMs: i * 60_000, used: sum(i * 60) }))
      const { end } = forecastWindow(points, window, HOUR / 2, 1000)!
      const was = sum(3600)
      if (was >= end.low && was <= end.high) held++
    }
    expect(held / runs).toBeGreaterThan(0.72)
    expect(held / runs).toBeLessThan(0.9)
  })

  it('is in order and within the window, whatever the points are', () => {
    const steps = fc.array(fc.tuple(fc.nat(200_000), fc.nat(500)), { maxLength: 40 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20_000 }), fc.boolean(), (steps, limit, known) => {
        let [atMs, used] = [0, 0]
        const points = steps.map(([later, more]) => {
          atMs += later
          used += more
          return { atMs, used }
        })
        const at = atMs + 1000
        const found = forecastWindow(points, { startMs: known ? 0 : undefined, endMs: HOUR * 3 }, at, limit)
        if (found === null) return
        const { end, exhaustedAtMs } = found
        expect(end.low <= end.middle && end.middle <= end.high && end.low >= used).toBe(true)
        if (exhaustedAtMs === null) return
        const { low, middle, high } = exhaustedAtMs
        expect(at <= low && low <= middle && middle <= high && high <= HOUR * 3).toBe(true)
      }),
    )
  })
})
