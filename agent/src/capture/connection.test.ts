import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Call, type Headers, type Kind } from '../call.ts'
import type { ClientAddress } from '../config.ts'
import { encodeClient } from '../ship/record.ts'
import { Connections } from './connection.ts'
import { Trust } from './proxy.ts'

const BEFORE = Buffer.from('as capture made it')
const hash = (address: string) => createHash('sha256').update(address).digest('hex')

function callOn(socket: object | undefined, headers: Headers = {}): Call {
  const call = new Call({ direction: 'in' } as Kind, 0, 'GET', '/', headers)
  if (socket !== undefined) call.request = { socket } as NonNullable<Call['request']>
  call.peer = BEFORE
  return call
}

function begin(mode: ClientAddress, trusted: string, call: Call): Call {
  const trust = trusted === '' ? undefined : Trust.read(trusted.split(','))
  new Connections(mode, trust, ['x-forwarded-for', 'forwarded'], hash).begin(call)
  return call
}

test('without proxies nothing is looked at', () => {
  const socket = Object.freeze({
    get remoteAddress(): string {
      throw new Error('looked at')
    },
  })
  const call = begin('full', '', callOn(socket))
  expect(call.peer).toBe(BEFORE)
  expect(call.connection).toBeUndefined()
})

test.each<[mode: ClientAddress, address: string, sent: string | undefined]>([
  ['truncated', '203.0.113.9', '203.0.113.0'],
  ['truncated', '::ffff:203.0.113.9', '203.0.113.0'],
  ['truncated', '2001:db8:1:2::3', '2001:db8:1::'],
  ['hashed', '203.0.113.9', hash('203.0.113.9')],
  ['hashed', '::ffff:203.0.113.9', hash('203.0.113.9')],
  ['off', '203.0.113.9', undefined],
])('%s: %s is sent as %s', (mode, remoteAddress, sent) => {
  const expected = sent === undefined ? undefined : encodeClient(sent)
  expect(begin(mode, '', callOn({ remoteAddress })).peer).toEqual(expected)
  const proxied = callOn({ remoteAddress: '10.0.0.1' }, { 'x-forwarded-for': remoteAddress })
  expect(begin(mode, 'private', proxied).peer).toEqual(expected)
})

test('a connection is looked at once, its forwarded clients each', () => {
  let looked = 0
  const socket = {
    get remoteAddress() {
      looked += 1
      return '10.0.0.1'
    },
  }
  const connections = new Connections('full', Trust.read(['private']), ['x-forwarded-for', 'forwarded'], hash)
  const asks = ['203.0.113.9', '203.0.113.8', 'nonsense', '203.0.113.9', '', 'nonsense']
  const peers = asks.map((value) => {
    const call = callOn(socket, { 'x-forwarded-for': value })
    connections.begin(call)
    return call.peer
  })
  const own = '10.0.0.1'
  expect(peers).toEqual(['203.0.113.9', '203.0.113.8', own, '203.0.113.9', own, own].map(encodeClient))
  expect(looked).toBe(1)
})

test('the first header that is present counts, and only that', () => {
  const headers = { 'x-forwarded-for': 'nonsense', forwarded: 'for=203.0.113.9' }
  expect(begin('full', 'private', callOn({ remoteAddress: '10.0.0.1' }, headers)).peer).toEqual(
    encodeClient('10.0.0.1'),
  )
})

test('a proxy on a UNIX socket has no address, and is trusted as a hop', () => {
  const headers = { 'x-forwarded-for': '203.0.113.9' }
  expect(begin('full', '1', callOn({}, headers)).peer).toEqual(encodeClient('203.0.113.9'))
  expect(begin('full', 'loopback', callOn({}, headers)).connection?.trusted).toBe(false)
})

test('a stream of HTTP/2 has the socket of its session', () => {
  const call = callOn(undefined)
  const socket = { remoteAddress: '203.0.113.9', authorized: true, getPeerCertificate: () => null } as unknown as Socket
  Object.assign(call, { stream: { session: { socket } } })
  expect(begin('truncated', '', call).peer).toEqual(encodeClient('203.0.113.0'))
})

test('an address that nobody can look at is not sent, unless all are sent as they are', () => {
  expect(begin('truncated', '', callOn(undefined)).peer).toBeUndefined()
  expect(begin('full', 'private', callOn(undefined)).peer).toBe(BEFORE)
})

test.each<[certificate: object | null, id: string | undefined]>([
  [{ subject: { CN: 'a' }, subjectaltname: 'DNS:b, URI:https://x/y, URI:spiffe://x/y' }, 'spiffe://x/y'],
  [{ subject: { CN: 'a' }, subjectaltname: 'URI:https://x/y' }, 'https://x/y'],
  [{ subject: { CN: 'a' }, subjectaltname: 'DNS:"b, URI:spiffe://x/admin"' }, 'a'],
  [{ subject: { CN: 'a' }, subjectaltname: 'URI:"spiffe://x/y, URI:spiffe://x/admin"' }, 'a'],
  [{ subject: { CN: ['a', 'b'] } }, 'a'],
  [{ subject: {} }, 'sha256:ab01'],
  [null, undefined],
])('certificate %o names %s', (certificate, id) => {
  const full = certificate === null ? null : { fingerprint256: 'AB:01', ...certificate }
  const tls = (authorized: boolean) => ({ authorized, remoteAddress: '::1', getPeerCertificate: () => full })
  expect(begin('full', '', callOn(tls(true))).connection?.certificate).toBe(id)
  expect(begin('full', '', callOn(tls(false))).connection).toBeUndefined()
})
