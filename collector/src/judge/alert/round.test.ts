import { describe, expect, it } from 'vitest'
import type { AlertRule } from '../../config/config.ts'
import { readRule } from '../../config/read.ts'
import { limits } from '../../limits.ts'
import type { Point } from './reading.ts'
import { judgeRules, missed } from './round.ts'
import { type Alert, fingerprintOf, type Reading, step } from './step.ts'
import { watermark } from './watermark.ts'

function ruleOf(more: Record<string, unknown> = {}): AlertRule {
  return readRule({ name: 'a', when: 'rps > 1', over: '1m', ...more }, [])!.rule!
}

const reading = (rps: number): Reading => {
  const point: Point = { calls: rps * 60, value: { numerator: rps, denominator: 1 } }
  return { labels: {}, points: [point] }
}
const key = fingerprintOf('a', {})

/** Judges as of `nowMs`; `at` says what the rule reads in the window that ends then. */
async function judge(
  rule: AlertRule,
  nowMs: number,
  at: (toMs: number) => Reading | undefined,
  alerts: ReadonlyMap<string, Alert> = new Map(),
  partial = false,
) {
  const asked: number[] = []
  const failures: unknown[] = []
  const round = await judgeRules({
    reader: {
      async read(_, toMs) {
        asked.push(toMs + limits.lagMs)
        const found = at(toMs + limits.lagMs)
        return new Map(found === undefined ? [] : [[key, found]])
      },
    },
    rules: [rule],
    alerts,
    until: { toMs: nowMs - limits.lagMs, heldMs: 0, partial },
    failed: (_, error) => failures.push(error),
  })
  return { ...round, asked, failures, states: [...round.alerts.values()].map(({ state }) => state) }
}

describe('a round', () => {
  it('judges a pause in order, for the alerts that were under way', async () => {
    const rule = ruleOf({ for: '10m' })
    const pending = step(rule, undefined, reading(2), { nowMs: 0 }).alert!
    const before = new Map([[key, pending]])
    const through = await judge(rule, 10 * 60_000, () => reading(2), before)
    expect(through.asked).toEqual(Array.from({ length: 10 }, (_, i) => (i + 1) * 60_000))
    expect(through.states).toEqual(['firing'])
    // It was gone for a while in between: nobody saw it, the store did.
    const gone = await judge(rule, 10 * 60_000, (ms) => (ms === 5 * 60_000 ? undefined : reading(2)), before)
    expect(gone.states).toEqual(['pending'])
    expect(gone.events.map(({ event }) => [event.state, event.atMs])).toEqual([
      ['inactive', 5 * 60_000],
      ['pending', 10 * 60_000],
    ])
    // What began in the pause is judged as of now.
    expect((await judge(rule, 10 * 60_000, () => reading(2))).asked).toHaveLength(1)
  })

  it('bounds what it makes up for', () => {
    const rule = ruleOf()
    const firing = step(rule, undefined, reading(2), { nowMs: 0 }).alert!
    const moments = missed(rule, new Map([[key, firing]]), 7 * 24 * 3600_000)
    expect(moments.length).toBeLessThan(limits.alertCatchUp)
    expect(missed(rule, new Map([[key, firing]]), 60_000)).toEqual([])
  })

  it('leaves its alerts as they are when it fails, and tells when it goes on failing', async () => {
    const rule = ruleOf()
    const firing = step(rule, undefined, reading(2), { nowMs: 0 }).alert!
    const away = () => {
      throw new Error('the engine is away')
    }
    const first = await judge(rule, 5000, away, new Map([[key, firing]]))
    expect([first.failures.length, first.events]).toEqual([1, []])
    expect(first.alerts.get(key)).toBe(firing)
    const second = await judge(rule, 20_000, away, first.alerts)
    expect(second.events.map(({ event }) => [event.state, event.summary])).toEqual([
      ['error', 'a: it cannot be judged: the engine is away (condition=error)'],
    ])
    const third = await judge(rule, 25_000, () => reading(2), second.alerts)
    expect(third.events.map(({ event }) => event.state)).toEqual(['resolved'])
    expect(third.states).toEqual(['firing'])
  })

  it('tells of a rule without data where its policy says so', async () => {
    const rule = ruleOf({ when: 'p95 > 1s', no_data: 'alert', group_by: ['operation'] })
    const none = await judge(rule, 5000, () => undefined)
    expect(none.events.map(({ event }) => event.state)).toEqual(['nodata'])
    const back = await judge(rule, 10_000, () => reading(1), none.alerts)
    expect(back.events.map(({ event }) => event.summary)).toEqual(['a: there are calls again (condition=nodata)'])
    expect((await judge(ruleOf({ when: 'p95 > 1s' }), 5000, () => undefined)).events).toEqual([])
  })

  it('calls nothing over, and misses nobody, while calls are missing', async () => {
    const rule = ruleOf()
    const firing = step(rule, undefined, reading(2), { nowMs: 0 }).alert!
    const held = await judge(rule, 5000, () => undefined, new Map([[key, firing]]), true)
    expect([held.events, held.states]).toEqual([[], ['firing']])
    const low = ruleOf({ when: 'rps < 1' })
    expect((await judge(low, 5000, () => reading(0), new Map(), true)).events).toEqual([])
    expect((await judge(low, 5000, () => reading(0))).states).toEqual(['firing'])
    const nodata = ruleOf({ no_data: 'alert' })
    expect((await judge(nodata, 5000, () => undefined, new Map(), true)).events).toEqual([])
    expect((await judge(rule, 5000, () => reading(2), new Map(), true)).states).toEqual(['firing'])
  })

  it('resolves by no hole: a judgement that is not there yet changes nothing', async () => {
    const rule = ruleOf({ when: 'quota_used > 80%', over: undefined })
    const { alert } = step(rule, undefined, reading(2), { nowMs: 0 })
    const round = await judgeRules({
      reader: { read: async () => undefined },
      rules: [rule],
      alerts: new Map([[key, alert!]]),
      until: { toMs: 5000, heldMs: 0, partial: false },
      failed: (_, error) => expect.fail(String(error)),
    })
    expect([round.events, [...round.alerts.values()]]).toEqual([[], [alert]])
  })
})

describe('the watermark', () => {
  const now = 1_000_000

  it('is a little before now while rows are stored at once', () => {
    expect(watermark(now, now)).toEqual({ toMs: now - limits.lagMs, heldMs: 0, partial: false })
    expect(watermark(now, now - limits.lagMs + limits.sentMs).heldMs).toBe(0)
  })

  it('waits for the oldest row that is not stored, but not for ever', () => {
    expect(watermark(now, now - 60_000)).toEqual({
      toMs: now - 60_000 - limits.sentMs,
      heldMs: 60_000 + limits.sentMs - limits.lagMs,
      partial: false,
    })
    expect(watermark(now, now - 3600_000)).toMatchObject({ toMs: now - limits.lagMs, partial: true })
  })
})
