import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startClock } from './clock.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_003_200 })
})
afterEach(() => {
  vi.useRealTimers()
})

it('ticks at once, then at whole multiples', async () => {
  const ticks: number[] = []
  const clock = startClock(
    5000,
    async () => void ticks.push(Date.now()),
    () => {},
  )
  await vi.advanceTimersByTimeAsync(11_000)
  await clock.stop()
  await vi.advanceTimersByTimeAsync(11_000)
  expect(ticks).toEqual([1_000_003_200, 1_000_005_000, 1_000_010_000])
})

it('lets multiples pass while a tick is under way, and goes on after one that failed', async () => {
  const ticks: number[] = []
  const failures: unknown[] = []
  const tick = async () => {
    ticks.push(Date.now())
    await new Promise((resolve) => setTimeout(resolve, 7000))
    throw new Error('no')
  }
  const clock = startClock(5000, tick, (error) => failures.push(error))
  await vi.advanceTimersByTimeAsync(16_000)
  expect(ticks).toEqual([1_000_003_200, 1_000_015_000])
  expect(failures).toHaveLength(1)
  let stopped = false
  const stopping = clock.stop().then(() => {
    stopped = true
  })
  await vi.advanceTimersByTimeAsync(2000)
  expect(stopped).toBe(false)
  await vi.advanceTimersByTimeAsync(1000)
  await stopping
  expect(failures).toHaveLength(2)
})
