import { describe, expect, it } from 'vitest'
import { forecastOf } from './forecast.ts'

const HOUR = 3600_000
const DAY = 24 * HOUR
/** A Monday. */
const startMs = Date.UTC(2026, 9, 26)

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomly(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Standard normal (Box and Muller). */
function normally(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Busy by day, quiet at night and on weekends, each day some more or less. */
function seasonal(seed: number, hours: number): number[] {
  const normal = normally(randomly(seed))
  const days = Array.from({ length: Math.ceil(hours / 24) }, () => Math.max(1 + 0.15 * normal(), 0))
  return Array.from({ length: hours }, (_, hour) => {
    const weekend = Math.floor(hour / 24) % 7 >= 5 ? 0.3 : 1
    const usual =
      1000 * weekend * (1 + 0.8 * Math.sin((2 * Math.PI * ((hour % 24) - 8)) / 24)) * days[Math.floor(hour / 24)]!
    return Math.max(Math.round(usual + Math.sqrt(usual) * normal()), 0)
  })
}

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0)

function forecast(past: readonly number[], given: { used?: number; limit?: number; atMs?: number; endMs: number }) {
  const nowMs = startMs + past.length * HOUR
  const { atMs = nowMs, endMs, used = 0, limit = Number.MAX_SAFE_INTEGER } = given
  return forecastOf({ history: past, startMs, timeZone: 'UTC', atMs, period: { startMs, endMs }, used, limit })
}

describe('a forecast', () => {
  it.each([1, 3, 8, 28])('of linear traffic is met exactly after %d days', (days) => {
    const endMs = startMs + 30 * DAY
    const atMs = startMs + days * DAY + 1800_000
    const used = (days * 24 + 0.5) * 10
    const found = forecast(new Array(days * 24).fill(10), { used, limit: 7100, atMs, endMs })!
    for (const bound of ['low', 'middle', 'high'] as const) {
      expect(found.end[bound]).toBeCloseTo(7200, 6)
      expect(found.exhaustedAtMs?.[bound]).toBe(startMs + 710 * HOUR)
    }
    expect(found.errorRatio).toBe(days === 1 ? null : 0)
  })

  it('is nothing without a day of history, or without use', () => {
    const endMs = startMs + 30 * DAY
    expect(forecast([], { endMs })).toBe(null)
    expect(forecast(new Array(23).fill(5), { endMs })).toBe(null)
    expect(forecast([...new Array(500).fill(0), ...new Array(23).fill(5)], { endMs })).toBe(null)
    expect(forecast(new Array(500).fill(0), { endMs })).toBe(null)
  })

  it('knows the week: on Friday evening it does not go on as from Monday to Friday', () => {
    const past = seasonal(1, 3 * 168 + 5 * 24)
    const weekend = forecast(past, { endMs: startMs + 4 * 168 * HOUR })!
    const truth = 48 * 300
    expect(Math.abs(weekend.end.middle / truth - 1)).toBeLessThan(0.2)
    expect(weekend.end.middle).toBeLessThan(0.4 * sum(past.slice(-48)))
  })

  it('keeps the rhythm of the time zone over a change of its clock', () => {
    // In Berlin the working day begins at eight by the clock, in winter an hour later by UTC.
    const offset = (ms: number) => (ms < Date.UTC(2026, 9, 25, 1) ? 2 : 1)
    const from = Date.UTC(2026, 8, 27, 22)
    const at = (ms: number) => ((new Date(ms).getUTCHours() + offset(ms)) % 24 === 8 ? 100 : 0)
    const nowMs = Date.UTC(2026, 9, 24, 22)
    const history = Array.from({ length: (nowMs - from) / HOUR }, (_, i) => at(from + i * HOUR))
    const hit = (hour: number) =>
      forecastOf({
        history,
        startMs: from,
        timeZone: 'Europe/Berlin',
        atMs: nowMs + hour * HOUR,
        period: { startMs: nowMs, endMs: nowMs + (hour + 1) * HOUR },
        used: 0,
        limit: 1000,
      })!.end.middle
    // The clock is set back on the 25th: eight o'clock is nine hours after midnight.
    expect([hit(8), hit(9), hit(10)]).toEqual([0, 100, 0])
  })

  it.each([
    ['two weeks', 14, 10],
    ['four weeks', 28, 3],
    ['four weeks, far ahead', 28, 20],
  ])('has the truth in its range in about four of five cases, by %s', (_, pastDays, aheadDays) => {
    let inside = 0
    const runs = 400
    for (let seed = 0; seed < runs; seed++) {
      const all = seasonal(seed * 7919 + pastDays, (pastDays + aheadDays) * 24)
      const past = all.slice(0, pastDays * 24)
      const { end } = forecast(past, { endMs: startMs + (pastDays + aheadDays) * DAY })!
      const truth = sum(all.slice(pastDays * 24))
      if (truth >= end.low && truth <= end.high) inside++
    }
    expect(inside / runs).toBeGreaterThan(0.7)
    expect(inside / runs).toBeLessThan(0.92)
  })

  it('tells its back-tested error: about that of the days', () => {
    const { errorRatio } = forecast(seasonal(5, 28 * 24), { endMs: startMs + 29 * DAY })!
    expect(errorRatio).toBeGreaterThan(0.05)
    expect(errorRatio).toBeLessThan(0.3)
  })

  it('tells when the limit is reached, within a range', () => {
    const past = seasonal(3, 28 * 24)
    const used = 50_000
    const endMs = startMs + 42 * DAY
    const limit = used + 60_000
    const { exhaustedAtMs } = forecast(past, { used, limit, endMs })!
    expect(exhaustedAtMs!.low).toBeLessThan(exhaustedAtMs!.middle)
    expect(exhaustedAtMs!.middle).toBeLessThan(exhaustedAtMs!.high)
    // A week comes to some 135,000.
    const days = (exhaustedAtMs!.middle - (startMs + 28 * DAY)) / DAY
    expect(days).toBeGreaterThan(1.5)
    expect(days).toBeLessThan(4)
    expect(forecast(past, { used, limit: 1e9, endMs })!.exhaustedAtMs).toBe(null)
    const nowMs = startMs + 28 * DAY
    expect(forecast(past, { used, limit: used, endMs })!.exhaustedAtMs).toEqual({
      low: nowMs,
      middle: nowMs,
      high: nowMs,
    })
  })
})
