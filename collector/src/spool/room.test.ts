import pino from 'pino'
import { afterEach, expect, it, vi } from 'vitest'
import { limits } from '../limits.ts'
import { Room } from './room.ts'

const MiB = 1024 ** 2
const log = pino({ level: 'silent' })

afterEach(() => {
  vi.useRealTimers()
})

it('says when the disk is low, has the engine stop merging, and both until there is enough', async () => {
  vi.useFakeTimers()
  let free = 300 * MiB
  const told: boolean[] = []
  const room = new Room({
    folder: '/data',
    store: { merge: async (run) => void told.push(run) },
    log,
    free: () => free,
  })
  const look = (bytes: number) => {
    free = bytes
    return vi.advanceTimersByTimeAsync(limits.diskPollMs)
  }
  expect(room.low).toBeUndefined()
  await look(255 * MiB)
  expect(room.low).toBe('less than 256 MiB are free on the disk of /data: make room')
  expect(told).toEqual([false])
  await look(300 * MiB)
  expect(room.low).toBeDefined()
  await look(320 * MiB)
  expect(room.low).toBeUndefined()
  expect(told).toEqual([false, true])
  room.stop()
})

it('tells the engine again when it did not hear', async () => {
  vi.useFakeTimers()
  let answers = 0
  const merge = async () => {
    if (++answers < 3) throw new Error('away')
  }
  const room = new Room({ folder: '/data', store: { merge }, log, free: () => 0 })
  expect(room.low).toBeDefined()
  await vi.advanceTimersByTimeAsync(10 * limits.diskPollMs)
  expect(answers).toBe(3)
  room.stop()
})
