import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRule } from '../../config/read.ts'
import type { Point } from './reading.ts'
import { alertOfEvent } from './row.ts'
import { type Alert, type AlertEvent, abandon, fingerprintOf, newsOf, type Reading, step, stepTrouble } from './step.ts'

const labels = { operation: 'GET /books' }

function rule(more: Record<string, unknown> = {}) {
  const { rule, problems } = readRule({ name: 'slow', when: 'p95 > 300ms', group_by: ['operation'], ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

/** Fifty calls, of which so many took longer than the threshold. */
const point = (ms: number, beyond = ms > 300 ? 50 : 0): Point => {
  return {
    calls: 50,
    value: { numerator: Math.round(ms * 1000), denominator: 1 },
    beyond: { calls: beyond, pieces: 50 },
  }
}
const reading = (...ms: number[]): Reading => ({ labels, points: ms.map((one) => point(one)) })
const failing = (failed: number, calls: number): Reading => {
  const value = { numerator: failed, denominator: calls }
  return { labels, points: [{ calls, value, beyond: { calls: failed, pieces: calls } }] }
}

/** Walks through readings, 5 s apart, from the first moment on. */
function walk(of: ReturnType<typeof rule>, readings: (Reading | undefined)[], from?: Alert): string[] {
  let alert = from
  return readings.map((reading, i) => {
    const next = step(of, alert, reading, { nowMs: i * 5000 })
    alert = next.alert
    return `${alert?.state ?? '-'}${next.event ? ` (${next.event.state}${newsOf(next.event) ? '!' : ''})` : ''}`
  })
}

describe('an alert', () => {
  it('fires at once without a waiting time, and resolves when the condition is gone', () => {
    expect(walk(rule(), [reading(300), reading(301), reading(900), reading(300), undefined])).toEqual([
      '-',
      'firing (firing!)',
      'firing',
      '- (resolved!)',
      '-',
    ])
  })

  it('waits for the condition to hold, and forgets a breach that does not last', () => {
    const waiting = rule({ for: '10s' })
    expect(walk(waiting, [reading(301), reading(301), reading(301), undefined])).toEqual([
      'pending (pending)',
      'pending',
      'firing (firing!)',
      '- (resolved!)',
    ])
    expect(walk(waiting, [reading(301), reading(299), reading(301)])).toEqual([
      'pending (pending)',
      '- (inactive)',
      'pending (pending)',
    ])
  })

  it('recovers for a while, and a breach that comes back in it is no news', () => {
    const keeping = rule({ keep_firing_for: '10s' })
    expect(walk(keeping, [reading(301), undefined, reading(301), undefined, reading(1), undefined])).toEqual([
      'firing (firing!)',
      'recovering (recovering)',
      'firing (firing)',
      'recovering (recovering)',
      'recovering',
      '- (resolved!)',
    ])
  })

  it('recovers at a value of its own', () => {
    const hysteresis = rule({ recover: '200ms' })
    expect(
      walk(hysteresis, [reading(250), reading(301), reading(250), reading(201), reading(200), reading(250)]),
    ).toEqual(['-', 'firing (firing!)', 'firing', 'firing', '- (resolved!)', '-'])
    const low = rule({ when: 'rps < 5', recover: '8' })
    const rps = (numerator: number): Reading => ({
      labels,
      points: [{ calls: 1, value: { numerator, denominator: 1 } }],
    })
    expect(walk(low, [rps(5), rps(4), rps(7), rps(8)])).toEqual(['-', 'firing (firing!)', 'firing', '- (resolved!)'])
  })

  it('wants so many of the last windows', () => {
    const some = rule({ points: '2 of 3', over: '1m' })
    expect(walk(some, [reading(301, 1, 1), reading(301, 1, 301), reading(1, 301, 1), reading(1, 1, 301)])).toEqual([
      '-',
      'firing (firing!)',
      '- (resolved!)',
      '-',
    ])
  })

  it('without data is over, or stays as it is when the rule says so', () => {
    expect(walk(rule({ no_data: 'ok' }), [reading(301), undefined])).toEqual(['firing (firing!)', '- (resolved!)'])
    expect(walk(rule({ no_data: 'keep' }), [reading(301), undefined, undefined, reading(1)])).toEqual([
      'firing (firing!)',
      'firing',
      'firing',
      '- (resolved!)',
    ])
    // What was not told yet is not kept.
    expect(walk(rule({ no_data: 'keep', for: '1m' }), [reading(301), undefined])).toEqual([
      'pending (pending)',
      '- (inactive)',
    ])
  })

  it('is not over when calls are missing, but may begin', () => {
    const { alert } = step(rule(), undefined, reading(301), { nowMs: 0, partial: true })
    expect(alert?.state).toBe('firing')
    expect(step(rule(), alert, undefined, { nowMs: 5000, partial: true })).toEqual({ alert, event: undefined })
    expect(step(rule(), alert, reading(1), { nowMs: 5000, partial: true })).toEqual({ alert, event: undefined })
    expect(step(rule(), alert, reading(1), { nowMs: 5000 }).event?.state).toBe('resolved')
  })

  it('that nobody watched for long waits anew', () => {
    const waiting = rule({ for: '30s', over: '1m' })
    const pending = step(waiting, undefined, reading(301), { nowMs: 0 }).alert!
    expect(step(waiting, pending, reading(301), { nowMs: 60_000 }).alert?.state).toBe('firing')
    expect(step(waiting, pending, reading(301), { nowMs: 60_001 }).alert).toMatchObject({
      state: 'pending',
      activeSinceMs: 60_001,
    })
    // Time in which nobody looked is no time of being well either.
    const keeping = rule({ keep_firing_for: '30s', over: '1m' })
    const firing = step(keeping, undefined, reading(301), { nowMs: 0 }).alert
    const recovering = step(keeping, firing, reading(1), { nowMs: 5000 }).alert
    expect(step(keeping, recovering, reading(1), { nowMs: 65_001 }).alert).toMatchObject({
      state: 'recovering',
      clearSinceMs: 65_001,
    })
  })

  it('is not judged again as of the same time or an earlier one', () => {
    const { alert } = step(rule(), undefined, reading(301), { nowMs: 60_000 })
    expect(step(rule(), alert, reading(1), { nowMs: 55_000 })).toEqual({ alert, event: undefined })
    expect(step(rule(), alert, reading(1), { nowMs: 60_000 })).toEqual({ alert, event: undefined })
  })

  it('compares an error rate on whole numbers', () => {
    const rate = rule({ when: 'error_rate > 5.5%', confidence: 'none' })
    const at = (failed: number) => step(rate, undefined, failing(failed, 200), { nowMs: 0 }).alert?.value
    expect([at(11), at(12)]).toEqual([undefined, 0.06])
    const least = rule({ when: 'error_rate >= 5.5%', confidence: 'none' })
    expect(step(least, undefined, failing(11, 200), { nowMs: 0 }).alert?.value).toBe(0.055)
  })

  it('wants few calls to be sure, and goes on while they are beyond the threshold', () => {
    const rate = rule({ when: 'error_rate > 5%' })
    expect(walk(rate, [failing(1, 10), failing(4, 10), failing(5, 10), failing(1, 3), failing(0, 10)])).toEqual([
      '-',
      '-',
      'firing (firing!)',
      'firing',
      '- (resolved!)',
    ])
    const one = { labels, points: [point(400, 1)] }
    expect(walk(rule({}), [one])).toEqual(['-'])
    expect(walk(rule({ confidence: 'none' }), [one])).toEqual(['firing (firing!)'])
  })

  it('takes a call that stands for many as one piece of evidence', () => {
    const value = { numerator: 40, denominator: 100 }
    const sampled = (pieces: number): Reading => {
      return { labels, points: [{ calls: 100, value, beyond: { calls: 40, pieces } }] }
    }
    const rate = rule({ when: 'error_rate > 20%' })
    expect(walk(rate, [sampled(10)])).toEqual(['-'])
    expect(walk(rate, [sampled(100)])).toEqual(['firing (firing!)'])
  })

  it('has the same fingerprint whatever the order of its labels, and whatever labels the rule adds', () => {
    expect(fingerprintOf('a', { x: '1', y: '2' })).toBe(fingerprintOf('a', { y: '2', x: '1' }))
    expect(fingerprintOf('a', { x: '1' })).not.toBe(fingerprintOf('b', { x: '1' }))
    const more = {
      labels: { team: 'shop' },
      annotations: { hint: 'call Joe' },
      runbook: 'https://wiki.example.com/slow',
    }
    const plain = step(rule(), undefined, reading(301), { nowMs: 0 }).event
    const own = step(rule(more), undefined, reading(301), { nowMs: 0 }).event
    expect(own?.fingerprint).toBe(plain?.fingerprint)
    expect(own?.labels).toEqual({ team: 'shop', operation: 'GET /books' })
    expect(own?.annotations).toEqual({ hint: 'call Joe', runbook_url: 'https://wiki.example.com/slow' })
  })
})

describe('what is wrong with a rule itself', () => {
  it('is an alert of its own when it cannot be judged for a while', () => {
    const trouble = (held: boolean, before: Alert | undefined, nowMs: number) =>
      stepTrouble(rule(), before, { kind: 'error', held, reason: 'the engine is away' }, { nowMs })
    const first = trouble(true, undefined, 0)
    expect([first.alert?.state, first.event]).toEqual(['pending', undefined])
    expect(trouble(false, first.alert, 5000)).toEqual({ alert: undefined, event: undefined })
    const second = trouble(true, first.alert, 10_000)
    const third = trouble(true, second.alert, 15_000)
    expect(third.event).toMatchObject({
      state: 'error',
      labels: { condition: 'error' },
      summary: 'slow: it cannot be judged: the engine is away (condition=error)',
    })
    expect(newsOf(third.event!)).toBe('firing')
    const over = trouble(false, third.alert, 20_000)
    expect(over.event).toMatchObject({ state: 'resolved', summary: 'slow: it is judged again (condition=error)' })
    expect(over.event?.fingerprint).toBe(third.event?.fingerprint)
  })

  it('is an alert when it has no data and its policy says so', () => {
    const of = rule({ no_data: 'alert', service: 'shop', for: '10s' })
    const trouble = (held: boolean, before: Alert | undefined, nowMs: number) =>
      stepTrouble(of, before, { kind: 'nodata', held, reason: 'fewer than 10 calls in 5m' }, { nowMs })
    const { alert } = trouble(true, undefined, 0)
    const { event } = trouble(true, alert, 10_000)
    expect(event).toMatchObject({
      state: 'nodata',
      labels: { service: 'shop', condition: 'nodata' },
      value: null,
      summary: 'slow: fewer than 10 calls in 5m (service=shop, condition=nodata)',
    })
    expect(newsOf(event!)).toBe('firing')
  })
})

describe('words', () => {
  const said = (more: Record<string, unknown>, reading: Reading, from?: Alert) =>
    step(rule(more), from, reading, { nowMs: 1000 }).event?.summary

  it('tell of a percentile', () => {
    const { alert, event } = step(rule(), undefined, reading(412.345), { nowMs: 0 })
    expect(event).toMatchObject({
      summary:
        'slow: p95 is 412.3 ms, above 300 ms, in 50 calls of 5m; 50 of them are beyond, 99.9 % sure that more than 5 % are (operation=GET /books)',
      value: 412.345,
      threshold: 300,
      unit: 'ms',
      calls: 50,
      previous: '',
    })
    expect(said({ confidence: 'none' }, reading(412.345))).toBe(
      'slow: p95 is 412.3 ms, above 300 ms, in 50 calls of 5m (operation=GET /books)',
    )
    expect(step(rule(), alert, reading(20), { nowMs: 5000 }).event?.summary).toBe(
      'slow: p95 is 20 ms, no longer above 300 ms, in 50 calls of 5m (operation=GET /books)',
    )
    expect(step(rule(), alert, undefined, { nowMs: 5000 }).event?.summary).toBe(
      'slow: no call in 5m (operation=GET /books)',
    )
    expect(abandon(alert!, 5000)).toMatchObject({
      state: 'resolved',
      previous: 'firing',
      summary: 'slow: the rule was removed (operation=GET /books)',
    })
  })

  it('tell of an error rate, and how sure it is', () => {
    const when = { when: 'error_rate > 5%' }
    expect(said(when, failing(12, 40))).toBe(
      'slow: 12 of 40 calls failed; 99.9 % sure the rate is above 5 %, in 5m (operation=GET /books)',
    )
    expect(said({ ...when, confidence: 'none' }, failing(12, 40))).toBe(
      'slow: 12 of 40 calls failed, 30 %, above 5 %, in 5m (operation=GET /books)',
    )
    const { alert } = step(rule(when), undefined, failing(12, 40), { nowMs: 0 })
    expect(said(when, failing(1, 40), alert)).toBe(
      'slow: 1 of 40 calls failed, 2.5 %, no longer above 5 %, in 5m (operation=GET /books)',
    )
  })

  it('tell of everything else in its unit', () => {
    const of = (numerator: number, more: Partial<Point> = {}): Reading => {
      return { labels, points: [{ calls: 7, value: { numerator, denominator: 1 }, ...more }] }
    }
    expect(said({ when: 'max >= 2s' }, of(2_000_000))).toBe(
      'slow: the maximum is 2000 ms, at or above 2000 ms, in 7 calls of 5m (operation=GET /books)',
    )
    expect(said({ when: 'response_bytes_p95 > 64kB', confidence: 'none', min_calls: 5 }, of(70_000))).toBe(
      'slow: response bytes p95 is 70 kB, above 64 kB, in 7 calls of 5m (operation=GET /books)',
    )
    expect(said({ when: 'rps <= 30/m' }, of(0))).toBe(
      'slow: the rate is 0 calls a second, at or below 0.5 calls a second, in 5m (operation=GET /books)',
    )
    expect(said({ when: 'silence > 10m' }, of(12 * 60e6, { breaks: true }))).toBe(
      'slow: no call for 12m, above 10m, after 7 calls in the day before (operation=GET /books)',
    )
    expect(
      said(
        { when: 'burn_rate', objective: 'fast', group_by: undefined },
        of(20, { breaks: true, overMs: 3600_000, threshold: { numerator: 144, denominator: 10 } }),
      ),
    ).toBe('slow: the burn rate is 20, above 14.4, in 7 calls of 1h (operation=GET /books)')
    expect(said({ when: 'quota_forecast > 100%', group_by: undefined }, of(2))).toBe(
      'slow: the forecast at the end of the period is 200 %, above 100 %, after 7 calls (operation=GET /books)',
    )
  })
})

it('firing and resolved alternate, whatever is read, over pauses, missing calls and restarts', () => {
  const shapes = [
    rule(),
    rule({ for: '15s' }),
    rule({ keep_firing_for: '15s', recover: '200ms' }),
    rule({ for: '10s', keep_firing_for: '10s', no_data: 'keep', over: '10s' }),
  ]
  const moment = fc.record({
    ms: fc.option(fc.constantFrom(100, 250, 400), { nil: undefined }),
    pauseMs: fc.constantFrom(0, 5000, 5000, 5000, 20_000, 120_000),
    partial: fc.boolean(),
    restart: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.constantFrom(...shapes), fc.array(moment, { maxLength: 60 }), (of, moments) => {
      let alert: Alert | undefined
      let newest: AlertEvent | undefined
      let nowMs = 0
      const told: string[] = []
      for (const { ms, pauseMs, partial, restart } of moments) {
        nowMs += pauseMs
        // All that a restart leaves is the newest event.
        if (restart) {
          const over = newest === undefined || newest.state === 'inactive' || newest.state === 'resolved'
          alert = over || newest === undefined ? undefined : alertOfEvent(newest)
        }
        const next = step(of, alert, ms === undefined ? undefined : reading(ms), { nowMs, partial })
        alert = next.alert
        if (next.event === undefined) continue
        newest = next.event
        const news = newsOf(newest)
        if (news !== undefined) told.push(news)
      }
      told.forEach((news, i) => {
        expect(news).toBe(i % 2 === 0 ? 'firing' : 'resolved')
      })
    }),
    { numRuns: 500 },
  )
})
