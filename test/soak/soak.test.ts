import { expect, test } from 'vitest'
import { startReceiver } from '../agent/receiver.ts'
import { soak } from './soak.mjs'

/** The short form of `npm run bench -- soak`. */
const SECONDS = 60

test('a minute of uploads, streams and callers that go away: nothing grows, every call is recorded once', async () => {
  const receiver = await startReceiver()
  const { samples, served } = await soak({ endpoint: receiver.url, seconds: SECONDS, rate: 1000, every: 4 })
  await receiver.close()
  const incoming = receiver.calls.filter(({ kind }) => kind === 2)
  expect(incoming.length).toBe(served)
  expect(new Set(receiver.calls.map(({ spanId }) => spanId)).size).toBe(receiver.calls.length)
  expect(receiver.counts.seen).toBe(receiver.calls.length)
  expect(receiver.counts.sent).toBe(receiver.calls.length)
  // The last sample is taken at rest. A first part is left away: code is compiled and caches are filled in it.
  const busy = samples.slice(0, -1)
  const middle = busy.slice(Math.floor(busy.length / 3), Math.floor((busy.length * 2) / 3))
  const late = busy.slice(Math.floor((busy.length * 2) / 3))
  for (const [what, allowance] of [
    ['heap', 4e6],
    ['buffers', 8e6],
  ] as const) {
    const least = (part: typeof busy) => Math.min(...part.map((sample) => sample[what]))
    expect(least(late), `${what} at the least, late and in the middle`).toBeLessThan(least(middle) + allowance)
  }
  // Open connections follow the load, which is not even on a busy machine; at rest there are none.
  const rest = samples.at(-1)!
  expect(rest.descriptors).toBeLessThan(100)
  expect(rest.timers).toBeLessThan(20)
  expect(new Set(busy.map(({ listeners }) => listeners)).size).toBe(1)
}, 180_000)
