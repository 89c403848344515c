import { describe, expect, it } from 'vitest'
import { periodOf } from './period.ts'
import { judgeQuota } from './verdict.ts'

describe('a quota', () => {
  it('is near from 80 % and over beyond the limit', () => {
    expect(judgeQuota(799, 1000).state).toBe('ok')
    expect(judgeQuota(800, 1000)).toEqual({ state: 'near', usedRatio: 0.8 })
    expect(judgeQuota(1000, 1000).state).toBe('near')
    expect(judgeQuota(1001, 1000).state).toBe('over')
  })

  it.each([
    ['UTC', '2026-11-21T10:00:00Z', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
    ['UTC', '2026-12-31T23:59:59Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    // March has 743 hours in Berlin, October 745.
    ['Europe/Berlin', '2026-03-15T10:00:00Z', '2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z'],
    ['Europe/Berlin', '2026-10-31T22:59:59Z', '2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z'],
    ['Europe/Berlin', '2026-10-31T23:00:00Z', '2026-10-31T23:00:00Z', '2026-11-30T23:00:00Z'],
    ['America/New_York', '2026-11-01T03:59:59Z', '2026-10-01T04:00:00Z', '2026-11-01T04:00:00Z'],
    ['Asia/Kathmandu', '2026-11-21T10:00:00Z', '2026-10-31T18:15:00Z', '2026-11-30T18:15:00Z'],
    ['Pacific/Kiritimati', '2026-11-21T10:00:00Z', '2026-10-31T10:00:00Z', '2026-11-30T10:00:00Z'],
    // Clocks went from 23:59:59 to 01:00:00: October 2023 had no first midnight in Asuncion.
    ['America/Asuncion', '2023-10-05T10:00:00Z', '2023-10-01T04:00:00Z', '2023-11-01T03:00:00Z'],
  ])('of a month in %s holds at %s from %s to %s', (zone, now, start, end) => {
    const { startMs, endMs } = periodOf('month', zone, Date.parse(now))
    const iso = (ms: number) => new Date(ms).toISOString().replace('.000', '')
    expect([iso(startMs), iso(endMs)]).toEqual([start, end])
  })

  it('of a minute holds for the clock minute', () => {
    expect(periodOf('1m', 'Asia/Kathmandu', 119_999)).toEqual({ startMs: 60_000, endMs: 120_000 })
  })
})
