import { expect, test } from 'vitest'
import { Account } from '../account.ts'
import { QUEUE_BYTES } from '../limits.ts'
import { Queue } from './queue.ts'

test('full: the oldest batch that is not on its way goes, and is counted', async () => {
  const account = new Account()
  const queue = new Queue(Buffer.alloc(0), Buffer.alloc(0), account)
  const fill = () => {
    // Random bytes do not compress, so the bound is met by real size.
    queue.calls.raw(crypto.getRandomValues(new Uint8Array(64 * 1024)))
    queue.wroteCall()
    queue.seal()
    return queue.sealed.at(-1)!
  }
  const first = fill()
  queue.sending = first
  const second = fill()
  let made = 2
  while (account.lost === 0) {
    fill()
    made += 1
    if (made % 32 === 0) await Promise.all(queue.sealed.map(({ ready }) => ready))
  }
  expect(made * 64 * 1024).toBeGreaterThan(QUEUE_BYTES * 0.95)
  expect(made * 64 * 1024).toBeLessThan(QUEUE_BYTES * 1.05)
  expect(queue.sealed[0]).toBe(first)
  expect(queue.sealed).not.toContain(second)
  expect(account.dropped.get('queue_full')).toBe(made - queue.sealed.length)
})
