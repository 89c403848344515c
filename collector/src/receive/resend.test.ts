import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { KeySet } from './keyset.ts'
import { Resends } from './resend.ts'

interface Result {
  rejected: number
}

function setUp() {
  const clock = { now: 1_000_000 }
  const resends = new Resends<Result>({
    usual: { rejected: 0 },
    isUsual: ({ rejected }) => rejected === 0,
    now: () => clock.now,
  })
  let taken = 0
  const send = (body: string, rejected = 0) =>
    resends.once('traces', Buffer.from(body), async () => {
      taken++
      return { rejected }
    })
  return { clock, resends, send, taken: () => taken }
}

describe('a request that is sent again', () => {
  it('gets the answer of the first, also while that is under way, and is not taken again', async () => {
    const { send, taken } = setUp()
    const [first, second] = await Promise.all([send('a', 3), send('a', 3)])
    expect([first, second, await send('a')]).toEqual([{ rejected: 3 }, { rejected: 3 }, { rejected: 3 }])
    expect(await send('b')).toEqual({ rejected: 0 })
    expect(taken()).toBe(2)
  })

  it('is taken again when the first failed', async () => {
    const { resends, send } = setUp()
    const failing = () => resends.once('traces', Buffer.from('a'), () => Promise.reject(new Error('away')))
    await expect(failing()).rejects.toThrow('away')
    await expect(failing()).rejects.toThrow('away')
    expect(await send('a', 1)).toEqual({ rejected: 1 })
  })

  it('is known for fifteen minutes at least, and not for ever', async () => {
    const { clock, send, taken } = setUp()
    await send('a')
    clock.now += limits.resendMs
    await send('b')
    clock.now += limits.resendMs
    await send('c')
    expect(taken()).toBe(3)
    await send('b')
    expect(taken()).toBe(3)
    clock.now += limits.resendMs + 1
    await send('d')
    await send('a')
    expect(taken()).toBe(5)
  })

  it('is known from an earlier run', async () => {
    const { resends } = setUp()
    let key = ''
    await resends.once('traces', Buffer.from('a'), async (given) => {
      key = given
      return { rejected: 0 }
    })
    const { resends: next, send, taken } = setUp()
    next.remember([[key, 0]])
    expect(await send('a')).toEqual({ rejected: 0 })
    expect(taken()).toBe(0)
  })
})

it('a set of keys has what was added and nothing else, up to its capacity', () => {
  const digests = Array.from({ length: 20_000 }, () => randomBytes(32))
  digests[0]!.fill(0, 0, 8)
  const set = new KeySet(10_000)
  for (const digest of digests.slice(0, 10_000)) set.add(digest)
  set.add(digests[0]!)
  expect(set.size).toBe(10_000)
  expect(digests.map((digest) => set.has(digest))).toEqual(digests.map((_, i) => i < 10_000))
})
