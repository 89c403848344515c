import { describe, expect, it } from 'vitest'
import { randomly } from '../../../../test/random.ts'
import type { AlertRule } from '../../config/config.ts'
import { readRule } from '../../config/read.ts'
import { type Alert, newsOf, type Reading, step } from './step.ts'

/** Calls of a minute, and how many of them failed and took longer than 300 ms. */
interface Minute {
  calls: number
  failed: number
  slow: number
}

const days = 30
const minutes = days * 24 * 60

function ruleOf(more: Record<string, unknown>): AlertRule {
  const { rule, problems } = readRule({ name: 'a', ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

/** News of a rule over minutes of calls, by the minute: windows of five, judged each minute. */
function news(rule: AlertRule, traffic: readonly Minute[]): string[] {
  const told: string[] = []
  const sum: Minute = { calls: 0, failed: 0, slow: 0 }
  let alert: Alert | undefined
  for (const [i, minute] of traffic.entries()) {
    for (const key of ['calls', 'failed', 'slow'] as const) sum[key] += minute[key] - (traffic[i - 5]?.[key] ?? 0)
    const next = step(rule, alert, readingOf(rule, sum), { nowMs: i * 60_000 })
    alert = next.alert
    const about = next.event && newsOf(next.event)
    if (about !== undefined) told.push(`${about} at ${i}`)
  }
  return told
}

function readingOf(rule: AlertRule, { calls, failed, slow }: Minute): Reading | undefined {
  if (calls === 0) return undefined
  const rate = rule.when.metric === 'error_rate'
  // p95 is above 300 ms when more than a twentieth is slower.
  const value = rate
    ? { numerator: failed, denominator: calls }
    : { numerator: slow * 20 > calls ? 301_000 : 299_000, denominator: 1 }
  return { labels: {}, points: [{ calls, value, beyond: { calls: rate ? failed : slow, pieces: calls } }] }
}

/** A month of calls: days and nights, weekends, bursts; failures and slow calls at random, more of them when it is busy. */
function month(seed: number, perMinute: number): Minute[] {
  const random = randomly(seed)
  let burst = 1
  return Array.from({ length: minutes }, (_, i) => {
    const hour = (i / 60) % 24
    const weekend = Math.floor(i / 1440) % 7 >= 5 ? 0.4 : 1
    if (random() < 1 / 300) burst = random() < 0.5 ? 1 : 1 + 3 * random()
    const mean = perMinute * weekend * burst * (0.55 - 0.45 * Math.cos((2 * Math.PI * (hour - 3)) / 24))
    const calls = poisson(random, mean)
    return {
      calls,
      failed: poisson(random, calls * 0.005),
      slow: Math.min(calls, poisson(random, calls * 0.01 * burst ** 0.3)),
    }
  }).map((minute) => ({ ...minute, failed: Math.min(minute.failed, minute.calls) }))
}

/** Knuth's way for small means; the normal law for large ones. */
function poisson(random: () => number, mean: number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
  }
  const least = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > least; product *= random()) count++
  return count
}

const failing = ruleOf({ when: 'error_rate > 5%' })
const slow = ruleOf({ when: 'p95 > 300ms' })

describe('thirty days', () => {
  it.each([0.5, 2, 5, 20, 100, 2000])(
    'of normal seasonal traffic around %d calls a minute page nobody',
    (perMinute) => {
      for (const seed of [1, 2, 3]) {
        const traffic = month(seed * 1000 + perMinute, perMinute)
        expect([news(failing, traffic), news(slow, traffic)]).toEqual([[], []])
      }
    },
  )

  it('would page by chance without confidence: the same days, the same rules', () => {
    const traffic = month(1, 2)
    const none = { confidence: 'none' }
    expect(news(ruleOf({ when: 'error_rate > 5%', ...none }), traffic).length).toBeGreaterThan(10)
    expect(news(ruleOf({ when: 'p95 > 300ms', ...none }), traffic).length).toBeGreaterThan(10)
  })

  it('with one failure in each ten calls page nobody', () => {
    const traffic = Array.from({ length: minutes }, (_, i) => ({ calls: 2, failed: i % 5 === 0 ? 1 : 0, slow: 0 }))
    expect(news(failing, traffic)).toEqual([])
  })

  it.each([5, 20, 2000])('with a total outage at %d calls a minute page once it is seen in ten calls', (perMinute) => {
    const traffic = month(9, perMinute)
    const noon = 12 * 60 + 3 * 1440
    for (let i = noon; i < noon + 30; i++) traffic[i] = { ...traffic[i]!, failed: traffic[i]!.calls }
    const told = news(failing, traffic)
    expect(told).toHaveLength(2)
    const [from, to] = told.map((text) => Number(text.split(' at ')[1]))
    // At five calls a minute, five failures among the calls of five minutes take one or two.
    expect(from! - noon).toBeLessThan(perMinute < 20 ? 3 : 1)
    expect(to! - noon).toBeGreaterThanOrEqual(30)
  })

  it('of flapping about the threshold are one alert with recover and keep_firing_for', () => {
    const traffic = Array.from({ length: 600 }, (_, i) => {
      const busy = i >= 100 && i < 400
      return { calls: 500, failed: busy ? (Math.floor(i / 7) % 2 === 0 ? 42 : 18) : 2, slow: 0 }
    })
    const plain = news(failing, traffic).length
    expect(plain).toBeGreaterThan(10)
    const told = news(ruleOf({ when: 'error_rate > 5%', recover: '1%', keep_firing_for: '10m' }), traffic)
    expect(told.map((text) => text.split(' at ')[0])).toEqual(['firing', 'resolved'])
  })
})
