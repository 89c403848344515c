import { readFileSync, statSync } from 'node:fs'
import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { get } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Host, serve, tally } from './host.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver
let host: Host
let sessions: ClientHttp2Session[]

const ca = readFileSync(new URL('tls/cert.pem', import.meta.url))
const APP = fileURLToPath(new URL('app/http2.cjs', import.meta.url))

beforeEach(async () => {
  receiver = await startReceiver()
  host = await serve('http2.cjs', { collector: receiver.url })
  sessions = []
})
afterEach(async () => {
  for (const session of sessions) session.destroy()
  await host.stop()
  await receiver.close()
})

const securePort = () => Number(/secure (\d+)/.exec(host.output().stdout)![1])

function open(secure = false): ClientHttp2Session {
  const session = secure ? connect(`https://127.0.0.1:${securePort()}`, { ca }) : connect(host.url)
  session.on('error', () => {})
  sessions.push(session)
  return session
}

const POST = { ':method': 'POST' }

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** Error code of RST_STREAM; 0 is none. */
  code: number
}

/** One call from beginning to end, however it ends. */
function ask(
  session: ClientHttp2Session,
  path: string,
  more: OutgoingHttpHeaders = {},
  body?: Buffer,
): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': path, ...more }, { endStream: body === undefined })
    const chunks: Buffer[] = []
    let headers: IncomingHttpHeaders = {}
    stream.on('response', (got) => {
      headers = got
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', () => {})
    stream.on('close', () =>
      resolve({ status: Number(headers[':status'] ?? 0), headers, body: Buffer.concat(chunks), code: stream.rstCode }),
    )
    if (body !== undefined) stream.end(body)
  })
}

/** What was recorded, one line for each call, sorted. */
async function recorded(count: number): Promise<string[]> {
  await until(`${count} calls`, () => receiver.calls.length >= count)
  await host.stop()
  return receiver.calls.map(line).sort()
}

function line({ name, attributes }: ReceivedSpan): string {
  const { 'callsight.outcome': outcome, 'http.response.status_code': status = 0 } = attributes
  const sizes = `${attributes['http.request.body.size'] ?? 0} ${attributes['http.response.body.size'] ?? 0}`
  const code = attributes['callsight.error.code']
  return `${name} ${status} ${outcome} ${sizes}${code === undefined ? '' : ` ${code}`}`
}

test.each([false, true])('both APIs, every kind of answer, exact sizes; secure %s', async (secure) => {
  const session = open(secure)
  const posted = Buffer.alloc(40_000, 'x')
  const post = (path: string) => ask(session, path, { ...POST, 'x-who': 'a', 'content-length': posted.length }, posted)
  // The first stream of the process has its body in the same packet as its header.
  expect(String((await ask(session, '/read', { ...POST, 'x-who': 'b' }, Buffer.from('hello'))).body)).toBe('5')
  for (const path of ['/text', '/parts', '/none', '/early', '/trailers', '/nowhere', '/push']) await ask(session, path)
  await ask(session, '/text', { ':method': 'HEAD' })
  for (const path of ['/read', '/whole', '/unread', '/stream/read', '/stream/pipe']) await post(path)
  for (const path of ['text', 'implied', 'empty', 'trailers', 'file', 'fd']) await ask(session, `/stream/${path}`)
  expect(await recorded(20)).toEqual(
    [
      'POST /read 200 ok 5 1',
      'GET /text 200 ok 0 6',
      'GET /parts 201 ok 0 8',
      'GET /none 204 ok 0 0',
      'GET /early 200 ok 0 11',
      'GET /trailers 200 ok 0 4',
      'GET (unmatched) 404 client_error 0 0',
      'GET /push 200 ok 0 11',
      'HEAD /text 200 ok 0 0',
      'POST /read 200 ok 40000 5',
      'POST /whole 200 ok 40000 5',
      'POST /unread 413 client_error 40000 9',
      'POST /stream/read 200 ok 40000 5',
      'POST /stream/pipe 200 ok 40000 40000',
      'GET /stream/text 202 ok 0 8',
      'GET /stream/implied 200 ok 0 7',
      'GET /stream/empty 304 ok 0 0',
      'GET /stream/trailers 200 ok 0 4',
      'GET /stream/file 200 ok 0 500',
      `GET /stream/fd 200 ok 0 ${statSync(APP).size}`,
    ].sort(),
  )
  const consumers = tally(receiver.calls, (call) => String(call.attributes['callsight.consumer.id']))
  expect(consumers).toEqual({ 'read a': 1, 'read b': 1, 'whole a': 1, 'stream a': 1, undefined: 16 })
  for (const { attributes } of receiver.calls) expect(attributes['client.address']).toBe('127.0.0.1')
})

test('outcomes: who broke it off', async () => {
  const session = open()
  for (const path of ['/broken', '/destroyed', '/short', '/silent']) await ask(session, path)
  await ask(open(), '/session')
  // The client resets the stream: before the answer, and in it.
  const hanging = session.request({ ':path': '/hang' })
  hanging.on('error', () => {})
  await until('the call', () => host.output().stdout.includes('hanging'))
  hanging.close(constants.NGHTTP2_CANCEL)
  const part = session.request({ ':path': '/part' })
  part.on('error', () => {})
  part.once('data', () => part.close(constants.NGHTTP2_CANCEL))
  // The client's connection breaks: before the answer, in its own body, with several calls on it.
  const lost = open()
  const { length } = host.output().stdout
  lost.request({ ':path': '/hang' }).on('error', () => {})
  lost
    .request({ ':path': '/read', ':method': 'POST' })
    .on('error', () => {})
    .write('half')
  await until('the call', () => host.output().stdout.slice(length).includes('hanging'))
  lost.destroy()
  expect(await recorded(9)).toEqual(
    [
      'GET /broken 200 server_error 0 4 truncated',
      'GET /destroyed 200 server_error 0 4 truncated',
      'GET /short 200 server_error 0 5 truncated',
      'GET /silent 503 timeout 0 0',
      'GET /session 200 server_error 0 4 truncated',
      'GET /hang 0 aborted 0 0',
      'GET /part 200 aborted 0 4',
      'GET /hang 0 aborted 0 0',
      'POST /read 0 aborted 4 0',
    ].sort(),
  )
})

test('HTTP/1 on the same server, CONNECT, and what is no call', async () => {
  await new Promise((resolve) =>
    get({ port: securePort(), path: '/http1', ca, agent: false }, (res) => res.resume().on('end', resolve)),
  )
  const session = open()
  const refused = await new Promise((resolve) => {
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'example.com:443' })
    stream.on('response', (headers) => {
      resolve(headers[':status'])
      stream.end()
      stream.resume()
    })
    stream.on('error', () => {})
  })
  expect(refused).toBe(403)
  // Not HTTP/2: the connection ends with an error of the protocol, and there was never a stream.
  await new Promise((resolve) => {
    const socket = connectTcp(host.port, '127.0.0.1', () => socket.end('nonsense\r\n\r\n'))
    socket
      .on('close', resolve)
      .on('error', () => {})
      .resume()
  })
  expect(await recorded(2)).toEqual(['CONNECT 403 client_error 0 0', 'GET /http1 200 ok 0 3'])
  const tunnel = receiver.calls.find((call) => call.name === 'CONNECT')!
  expect(tunnel.attributes).toMatchObject({ 'server.address': 'example.com', 'server.port': 443 })
})

test('calls under way when the process is told to end are its own failure', async () => {
  ask(open(), '/hang')
  await until('the call', () => host.output().stdout.includes('hanging'))
  await host.stop()
  expect(receiver.calls.map(line)).toEqual(['GET /hang 0 server_error 0 0'])
})

test('five hundred calls on one connection, exactly', async () => {
  const session = open()
  const paths = ['/text', '/stream/text']
  await Promise.all(Array.from({ length: 500 }, (_, i) => ask(session, paths[i % 2]!)))
  await recorded(500)
  expect(tally(receiver.calls, (call) => call.name)).toEqual({ 'GET /text': 250, 'GET /stream/text': 250 })
  expect(receiver.counts).toEqual({ seen: 500, sent: 500 })
})

test('Fastify over HTTP/2: the registered route, the consumer, the detail of what failed', async () => {
  await host.stop()
  host = await serve('fastify-http2.cjs', { collector: receiver.url })
  const session = open()
  await ask(session, '/users/7')
  await ask(session, '/users/8?a=1')
  const headers = { ...POST, 'content-type': 'application/json', 'x-mark': 'yes' }
  await ask(session, '/users', headers, Buffer.from('{"name":"a book"}'))
  await ask(session, '/nowhere/9')
  expect(await recorded(4)).toEqual([
    'GET (unmatched) 404 client_error 0 81',
    'GET /users/:id 200 ok 0 10',
    'GET /users/:id 200 ok 0 10',
    'POST /users 500 server_error 17 46',
  ])
  const routes = tally(receiver.calls, (call) => String(call.attributes['http.route']))
  expect(routes).toEqual({ '/users/:id': 2, '/users': 1, undefined: 1 })
  const failed = receiver.calls.find((call) => call.name === 'POST /users')!
  expect(failed.attributes).toMatchObject({
    'callsight.detail': 'failed',
    'http.request.header.x-mark': ['yes'],
    'http.response.header.content-type': ['application/json; charset=utf-8'],
    'http.request.body.content': expect.stringContaining('a book'),
    'http.response.body.content': expect.stringContaining('on purpose'),
  })
  // What belongs to the protocol is no header field.
  expect(Object.keys(failed.attributes).filter((name) => name.includes(':'))).toEqual([])
})
