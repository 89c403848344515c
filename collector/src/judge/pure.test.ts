import { describe, expect, it } from 'vitest'
import { readRule } from '../config/read.ts'
import { parseShare } from '../config/share.ts'
import { type Alert, abandon, fingerprintOf, type Reading, step } from './alert.ts'
import { judgeObjective } from './objective.ts'
import { judgeQuota, periodOf } from './quota.ts'

const counts = { total: 0, bad: 0, total1h: 0, bad1h: 0, total5m: 0, bad5m: 0 }

describe('an objective', () => {
  it('without calls has no verdict', () => {
    const nothing = { attainment: null, met: null, budgetLeft: null, burnRate1h: null, burnRate5m: null }
    expect(judgeObjective(counts, parseShare('99%'))).toEqual(nothing)
  })

  it('is met with exactly as many bad calls as allowed, and not with one more', () => {
    const target = parseShare('99.9%')
    const at = (bad: number) => judgeObjective({ ...counts, total: 1_000_000, bad }, target)
    expect(at(1000)).toMatchObject({ met: true, budgetLeft: 0, attainment: 0.999 })
    expect(at(1001).met).toBe(false)
    expect(at(1001).budgetLeft).toBeCloseTo(-0.001, 12)
    expect(at(0)).toMatchObject({ met: true, budgetLeft: 1, attainment: 1 })
  })

  it('burns at 14.4 when a 30-day budget would be gone in 50 hours', () => {
    const verdict = judgeObjective({ ...counts, total: 1e5, bad: 0, total1h: 10_000, bad1h: 144 }, parseShare('99.9%'))
    expect(verdict.burnRate1h).toBeCloseTo(14.4, 10)
    expect(verdict.burnRate5m).toBeNull()
  })
})

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

describe('an alert', () => {
  const rule = (more: Record<string, unknown> = {}) =>
    readRule({ name: 'slow', when: 'p95 > 300ms', group_by: ['operation'], ...more }, [])!.rule!
  const labels = { operation: 'GET /books' }
  const reading = (ms: number): Reading => ({ labels, calls: 50, figure: ms * 1000 })

  /** Walks through readings, 5 s apart, from one second on the clock. */
  function walk(of: ReturnType<typeof rule>, readings: (Reading | undefined)[], from?: Alert): string[] {
    let alert = from
    return readings.map((reading, i) => {
      const next = step(of, alert, reading, i * 5000)
      alert = next.alert
      return `${alert?.state ?? '-'}${next.event ? ` (${next.event.state})` : ''}`
    })
  }

  it('fires at once without a waiting time, and resolves when the condition is gone', () => {
    expect(walk(rule(), [reading(300), reading(301), reading(900), reading(300), undefined])).toEqual([
      '-',
      'firing (firing)',
      'firing',
      '- (resolved)',
      '-',
    ])
  })

  it('waits for the condition to hold, and forgets a breach that does not last', () => {
    const waiting = rule({ for: '10s' })
    expect(walk(waiting, [reading(301), reading(301), reading(301), undefined])).toEqual([
      'pending (pending)',
      'pending',
      'firing (firing)',
      '- (resolved)',
    ])
    expect(walk(waiting, [reading(301), reading(299), reading(301)])).toEqual([
      'pending (pending)',
      '- (inactive)',
      'pending (pending)',
    ])
  })

  it('keeps firing for a while, and goes on when the breach comes back in it', () => {
    const keeping = rule({ keep_firing_for: '10s' })
    expect(walk(keeping, [reading(301), undefined, reading(301), undefined, reading(1), undefined])).toEqual([
      'firing (firing)',
      'firing',
      'firing',
      'firing',
      'firing',
      '- (resolved)',
    ])
  })

  it('that nobody watched for long waits anew', () => {
    const waiting = rule({ for: '10s', over: '1m' })
    const pending = step(waiting, undefined, reading(301), 0).alert!
    expect(step(waiting, pending, reading(301), 70_000).alert?.state).toBe('firing')
    expect(step(waiting, pending, reading(301), 70_001).alert).toMatchObject({
      state: 'pending',
      activeSinceMs: 70_001,
    })
  })

  it('compares an error rate on whole numbers', () => {
    const failing = rule({ when: 'error_rate > 5.5%' })
    const at = (failed: number) => step(failing, undefined, { labels, calls: 200, figure: failed }, 0).alert?.value
    expect([at(11), at(12)]).toEqual([undefined, 0.06])
  })

  it('has the same fingerprint whatever the order of its labels', () => {
    expect(fingerprintOf('a', { x: '1', y: '2' })).toBe(fingerprintOf('a', { y: '2', x: '1' }))
    expect(fingerprintOf('a', { x: '1' })).not.toBe(fingerprintOf('b', { x: '1' }))
  })

  it('says in words what happened', () => {
    const { alert, event } = step(rule(), undefined, reading(412.345), 0)
    expect(event).toMatchObject({
      summary: 'slow: p95 is 412.3 ms, above 300 ms, in 50 calls of 5m (operation=GET /books)',
      value: 412.345,
      threshold: 300,
      calls: 50,
    })
    expect(step(rule(), alert, reading(20), 5000).event?.summary).toBe(
      'slow: p95 is 20 ms, no longer above 300 ms, in 50 calls of 5m (operation=GET /books)',
    )
    expect(step(rule(), alert, undefined, 5000).event?.summary).toBe(
      'slow: fewer than 10 calls in 5m (operation=GET /books)',
    )
    expect(abandon(alert!, 5000)).toMatchObject({
      state: 'resolved',
      summary: 'slow: the rule was removed (operation=GET /books)',
    })
  })
})
