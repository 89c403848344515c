import fc from 'fast-check'
import { expect, test } from 'vitest'
import { networkOf, plainAddress } from './address.ts'
import { Trust } from './proxy.ts'

const XFF = 'x-forwarded-for'
const two = 'loopback,10.0.0.0/8,2001:db8:1::/48'

test.each<[what: string, trust: string, header: string, value: string, client: string | undefined]>([
  ['one proxy', two, XFF, '203.0.113.9', '203.0.113.9'],
  ['two proxies', two, XFF, '203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['invented to the left', two, XFF, '1.1.1.1, 203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['an invented proxy of ours to the left', two, XFF, '10.9.9.9, 203.0.113.9', '203.0.113.9'],
  ['nonsense to the left', two, XFF, '<script>, 203.0.113.9', '203.0.113.9'],
  ['nonsense where a proxy should have written', two, XFF, '203.0.113.9, unknown', undefined],
  ['nonsense behind a proxy', two, XFF, 'unknown, 10.0.0.7', '10.0.0.7'],
  ['nothing but proxies', two, XFF, '10.0.0.8, 10.0.0.7', '10.0.0.8'],
  ['an empty entry', two, XFF, '203.0.113.9,', undefined],
  ['not quite an address', two, XFF, '203.0.113.999', undefined],
  ['a host name', two, XFF, 'localhost', undefined],
  ['with a port', two, XFF, '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6', two, XFF, '2001:DB8:7:0::9, 2001:db8:1::1', '2001:db8:7::9'],
  ['IPv6 with a port', two, XFF, '[2001:db8:7::9]:4711', '2001:db8:7::9'],
  ['IPv4 in IPv6', two, XFF, '::ffff:203.0.113.9, ::ffff:10.0.0.7', '203.0.113.9'],
  ['IPv4 in IPv6, in groups', two, XFF, '::ffff:cb00:7109', '203.0.113.9'],
  ['one hop', '1', XFF, '1.1.1.1, 203.0.113.9', '203.0.113.9'],
  ['two hops', '2', XFF, '1.1.1.1, 203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['fewer entries than hops', '3', XFF, '203.0.113.9, 10.0.0.7', '203.0.113.9'],
  ['Forwarded', two, 'forwarded', 'for=203.0.113.9;proto=https;by=10.0.0.7', '203.0.113.9'],
  ['Forwarded, two', two, 'forwarded', 'for=1.1.1.1, For="203.0.113.9:80" , for=10.0.0.7', '203.0.113.9'],
  ['Forwarded, IPv6', two, 'forwarded', 'proto=http;FOR="[2001:db8:7::9]:4711"', '2001:db8:7::9'],
  [
    'Forwarded, a comma in a quotation',
    two,
    'forwarded',
    'for=1.1.1.1;x="a,for=2.2.2.2", for=203.0.113.9',
    '203.0.113.9',
  ],
  ['Forwarded, a quotation without an end', two, 'forwarded', 'for=1.1.1.1, for="203.0.113.9', undefined],
  ['Forwarded, one to the left', two, 'forwarded', 'for="1.1.1.1, for=203.0.113.9', '203.0.113.9'],
  ['Forwarded, an escaped quotation mark', two, 'forwarded', 'for=1.1.1.1, x="a\\",";for=203.0.113.9', '203.0.113.9'],
  ['Forwarded, hidden', two, 'forwarded', 'for=203.0.113.9, for=_hidden', undefined],
  ['Forwarded, without for', two, 'forwarded', 'for=203.0.113.9, by=10.0.0.7', undefined],
  ['Forwarded is not a list of addresses', two, 'forwarded', '203.0.113.9', undefined],
  ['too long', two, XFF, `${'1.1.1.1, '.repeat(1000)}203.0.113.9, 10.0.0.7`, '203.0.113.9'],
])('%s', (_what, trust, header, value, client) => {
  expect(Trust.read(trust.split(','))!.clientOf(header, value)).toBe(client)
})

test.each<[trust: string, address: string | undefined, trusted: boolean]>([
  ['loopback', '127.8.8.8', true],
  ['loopback', '::1', true],
  ['loopback', '10.0.0.1', false],
  ['private', '172.31.255.255', true],
  ['private', '172.32.0.0', false],
  ['private', 'fd00::1', true],
  ['linklocal', '169.254.169.254', true],
  ['linklocal', 'fe80::1', true],
  ['203.0.113.9', '203.0.113.9', true],
  ['203.0.113.9', '203.0.113.8', false],
  ['::ffff:10.0.0.0/104', '10.200.0.1', true],
  ['0.0.0.0/0', '8.8.8.8', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['private', undefined, false],
  ['1', undefined, true],
])('%s trusts %s: %s', (trust, address, trusted) => {
  const read = Trust.read([trust])!
  for (const _ of ['asked', 'remembered']) expect(read.trusts(address)).toBe(trusted)
})

test.each([
  'everybody',
  '10.0.0.0/33',
  '10.0.0/8',
  '::1/129',
  '::ffff:10.0.0.0/95',
  '0',
  '17',
  '1,loopback',
  'loopback,1',
])('%s is no list of proxies', (text) => {
  expect(Trust.read(text.split(','))).toBeUndefined()
})

test.each([
  ['203.0.113.9', '203.0.113.0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
  ['2001:db8::1', '2001:db8::'],
  ['::1', '::'],
  ['fe80::1%eth0', 'fe80::'],
  ['::ffff:203.0.113.9', '203.0.113.0'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(plainAddress(address)!)).toBe(network)
})

test('whatever a client writes, what the proxy appends decides', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('"', '\\', ',', ';', '=', 'for=', '1.1.1.1', ' ') }),
  )
  const by = (header: string, value: string) => Trust.read(['private'])!.clientOf(header, value)
  fc.assert(
    fc.property(text, (own) => {
      expect(by(XFF, `${own}, 203.0.113.9, 10.0.0.7`)).toBe('203.0.113.9')
      expect(by('forwarded', `${own}, for=203.0.113.9;proto=https, for="10.0.0.7:80"`)).toBe('203.0.113.9')
    }),
    { numRuns: 2000 },
  )
})

test('headers made to be slow are read in no time', () => {
  const trust = Trust.read(['private'])!
  const begun = performance.now()
  for (const part of [' ', ',', ';', '"', '\\', 'for=', '1.', '[', 'for="', ':']) {
    for (const header of ['forwarded', XFF]) trust.clientOf(header, part.repeat(16_384 / part.length))
  }
  expect(performance.now() - begun).toBeLessThan(200)
})
