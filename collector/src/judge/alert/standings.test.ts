import { describe, expect, it } from 'vitest'
import { readRule } from '../../config/read.ts'
import { parseShare } from '../../config/share.ts'
import { breaks } from './reading.ts'
import { type BurnStanding, burnReadings, quotaReadings, type UseStanding } from './standings.ts'
import { step } from './step.ts'

function ruleOf(more: Record<string, unknown>) {
  const { rule, problems } = readRule({ name: 'a', ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

describe('burn rates', () => {
  const hour = 3600_000
  const burn = (bad: number, total: number) => ({ bad, total, rate: total === 0 ? null : (bad * 1000) / total })
  const pair = (longMs: number, factor: number, long: [number, number], short: [number, number]) => ({
    ...{ longMs, factor, severity: 'page', long: burn(...long), short: burn(...short) },
    burning: (burn(...long).rate ?? 0) > factor && (burn(...short).rate ?? 0) > factor,
  })
  const standing = (consumer: string, burns: ReturnType<typeof pair>[]): BurnStanding => {
    return { objective: { name: 'fast', target: parseShare('99.9%') }, consumer, verdict: { met: null, burns } }
  }
  const calm = [pair(hour, 14.4, [1, 1000], [0, 100]), pair(6 * hour, 6, [30, 3000], [0, 600])]
  const slow = [pair(hour, 14.4, [10, 1000], [1, 100]), pair(6 * hour, 6, [30, 3000], [9, 600])]

  it('alone break where one of the pairs of the objective burns', () => {
    const rule = ruleOf({ when: 'burn_rate', objective: 'fast' })
    const readings = burnReadings(rule, [standing('', calm), standing('acme', slow)])!
    expect(readings.map(({ labels, points }) => [labels, breaks(rule, points[0]!)])).toEqual([
      [{ objective: 'fast' }, false],
      [{ objective: 'fast', consumer: 'acme' }, true],
    ])
    expect(step(rule, undefined, readings[1], { nowMs: 0 }).event?.summary).toBe(
      'a: the burn rate is 10, above 6, in 3000 calls of 6h (objective=fast, consumer=acme)',
    )
  })

  it('with a threshold break where both windows of the pair are above it', () => {
    const holds = (when: string, over: string, burns = slow) => {
      const rule = ruleOf({ when, objective: 'fast', over })
      return breaks(rule, burnReadings(rule, [standing('', burns)])![0]!.points[0]!)
    }
    expect([holds('burn_rate > 9.9', '1h'), holds('burn_rate > 10', '1h'), holds('burn_rate >= 10', '1h')]).toEqual([
      true,
      false,
      true,
    ])
    // The long window still burns, the short one does not any more.
    expect(holds('burn_rate > 9', '6h', calm)).toBe(false)
    expect(() => holds('burn_rate > 9', '2h')).toThrow('the objective fast has burn rates over 1h, 6h, not over 2h')
  })

  it('say nothing before the objective was judged, or without calls', () => {
    const rule = ruleOf({ when: 'burn_rate', objective: 'fast' })
    expect(burnReadings(rule, [])).toBeUndefined()
    expect(burnReadings(rule, [standing('', [pair(hour, 14.4, [0, 0], [0, 0])])])).toEqual([])
  })
})

describe('quotas', () => {
  const use = (consumer: string, used: number, middle?: number): UseStanding => {
    const forecast = middle === undefined ? null : { end: { middle } }
    return { quota: { name: 'monthly', limit: 1000 }, plan: 'gold', consumer, used, forecast }
  }

  it('are compared on whole numbers', () => {
    const rule = ruleOf({ when: 'quota_used >= 80%', quota: 'monthly' })
    const readings = quotaReadings(rule, [use('acme', 799), use('bob', 800)])!
    expect(readings.map(({ points }) => breaks(rule, points[0]!))).toEqual([false, true])
    expect(readings[1]!.labels).toEqual({ quota: 'monthly', plan: 'gold', consumer: 'bob' })
  })

  it('are foretold where there is a forecast', () => {
    const rule = ruleOf({ when: 'quota_forecast > 100%', plan: 'gold' })
    const readings = quotaReadings(rule, [use('acme', 10), use('bob', 300, 1000.6), use('eve', 300, 1000.4)])!
    expect(readings.map(({ labels, points }) => [labels.consumer, breaks(rule, points[0]!)])).toEqual([
      ['bob', true],
      ['eve', false],
    ])
    expect(quotaReadings({ ...rule, plan: 'blue' }, [use('acme', 10, 20)])).toEqual([])
    expect(quotaReadings(rule, [])).toBeUndefined()
  })
})
