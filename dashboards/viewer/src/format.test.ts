import { describe, expect, test } from 'vitest'
import { fromNow, written } from './format.ts'

test.each([
  [0, 'reqps', undefined, '0 req/s'],
  [0.0678, 'reqps', undefined, '0.068 req/s'],
  [12.345, 'reqps', undefined, '12.3 req/s'],
  [12_345, 'reqps', undefined, '12.3K req/s'],
  [0.0123, 'percentunit', undefined, '1.23%'],
  [0.995, 'percentunit', undefined, '99.5%'],
  [-0.42, 'percentunit', 0, '-42%'],
  [0, 'percentunit', 2, '0.00%'],
  [0.25, 'ms', undefined, '250 µs'],
  [31.26, 'µs', undefined, '31.3 µs'],
  [0, 'µs', undefined, '0 µs'],
  [2500, 'µs', undefined, '2.5 ms'],
  [123.4, 'ms', undefined, '123 ms'],
  [1234, 'ms', undefined, '1.23 s'],
  [90_000, 'ms', undefined, '1.5 min'],
  [45, 's', 0, '45 s'],
  [5400, 's', 0, '1.5 h'],
  [200_000, 's', 0, '2.31 days'],
  [1_234_567, 'locale', undefined, (1_234_567).toLocaleString()],
  [999, 'short', undefined, '999'],
  [1_234_567, 'short', undefined, '1.23M'],
  [2048, 'bytes', undefined, '2 KiB'],
  [14.4, 'suffix:×', 1, '14.4×'],
  [1e-7, 'none', undefined, '0'],
] as const)('%d in %s is %s', (value, unit, decimals, text) => {
  expect(written(value, unit, decimals)).toBe(text)
})

describe('moments', () => {
  const now = Date.parse('2026-11-21T10:00:00Z')
  test.each([
    [0, 'just now'],
    [-30_000, '30 seconds ago'],
    [-119_000, '1 minute ago'],
    [-7_200_000, '2 hours ago'],
    [9 * 86_400_000, 'in 9 days'],
  ])('%d ms away is %s', (distance, text) => {
    expect(fromNow(now + distance, now)).toBe(text)
  })
})
