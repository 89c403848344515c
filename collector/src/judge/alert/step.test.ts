import { describe, expect, it } from 'vitest'
import { readRule } from '../../config/read.ts'
import { type Alert, abandon, fingerprintOf, type Reading, step } from './step.ts'

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
