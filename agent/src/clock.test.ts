import { expect, test } from 'vitest'
import { startClock } from './clock.ts'

test('follows a wall clock that was set, and only then', () => {
  let wall = 1_000_000
  let steady = 0
  const clock = startClock(
    () => wall,
    () => steady,
  )
  expect(clock.micros(0.25)).toBe(1_000_000_250)
  wall += 2003
  steady += 2000
  expect(clock.micros(2000)).toBe(1_002_000_000)
  wall += 3_600_000
  steady += 2000
  expect(clock.micros(4000)).toBe(wall * 1000)
})
