import { connect, type Socket } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Host, type HostOptions, serve, tally } from './host.ts'
import { converse, leave, type Step } from './raw.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/*
 * The host is not disturbed: the same conversations with an application that tells all it can see, once without the
 * agent and once with it. Wire bytes, listeners, own properties, flow and the order of events must be equal.
 */

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const AGENTS: HostOptions['env'][] = [
  { CALLSIGHT_CAPTURE_BODIES: 'all' },
  { CALLSIGHT_CAPTURE_BODIES: 'none' },
  { CALLSIGHT_CAPTURE_BODIES: 'all', CALLSIGHT_TRACE_RATIO: '1' },
]

const last = 'connection: close\r\n'
const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
const post = (path: string, body: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body, 'latin1')}\r\n${more}\r\n${body}`
/** Each chunk reaches the application as one, whatever the network does. */
const chunked = (path: string, chunks: string[], more = '', trailer = '') => {
  const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
  return `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n${more}\r\n${body}0\r\n${trailer}\r\n`
}

/** What is heard on the wire and said on standard output. */
async function hold(host: Host, talks: readonly Step[][]): Promise<{ wire: string[]; said: string[] }> {
  const wire: string[] = []
  // The last one only gives the application time to say what it has to say about the others.
  for (const steps of [...talks, [get('/nowhere', last)]]) {
    wire.push(await converse(connect(host.port, '127.0.0.1'), steps))
  }
  const { stdout, stderr } = await host.stop()
  return {
    wire,
    said: [
      ...stdout
        .split('\n')
        .filter((text) => !text.startsWith('listening'))
        .sort(),
      stderr,
    ],
  }
}

/** The same conversations without the agent and with it in several moods. */
async function same(talks: readonly Step[][], calls: number): Promise<string[]> {
  const plain = await hold(await serve('safety.cjs'), talks)
  for (const env of AGENTS) {
    receiver.calls.length = 0
    const watched = await hold(await serve('safety.cjs', { collector: receiver.url, env: env! }), talks)
    expect(watched).toEqual(plain)
    expect(receiver.calls).toHaveLength(calls + 1)
  }
  return plain.wire
}

test('everything that can be looked at: listeners, own properties, lengths, flow', async () => {
  const [one, two] = await same([[get('/look'), /\]$/, get('/process', last)], [chunked('/look', ['a', 'b'], last)]], 3)
  expect(one).toContain('"flowing":null')
  expect(two).toContain('"flowing":true')
})

test('reading: data, encoding, pause, for await, readable; chunk boundaries as they were sent', async () => {
  // In all less than one read from the network takes: beyond that the boundaries are a matter of timing.
  const chunks = ['one,', 'zwölf', 'x'.repeat(40_000), '€'.split('').join(''), 'end'].map((text) =>
    Buffer.from(text).toString('latin1'),
  )
  const paths = ['/data', '/encoding', '/paused', '/await', '/readable', '/trailers']
  const wire = await same(
    paths.map((path) => [chunked(path, chunks, last, 'x-end: 1\r\n')]),
    paths.length,
  )
  expect(wire[0]).toContain('[["Buffer",4],["Buffer",6]')
  expect(wire[1]).toContain('"zwölf"'.replace('ö', Buffer.from('ö').toString('latin1')))
})

test('writing: encodings, callbacks in their order, corks, errors, late writes, headers', async () => {
  const paths = ['/writes', '/end-callback', '/after-end', '/errors', '/write-head-twice', '/hints', '/frozen']
  const wire = await same(
    paths.map((path) => [get(path, last)]),
    paths.length,
  )
  expect(wire[3]).toContain('ERR_INVALID_CHAR')
})

test('HEAD, HTTP/1.0, an absolute address, a body with GET, an unknown method', async () => {
  await same(
    [
      [`HEAD /writes HTTP/1.1\r\nhost: x\r\n${last}\r\n`],
      ['GET /writes HTTP/1.0\r\n\r\n'],
      [get('http://else.where/errors?a=1', last)],
      [get('/data', `content-length: 2\r\n${last}`), '{}'],
      [`PURGE /data HTTP/1.1\r\nhost: x\r\n${last}\r\n`],
      [get('//', last)],
      [get('/%', last)],
      [`OPTIONS * HTTP/1.1\r\nhost: x\r\n${last}\r\n`],
    ],
    8,
  )
})

test('pipelining: fifty mixed requests in one packet', async () => {
  const mixed = Array.from({ length: 49 }, (_, i) => {
    if (i % 5 === 0) return post('/await', 'x'.repeat(i))
    if (i % 5 === 1) return chunked('/data', ['a', 'b'.repeat(i)])
    if (i % 5 === 2) return get('/hints')
    if (i % 5 === 3) return `HEAD /errors HTTP/1.1\r\nhost: x\r\n\r\n`
    return get(`/nowhere/${i}`)
  })
  const [answers] = await same([[mixed.join('') + get('/frozen', last)]], 50)
  expect(answers!.match(/HTTP\/1.1 [2-4]\d\d/g)).toHaveLength(50)
})

test('early answers, unread bodies, 100-continue', async () => {
  const large = 'x'.repeat(3_000_000)
  const [, , , unread] = await same(
    [
      [post('/early', 'x'.repeat(1000))],
      [post('/early-keep', 'x'.repeat(200_000)), /too large/, get('/errors', last)],
      [post('/data', 'hello', `expect: 100-continue\r\n${last}`)],
      [post('/unread', large)],
    ],
    5,
  )
  expect(unread).toContain('{"readableFlowing":null,"readableDidRead":false,"full":true,"all":false}')
})

test('pipeline through gunzip and gzip, and one that fails in the middle', async () => {
  const body = gzipSync(Buffer.from('text '.repeat(100_000)), { level: 1 }).toString('latin1')
  const [whole] = await same([[post('/gzip', body, last)], [post('/gzip', `${body.slice(0, 500)}broken`, last)]], 2)
  const at = whole!.indexOf('\r\n\r\n') + 4
  const bytes: string[] = []
  for (let rest = whole!.slice(at); ; ) {
    const end = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.slice(0, end), 16)
    if (size === 0) break
    bytes.push(rest.slice(end + 2, end + 2 + size))
    rest = rest.slice(end + 4 + size)
  }
  expect(gunzipSync(Buffer.from(bytes.join(''), 'latin1')).length).toBe(500_000)
})

test('a client that leaves, at every stage: the same events, and one truthful record', async () => {
  const begun = (host: Host) => {
    const times = host.output().stdout.split('begun').length
    return () => until('the call', () => host.output().stdout.split('begun').length > times)
  }
  const heard = (socket: Socket) => new Promise<void>((resolve) => socket.once('data', () => resolve()))
  const connected = (socket: Socket) =>
    new Promise<void>((resolve) => socket.once('connect', () => socket.write('', () => resolve())))
  const stages = async (host: Host) => {
    const { port } = host
    const events = async (count: number) =>
      until('the events', () => host.output().stdout.split('events').length > count)
    await leave(port, '', connected)
    await leave(port, 'GET /events HTTP/1.1\r\nho', connected)
    await leave(port, `${post('/events?mode=read', '').replace('length: 0', 'length: 9')}half`, begun(host))
    await events(1)
    await leave(port, get('/events'), begun(host))
    await events(2)
    await leave(port, get('/events?mode=part'), heard)
    await events(3)
    await leave(port, get('/events?mode=answer'), heard)
    await events(4)
    const { stdout, stderr } = await host.stop()
    return [stdout.replace(/listening \d+/, ''), stderr]
  }
  const plain = await stages(await serve('safety.cjs'))
  for (const env of AGENTS) {
    receiver.calls.length = 0
    expect(await stages(await serve('safety.cjs', { collector: receiver.url, env: env! }))).toEqual(plain)
    const outcomes = tally(receiver.calls, ({ attributes }) => {
      return `${attributes['callsight.outcome']} ${attributes['http.response.status_code'] ?? 0}`
    })
    // A header that was cut off is a 400 to Node, unless it learns first that the connection was reset.
    const { 'client_error 400': _cut, ...rest } = outcomes
    expect(rest).toEqual({ 'aborted 0': 2, 'aborted 200': 1, 'ok 200': 1 })
  }
})
