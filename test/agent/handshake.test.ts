import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Host, serve, tally } from './host.ts'
import { converse, type Step } from './raw.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const ca = readFileSync(new URL('tls/cert.pem', import.meta.url))
const app = (mode: string, load: '--require' | 'not' = '--require') =>
  serve('handshake.cjs', { collector: receiver.url, load, env: { APP_MODE: mode } })
const dial = (host: Host) => connect(host.port, '127.0.0.1')
const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n'
const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n`
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
const post = (path: string, length: number, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n${more}\r\n`

function line({ name, attributes }: ReceivedSpan): string {
  const { 'callsight.outcome': outcome, 'http.response.status_code': status = 0 } = attributes
  const code = attributes['callsight.error.code']
  const answer = attributes['http.response.body.size'] ?? 0
  return `${name} ${status} ${outcome} ${answer}${code === undefined ? '' : ` ${code}`}`
}

/** Holds the same conversations with a host without the agent and with it: both must hear the same. */
async function same(mode: string, talks: readonly Step[][], open: (host: Host) => Socket = dial): Promise<string[]> {
  const all = async (host: Host) => {
    const heard: string[] = []
    for (const steps of talks) heard.push(await converse(open(host), steps))
    return heard
  }
  receiver.calls.length = 0
  receiver.counts = {}
  const plain = await app(mode, 'not')
  const expected = await all(plain)
  const { stdout } = await plain.stop()
  const watched = await app(mode)
  expect(await all(watched)).toEqual(expected)
  const ended = await watched.stop()
  expect(ended.stderr).toBe('')
  const said = (text: string) => text.replace(/listening \d+/, '')
  expect(said(ended.stdout)).toBe(said(stdout))
  expect(receiver.counts.seen ?? 0).toBe(receiver.calls.length)
  return receiver.calls.map(line)
}

test('upgrades: one call each, ended when the handshake is answered, with the status that was written', async () => {
  const calls = await same('', [
    [upgrade('/chat'), /\r\n\r\n/, '\x81\x05hello', /hello/, 'FIN'],
    [upgrade('/refused')],
    [upgrade('/in-parts')],
    [upgrade('/by-response')],
    [upgrade('/elsewhere')],
    [upgrade('/destroyed')],
    [upgrade('/hang'), 'FIN'],
  ])
  expect(calls).toEqual([
    'GET /chat 101 ok 0',
    'GET /refused 401 client_error 4',
    'GET /in-parts 403 client_error 2',
    'GET /by-response 503 server_error 4',
    'GET (unmatched) 404 client_error 0',
    'GET /destroyed 0 server_error 0',
    'GET /hang 0 aborted 0',
  ])
  expect(receiver.calls[0]!.attributes['callsight.consumer.id']).toBe('chatter')
  expect(receiver.calls[0]!.attributes['client.address']).toBe('127.0.0.1')
})

test('an upgrade that nobody listens for is an ordinary request', async () => {
  expect(await same('deaf', [[upgrade('/chat'), /\r\n\r\n0/, 'FIN']])).toEqual(['GET /chat 200 ok 1'])
})

test('CONNECT: one call, with the authority, not taken for a path', async () => {
  const connectTo = (authority: string) => `CONNECT ${authority} HTTP/1.1\r\nhost: x\r\n\r\n`
  const calls = await same('', [
    [connectTo('example.com:8443'), /\r\n\r\n/, 'through', /through/, 'FIN'],
    [connectTo('[::1]:443'), /\r\n\r\n/, 'FIN'],
  ])
  expect(calls).toEqual(['CONNECT 200 ok 0', 'CONNECT 200 ok 0'])
  const targets = receiver.calls.map(({ attributes }) => [attributes['server.address'], attributes['server.port']])
  expect(targets).toEqual([
    ['example.com', 8443],
    ['[::1]', 443],
  ])
})

const MALFORMED: [string, Step[], string[]][] = [
  ['no HTTP at all', ['\x16\x03\x01 nonsense\r\n\r\n'], ['(malformed) 400 client_error 0 HPE_INVALID_METHOD']],
  ['a broken version', ['GET / HTTP/9.9\r\n\r\n'], ['(malformed) 400 client_error 0 HPE_INVALID_VERSION']],
  [
    'a header without an end',
    [`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`],
    ['(malformed) 431 client_error 0 HPE_HEADER_OVERFLOW'],
  ],
  [
    'a header that stops',
    ['GET / HTTP/1.1\r\nhost: x\r\n'],
    ['(malformed) 408 client_error 0 ERR_HTTP_REQUEST_TIMEOUT'],
  ],
  [
    'a header that is cut off',
    ['GET / HTTP/1.1\r\nhost', 'FIN'],
    ['(malformed) 400 client_error 0 HPE_INVALID_EOF_STATE'],
  ],
  [
    'garbage after a good call on the same connection',
    [get('/good'), /\r\n\r\n0/, 'garbage\r\n\r\n'],
    ['GET /good 200 ok 1', '(malformed) 400 client_error 0 HPE_INVALID_METHOD'],
  ],
  [
    'a body that is none: the call under way ends, no second one',
    ['POST /chunks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nnot a size\r\n'],
    ['POST /chunks 400 client_error 0 HPE_INVALID_CHUNK_SIZE'],
  ],
  ['a body that stops', [post('/slow', 10), 'half'], ['POST /slow 408 client_error 0 ERR_HTTP_REQUEST_TIMEOUT']],
  ['a body that is cut off', [post('/cut', 10), 'half', 'FIN'], ['POST /cut 0 aborted 0 HPE_INVALID_EOF_STATE']],
  ['without a host', ['GET /nohost HTTP/1.1\r\n\r\n'], ['GET /nohost 400 client_error 0']],
  ['a connection without a word', ['FIN'], []],
  ['a connection without a word, held until Node has enough of it', [], []],
]

test.each(MALFORMED)('%s', async (_, steps, expected) => {
  expect(await same('', [steps])).toEqual(expected)
})

test('what the application’s clientError listener answers', async () => {
  const calls = await same('clientError', [['nonsense\r\n\r\n'], [post('/slow', 10), 'half'], ['FIN']])
  expect(calls).toEqual([
    '(malformed) 422 client_error 3 HPE_INVALID_METHOD',
    'POST /slow 422 client_error 3 ERR_HTTP_REQUEST_TIMEOUT',
  ])
})

test('https: malformed requests are calls, handshakes of TLS are not', async () => {
  const secure = (host: Host) => connectTls({ port: host.port, host: '127.0.0.1', ca })
  const calls = await same('https', [[get('/ok', 'connection: close\r\n')], ['nonsense\r\n\r\n']], secure)
  expect(calls).toEqual(['GET /ok 200 ok 1', '(malformed) 400 client_error 0 HPE_INVALID_METHOD'])
  const plain = await same('https', [['GET / HTTP/1.1\r\n\r\n'], ['\x16\x03\x01\x00\x02\x01\x00'], ['FIN']])
  expect(plain).toEqual([])
  expect(await same('https', [[], ['FIN']], secure)).toEqual([])
})

test('expectations: with and without listeners', async () => {
  const expecting = (what: string, length: number) => post('/sum', length, `expect: ${what}\r\nconnection: close\r\n`)
  const talks: Step[][] = [[expecting('100-continue', 5), /100 Continue\r\n\r\n/, 'hello'], [expecting('miracles', 0)]]
  expect(await same('', talks)).toEqual(['POST /sum 200 ok 1', 'POST /sum 417 client_error 0'])
  expect(await same('expect', [...talks, [expecting('100-continue', 7)]])).toEqual([
    'POST /sum 200 ok 1',
    'POST /sum 418 client_error 0',
    'POST /sum 417 client_error 0',
  ])
})

test('a flood of garbage is many calls of one operation, and nothing is left of it', async () => {
  const host = await app('')
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => converse(dial(host), [`junk${round * 50 + i} \x00\r\n\r\n`])),
    )
  }
  await until('a thousand', () => receiver.calls.length >= 1000)
  await host.stop()
  expect(tally(receiver.calls, line)).toEqual({ '(malformed) 400 client_error 0 HPE_INVALID_METHOD': 1000 })
  expect(receiver.counts).toEqual({ seen: 1000, sent: 1000 })
  expect(receiver.vitals.open_calls).toBe(0)
})
