import { describe, expect, test } from 'vitest'
import { instantOf, intervalOf, labelOf, spanOf, wider } from './range.ts'

const now = Date.parse('2026-11-21T10:00:00Z')
const minute = 60_000

test('ends are now, a time ago, or epoch milliseconds, and nothing else', () => {
  expect(instantOf('now', now)).toBe(now)
  expect(instantOf('now-15m', now)).toBe(now - 15 * minute)
  expect(instantOf('now-2d', now)).toBe(now - 48 * 60 * minute)
  expect(instantOf(String(now), now)).toBe(now)
  for (const text of ['', 'now-', 'now-5y', 'now+5m', '2026-11-21', 'null'])
    expect(instantOf(text, now)).toBeUndefined()
})

test('an impossible range becomes the board’s own', () => {
  const own = { from: 'now-15m', to: 'now' }
  expect(spanOf({ from: 'now', to: 'now-1h' }, own, now)).toEqual({ from: now - 15 * minute, to: now })
  expect(spanOf({ from: 'x', to: 'now' }, own, now)).toEqual({ from: now - 15 * minute, to: now })
  expect(spanOf({ from: 'now-1h', to: 'now' }, own, now)).toEqual({ from: now - 60 * minute, to: now })
})

test('names a preset, or says both ends', () => {
  expect(labelOf({ from: 'now-15m', to: 'now' }, now)).toBe('Last 15 minutes')
  expect(labelOf({ from: String(now - minute), to: String(now) }, now)).toMatch(/ – /)
})

describe('the interval is rounded as Grafana does', () => {
  test.each([
    [15 * minute, 5000],
    [60 * minute, 20_000],
    [180 * minute, 60_000],
    [24 * 60 * minute, 600_000],
    [30 * 24 * 60 * minute, 10_800_000],
    [730 * 24 * 60 * minute, 43_200_000 * 2],
  ])('%d ms with 180 points: %d', (range, interval) => {
    expect(intervalOf({ from: now - range, to: now }, 180)).toBe(interval)
  })
})

test('wider is twice as long, and ends now rather than later', () => {
  const past = { from: now - 100 * minute, to: now - 80 * minute }
  expect(wider(past, now)).toEqual({ from: String(now - 110 * minute), to: String(now - 70 * minute) })
  expect(wider({ from: now - 10 * minute, to: now }, now)).toEqual({ from: String(now - 15 * minute), to: 'now' })
})
