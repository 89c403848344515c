import { expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { FairQueue } from './queue.ts'

const KiB = 1024

it('serves tokens in turn by bytes, each in its own order', () => {
  const queue = new FairQueue<string>()
  for (let n = 0; n < 6; n++) queue.add('flood', `flood ${n}`, 64 * KiB)
  for (let n = 0; n < 3; n++) queue.add('small', `small ${n}`, 32 * KiB)
  const order: string[] = []
  for (let next = queue.next(); next !== undefined; next = queue.next()) order.push(next)
  expect(order).toEqual([
    'flood 0',
    'small 0',
    'small 1',
    'flood 1',
    'small 2',
    'flood 2',
    'flood 3',
    'flood 4',
    'flood 5',
  ])
})

it('lets a request larger than a turn save up for it', () => {
  const queue = new FairQueue<string>()
  queue.add('large', 'large', 300 * KiB)
  for (let n = 0; n < 8; n++) queue.add('small', `small ${n}`, 64 * KiB)
  const order = Array.from({ length: 9 }, () => queue.next())
  expect(order.indexOf('large')).toBe(4)
})

it('gives a token that is alone all of it, and two of them half each', () => {
  const queue = new FairQueue<number>()
  const piece = limits.queuedBytes / 8
  for (let n = 0; n < 8; n++) queue.add('flood', n, piece)
  expect(() => queue.add('flood', 8, piece)).toThrow(
    `${limits.queuedBytes} bytes of this token's requests are being worked on, its share is ${limits.queuedBytes}`,
  )
  for (let n = 0; n < 4; n++) queue.add('other', n, piece)
  expect(() => queue.add('other', 4, piece)).toThrow(`its share is ${limits.queuedBytes / 2}`)
  // What was taken out counts until it is finished.
  for (let n = 0; n < 4; n++) queue.next()
  expect(() => queue.add('flood', 8, piece)).toThrow('its share is')
  for (let n = 0; n < 5; n++) queue.finish('flood', piece)
  queue.add('flood', 8, piece)
  expect(queue.bytes).toBe(8 * piece)
})

it('holds no more than twice the bound, however many tokens there are', () => {
  const queue = new FairQueue<number>()
  const piece = limits.queuedBytes / 4
  let taken = 0
  for (let n = 0; n < 100; n++) {
    try {
      queue.add(`token ${n}`, n, piece)
      taken++
    } catch {
      // Full.
    }
  }
  expect(taken).toBe(8)
})
