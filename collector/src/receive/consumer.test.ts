import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Consumers, keyId } from './consumer.ts'

const shop = { service: 'shop', token: '' }

describe('consumers', () => {
  const digest = createHash('sha256').update('raw-key').digest('hex')
  const acme = { id: 'acme', name: 'Acme Corp', plan: 'gold', keys: [digest], timeZone: 'UTC', quotas: [] }

  it('recognises a configured key behind the hash of any of the three secrets', () => {
    const consumers = new Consumers([acme], 'shared')
    const token = 'f'.repeat(64)
    for (const [secret, origin] of [
      ['shared', shop],
      [`token:${token}`, { ...shop, token }],
      ['service:shop', shop],
    ] as const) {
      expect(consumers.resolve(keyId(secret, digest), '', origin)).toEqual({
        id: 'acme',
        plan: 'gold',
        configured: true,
      })
    }
    const unknown = keyId('another secret', digest)
    expect(consumers.resolve(unknown, 'trial', shop)).toEqual({ id: unknown, plan: 'trial', configured: false })
  })

  it('takes the id of a configured consumer as one of its keys', () => {
    const own = createHash('sha256').update('acme').digest('hex')
    expect(new Consumers([acme], undefined).resolve(keyId('service:shop', own), '', shop).id).toBe('acme')
  })

  it('tells names once, and again when they change', () => {
    const consumers = new Consumers([acme], undefined)
    expect(consumers.takeNews()).toEqual([])
    consumers.note('u1', 'Ann', 'free')
    consumers.note('u1', 'Ann', 'free')
    expect(consumers.takeNews()).toMatchObject([{ consumer: 'u1', name: 'Ann', plan: 'free' }])
    consumers.note('u1', 'Ann', 'free')
    expect(consumers.takeNews()).toEqual([])
    consumers.note('u1', 'Ann Lee', 'free')
    expect(consumers.takeNews()).toMatchObject([{ name: 'Ann Lee' }])
  })
  it('takes back news that came to nothing', () => {
    const consumers = new Consumers([], undefined)
    consumers.note('u1', 'Ann', 'free')
    consumers.forgetNews()
    expect(consumers.takeNews()).toEqual([])
    consumers.note('u1', 'Ann', 'free')
    expect(consumers.takeNews()).toHaveLength(1)
  })
})
