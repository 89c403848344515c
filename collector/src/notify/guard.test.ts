import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { addressClass, checkHost, type Guard, guardedLookup, hostClass, refusalOf } from './guard.ts'

const closed: Guard = { loopback: false, ranges: [], channel: false }

describe('an address', () => {
  it.each([
    ['127.0.0.1', 'a loopback'],
    ['127.255.255.255', 'a loopback'],
    ['::1', 'a loopback'],
    ['10.0.0.1', 'a private'],
    ['172.31.255.255', 'a private'],
    ['192.168.1.1', 'a private'],
    ['fd12::1', 'a private'],
    ['fec0::1', 'a private'],
    ['100.127.0.1', 'a shared (carrier-grade NAT)'],
    ['169.254.169.254', 'a cloud metadata'],
    ['fd00:ec2::254', 'a cloud metadata'],
    ['100.100.100.200', 'a cloud metadata'],
    ['169.254.1.1', 'a link-local'],
    ['fe80::1%eth0', 'a link-local'],
    ['224.0.0.1', 'a multicast'],
    ['ff02::1', 'a multicast'],
    ['0.0.0.0', 'an unspecified or reserved'],
    ['::', 'an unspecified or reserved'],
    ['255.255.255.255', 'an unspecified or reserved'],
    ['2001:db8::1', 'an unspecified or reserved'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'an unspecified or reserved'],
    // The same in other clothes.
    ['::ffff:127.0.0.1', 'a loopback'],
    ['::ffff:a9fe:a9fe', 'a cloud metadata'],
    ['::127.0.0.1', 'a loopback'],
    ['64:ff9b::10.0.0.1', 'a private'],
    ['64:ff9b:1::1', 'an unspecified or reserved'],
    ['2002:7f00:1::', 'a loopback'],
    ['::ffff:0:7f00:1', 'a loopback'],
    ['not an address', 'an unknown'],
  ])('%s is %s address', (address, name) => {
    expect(addressClass(address)).toBe(name)
    expect(refusalOf(address, closed)).toContain(`at ${name} address`)
  })

  it.each([
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.0',
    '100.128.0.1',
    '2606:4700::1111',
    '64:ff9b::1.1.1.1',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => expect(addressClass(address)).toBeUndefined())

  it('is judged alike however IPv4 is wrapped', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
        const expected = addressClass(address)
        for (const wrapped of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
          expect(addressClass(wrapped)).toBe(expected)
        }
      }),
    )
  })
})

describe('a private receiver', () => {
  it('is refused with its class and the remedy', () => {
    expect(refusalOf('10.1.2.3', closed)).toBe(
      'the receiver is at a private address (10.1.2.3), where notices do not go unless allowed; add allow_private: true to its channel, or notices: { allow_private: [10.1.2.3/32] }',
    )
    expect(refusalOf('::ffff:169.254.169.254', closed)).toBe(
      'the receiver is at a cloud metadata address (169.254.169.254), where notices do not go unless allowed; add notices: { allow_private: [169.254.169.254/32] }',
    )
  })

  it('is allowed by its channel, or by a range that has it', () => {
    expect(refusalOf('10.1.2.3', { ...closed, channel: true })).toBeUndefined()
    expect(refusalOf('fd12::1', { ...closed, channel: true })).toBeUndefined()
    expect(refusalOf('10.1.2.3', { ...closed, ranges: ['10.0.0.0/8'] })).toBeUndefined()
    expect(refusalOf('::ffff:10.1.2.3', { ...closed, ranges: ['10.0.0.0/8'] })).toBeUndefined()
    expect(refusalOf('11.0.0.1', { ...closed, ranges: ['10.0.0.0/8'] })).toBeUndefined()
    expect(refusalOf('192.168.0.1', { ...closed, ranges: ['10.0.0.0/8'] })).toBeDefined()
  })

  it('on loopback is allowed while all listeners are', () => {
    const local = { ...closed, loopback: true }
    expect(refusalOf('127.0.0.1', local)).toBeUndefined()
    expect(refusalOf('::1', local)).toBeUndefined()
    expect(refusalOf('10.0.0.1', local)).toBeDefined()
  })

  it.each(['169.254.169.254', '169.254.0.1', 'fe80::1', '0.0.0.0', '224.0.0.1', '100.100.100.200'])(
    'at %s has to be named',
    (address) => {
      expect(refusalOf(address, { loopback: true, ranges: ['10.0.0.0/8'], channel: true })).toBeDefined()
      const range = `${address}/${address.includes(':') ? 128 : 32}`
      expect(refusalOf(address, { ...closed, ranges: [range] })).toBeUndefined()
    },
  )
})

describe('a host', () => {
  it.each(['[::1]', '127.0.0.1', '[::ffff:7f00:1]'])('%s that is an address is checked as one', (host) => {
    expect(() => checkHost(host, closed)).toThrow(/a loopback address/)
    expect(hostClass(host)).toBe('a loopback')
  })

  it('that is a name is checked by what it resolves to', async () => {
    expect(() => checkHost('localhost', closed)).not.toThrow()
    expect(hostClass('shop.localhost')).toBe('a loopback')
    expect(hostClass('hooks.example.com')).toBeUndefined()
    for (const all of [true, false]) {
      const told = vi.fn()
      guardedLookup(closed)('localhost', { all }, told)
      await vi.waitFor(() => expect(told).toHaveBeenCalled())
      expect(told.mock.calls[0]![0].message).toMatch(/^the receiver is at a loopback address/)
    }
    const told = vi.fn()
    guardedLookup({ ...closed, loopback: true })('localhost', { family: 4 }, told)
    await vi.waitFor(() => expect(told).toHaveBeenCalledWith(null, '127.0.0.1', 4))
  })
})
