import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Account } from '../account.ts'
import { QUEUE_BYTES } from '../limits.ts'
import type { Bytes } from './bytes.ts'
import { Queue } from './queue.ts'

test('full: the oldest batch that is not on its way goes, and is counted', async () => {
  const account = new Account()
  const queue = new Queue(Buffer.alloc(0), Buffer.alloc(0), account)
  const fill = () => {
    // Random bytes do not compress, so the bound is met by real size.
    queue.addCall((to) => to.raw(crypto.getRandomValues(new Uint8Array(64 * 1024))))
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

test('full: headers and bodies go before any call does', async () => {
  const account = new Account()
  const queue = new Queue(Buffer.alloc(0), Buffer.alloc(0), account)
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
  const fill = async () => {
    const write = (to: Bytes) => {
      const message = to.open(0x12)
      to.raw(random(100))
      to.close(message)
      return message
    }
    queue.addDetailed(write, (to, message) => {
      to.raw(random(64 * 1024))
      to.close(message)
    })
    queue.seal()
    await queue.sealed.at(-1)!.ready
  }
  const made = Math.ceil((1.5 * QUEUE_BYTES) / (64 * 1024))
  for (let i = 0; i < made; i++) await fill()
  expect(account.lost).toBe(0)
  expect(queue.waiting).toBe(made)
  expect(queue.bytes).toBeLessThanOrEqual(QUEUE_BYTES)
  expect(account.payloadsDropped.get('queue_full')).toBe(queue.sealed.filter(({ details }) => details === 0).length)
  // What was stripped is the call without its detail, whole.
  const stripped = gunzipSync(queue.sealed[0]!.body)
  expect(stripped.length).toBeLessThan(200)
  expect(gunzipSync(queue.sealed.at(-1)!.body).length).toBeGreaterThan(64 * 1024)
})
