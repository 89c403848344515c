import { describe, expect, it } from 'vitest'
import { defaultRetention } from '../../config/retention.ts'
import { monthAt, monthBefore, monthPeriod } from './month.ts'
import { type Needs, sourcesOf } from './source.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const startMs = Date.UTC(2026, 8, 1)
const endMs = Date.UTC(2026, 9, 1)
const october = Date.UTC(2026, 9, 2)

describe('a month is counted', () => {
  const needs: Needs = {
    period: { startMs, endMs },
    sliceMs: 5 * MINUTE,
    excluded: [],
    latencyUs: undefined,
    countedFromMs: undefined,
  }
  const hours = { ...needs, sliceMs: 60 * MINUTE }
  const from = (more: Partial<Needs>, nowMs: number, base = needs) =>
    sourcesOf({ ...base, ...more }, defaultRetention, nowMs)

  it('from minutes while they are kept, then from quarters of an hour where nothing ends within one', () => {
    const minutes = [{ source: 'calls_1m', fromMs: startMs, toMs: endMs }]
    const quarters = [{ source: 'calls_15m', fromMs: startMs, toMs: endMs }]
    expect(from({}, october)).toEqual(minutes)
    expect(from({}, startMs + 90 * DAY)).toEqual(minutes)
    const gone = 'calls by minute are kept for 90d (retention.minutes)'
    expect(from({}, startMs + 90 * DAY + 1)).toBe(gone)
    expect(from({}, startMs + 91 * DAY, hours)).toEqual(quarters)
    const cut = { excluded: [{ startMs: startMs + 20 * MINUTE, endMs: startMs + 60 * MINUTE }] }
    expect(from(cut, startMs + 91 * DAY, hours)).toBe(gone)
    expect(from({}, startMs + 800 * DAY, hours)).toBe(
      'calls by quarter of an hour are kept for 25 months (retention.rollups)',
    )
  })

  it('from single calls as long as its latency was not counted', () => {
    const fast = { latencyUs: 250_000 }
    const since = startMs + 3 * DAY + 1
    const now = startMs + 30 * DAY
    const minute = startMs + 3 * DAY + MINUTE
    expect(from({ ...fast, countedFromMs: since }, now)).toEqual([
      { source: 'calls', fromMs: startMs, toMs: minute },
      { source: 'calls_1m', fromMs: minute, toMs: endMs },
    ])
    expect(from({ ...fast, countedFromMs: startMs - 1 }, now)).toEqual([
      { source: 'calls_1m', fromMs: startMs, toMs: endMs },
    ])
    expect(from({ ...fast, countedFromMs: endMs + 1 }, now)).toEqual([
      { source: 'calls', fromMs: startMs, toMs: endMs },
    ])
    expect(from(fast, now)).toEqual([{ source: 'calls', fromMs: startMs, toMs: endMs }])
    expect(from({ ...fast, countedFromMs: since }, now + 1)).toBe(
      'calls under 250ms were not counted before 2026-09-04 00:01 UTC, and single calls are kept for 30d (retention.calls)',
    )
    expect(from(fast, now + 1)).toBe(
      'calls under 250ms were not counted, and single calls are kept for 30d (retention.calls)',
    )
  })
})

describe('months', () => {
  it('are those of the time zone', () => {
    const iso = (month: string, zone: string) => {
      const { startMs, endMs } = monthPeriod(month, zone)!
      return [startMs, endMs].map((ms) => new Date(ms).toISOString().slice(0, 16))
    }
    expect(iso('2026-10', 'Europe/Berlin')).toEqual(['2026-09-30T22:00', '2026-10-31T23:00'])
    expect(iso('2024-02', 'UTC')).toEqual(['2024-02-01T00:00', '2024-03-01T00:00'])
    expect(iso('2026-01', 'Pacific/Kiritimati')).toEqual(['2025-12-31T10:00', '2026-01-31T10:00'])
    for (const text of ['2026-13', '2026-1', '26-01', '', '2026-01-01'])
      expect(monthPeriod(text, 'UTC')).toBeUndefined()
    const moment = Date.parse('2026-10-31T23:30Z')
    expect([monthAt('UTC', moment), monthAt('Europe/Berlin', moment), monthAt('Pacific/Kiritimati', moment)]).toEqual([
      '2026-10',
      '2026-11',
      '2026-11',
    ])
    expect([monthBefore('2026-01'), monthBefore('2026-12')]).toEqual(['2025-12', '2026-11'])
  })
})
