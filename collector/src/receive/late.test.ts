import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import pino from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { framed, grpcPath } from '../../../test/conformance/wire.ts'
import { until } from '../../../test/until.ts'
import { Door } from '../token.ts'
import { Receiving } from './body.ts'
import { grpcReceiver } from './grpc.ts'
import { receiver } from './http.ts'
import type { Intake } from './intake.ts'

vi.mock('../limits.ts', async (original) => {
  const { limits } = await original<typeof import('../limits.ts')>()
  const short = { requestMs: 1500, headMs: 300, lateCheckMs: 20, idleMs: 1000, closeMs: 100, connections: 3 }
  return { limits: { ...limits, ...short } }
})

const log = pino({ level: 'silent' })
const door = new Door([], ['ingest'])
const intake = { take: async () => ({ rejected: 0, message: '' }) } as unknown as Intake

const open: { close(): unknown }[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of open.splice(0)) await server.close()
})

async function http() {
  const receiving = new Receiving()
  const server = receiver({ intake, door, log, receiving })
  open.push(server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  return { port: (server.server.address() as AddressInfo).port, receiving, server }
}

async function grpc() {
  const receiving = new Receiving()
  const server = grpcReceiver({ intake, door, log, receiving })
  open.push(server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  return { port: (server.server.address() as AddressInfo).port, receiving, server }
}

/** A connection that says something; `heard` is all that came back, `closed` resolves at its end. */
function say(port: number, text: string) {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  sockets.push(socket)
  const said = { socket, heard: '', closed: new Promise<void>((resolve) => socket.on('close', () => resolve())) }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    said.heard += chunk.toString('latin1')
  })
  return said
}

const head = (type: string, more = 'content-length: 1000\r\n') =>
  `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n${more}\r\n`

describe('slow and silent senders over HTTP', () => {
  it('a body that does not come in is answered 408 in its own type, and its memory is given back', async () => {
    const { port, receiving } = await http()
    const json = say(port, `${head('application/json')}{`)
    const protobuf = say(port, head('application/x-protobuf', 'transfer-encoding: chunked\r\n'))
    await until('both under way', () => receiving.bytes > 1000)
    await Promise.all([json.closed, protobuf.closed])
    expect(json.heard).toBe(
      'HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\ncontent-length: 63\r\nconnection: close\r\n\r\n{"code":4,"message":"the request was not in whole after 1.5 s"}',
    )
    expect(protobuf.heard).toMatch(/^HTTP\/1\.1 408 .*content-type: application\/x-protobuf\r\n/s)
    await until('nothing under way', () => receiving.bytes === 0)
  })

  it('a head that does not come in is answered 408, and a connection without a request is closed', async () => {
    const { port } = await http()
    const slow = say(port, 'POST /v1/traces HTTP/1.1\r\nhost: x\r\n')
    await slow.closed
    expect(slow.heard).toMatch(/^HTTP\/1\.1 408 .*"code":4/s)
    const idle = say(port, `${head('application/json', 'content-length: 2\r\n')}{}`)
    await idle.closed
    expect(idle.heard).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('connections beyond the bound are closed unheard', async () => {
    const { port } = await http()
    const first = Array.from({ length: 3 }, () => say(port, head('application/json')))
    await until('three', () => first.every(({ socket }) => !socket.connecting))
    const fourth = say(port, head('application/json'))
    await fourth.closed
    expect(fourth.heard).toBe('')
  })

  it('a stop does not wait for a body that does not come in', async () => {
    const { port, receiving, server } = await http()
    const slow = say(port, head('application/json'))
    await until('it is under way', () => receiving.bytes > 0)
    await server.close()
    await slow.closed
  })
})

describe('what never becomes a request', () => {
  it('is answered with a Status as well', async () => {
    const { port } = await http()
    const words = say(port, 'hello there\r\n\r\n')
    const large = say(port, `POST /v1/traces HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    await Promise.all([words.closed, large.closed])
    expect(words.heard).toMatch(/^HTTP\/1\.1 400 .*content-type: application\/json.*"message":"not HTTP: /s)
    expect(large.heard).toMatch(/^HTTP\/1\.1 431 .*"the head of the request is larger than 16384 bytes"/s)
    const http2 = say(port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    await http2.closed
    expect(http2.heard).toMatch(/^HTTP\/1\.1 400 .*"this is HTTP\/2: OTLP over gRPC has a listener of its own"/s)
  })

  it('a client that hangs up in the middle leaves nothing behind', async () => {
    const { port, receiving } = await http()
    const left = say(port, `${head('application/json')}{`)
    await until('it is under way', () => receiving.bytes > 0)
    left.socket.destroy()
    await until('nothing under way', () => receiving.bytes === 0)
  })
})

it('a body is asked for only when the head has passed', async () => {
  const { port } = await http()
  const answers = await Promise.all(
    ['application/json', 'text/plain'].map(
      (type) =>
        new Promise<[number, boolean]>((resolve, reject) => {
          let continued = false
          const headers = { 'content-type': type, expect: '100-continue', 'content-length': '2' }
          const asked = request({ port, path: '/v1/traces', method: 'POST', headers, agent: false }, (response) => {
            response.resume().on('end', () => resolve([response.statusCode!, continued]))
          })
          asked.on('error', reject)
          asked.on('continue', () => {
            continued = true
            asked.end('{}')
          })
          asked.flushHeaders()
        }),
    ),
  )
  expect(answers).toEqual([
    [200, true],
    [415, false],
  ])
})

it('OPTIONS tells what may be asked', async () => {
  const { server } = await http()
  const options = await server.inject({ method: 'OPTIONS', url: '/v1/logs' })
  expect([options.statusCode, options.headers.allow, options.body]).toEqual([204, 'POST', ''])
})

describe('slow and silent senders over gRPC', () => {
  it('a message that does not come in is DEADLINE_EXCEEDED, and its memory is given back', async () => {
    const { port, receiving } = await grpc()
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    const stream = session.request({
      ':method': 'POST',
      ':path': grpcPath('traces'),
      'content-type': 'application/grpc',
    })
    const headers = new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve))
    stream.on('error', () => {})
    // A piece now and then keeps the connection from being idle.
    const drip = setInterval(() => stream.writable && stream.write(Buffer.alloc(1)), 50)
    stream.write(framed(Buffer.alloc(1000)).subarray(0, 20))
    await until('it is under way', () => receiving.bytes === 1000)
    expect(await headers).toMatchObject({ 'grpc-status': '4', 'grpc-message': 'the deadline of the call has passed' })
    clearInterval(drip)
    await until('nothing under way', () => receiving.bytes === 0)
    session.destroy()
  })

  it('a connection without a call is closed', async () => {
    const { port } = await grpc()
    await say(port, '').closed
    await say(port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').closed
  })

  it('a stop cuts off a call that does not end', async () => {
    const { port, receiving, server } = await grpc()
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    session.on('error', () => {})
    const stream = session.request({
      ':method': 'POST',
      ':path': grpcPath('traces'),
      'content-type': 'application/grpc',
    })
    stream.on('error', () => {})
    stream.write(framed(Buffer.alloc(1000)).subarray(0, 20))
    await until('it is under way', () => receiving.bytes === 1000)
    await server.close()
    expect(receiving.bytes).toBe(0)
  })
})
