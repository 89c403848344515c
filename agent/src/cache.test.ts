import { expect, test } from 'vitest'
import { Cache } from './cache.ts'

test('never more than its capacity, whatever is put in', () => {
  const cache = new Cache<number, string>(100)
  for (let i = 0; i < 10_000; i++) {
    cache.set(i, String(i))
    expect(cache.size).toBeLessThanOrEqual(100)
  }
  expect(cache.get(9999)).toBe('9999')
  expect(cache.get(0)).toBeUndefined()
})

test('what is asked for stays, whatever else comes and goes', () => {
  const cache = new Cache<string, number>(10)
  cache.set('kept', 1)
  for (let i = 0; i < 1000; i++) {
    cache.set(`other ${i}`, i)
    expect(cache.get('kept')).toBe(1)
  }
})
