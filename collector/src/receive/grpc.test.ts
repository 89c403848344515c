import { connect, constants } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { gzipSync } from 'node:zlib'
import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { call, connection, framed, grpcPath } from '../../../test/conformance/wire.ts'
import { until } from '../../../test/until.ts'
import { limits } from '../limits.ts'
import { Door, digest } from '../token.ts'
import { Receiving } from './body.ts'
import { grpcReceiver } from './grpc.ts'
import type { ExportRequest, Intake, Result } from './intake.ts'
import { Refusal } from './refusal.ts'

const traces = grpcPath('traces')
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function setUp(
  take: (request: ExportRequest) => Promise<Result> = async () => ({ rejected: 0, message: '' }),
  door = new Door([], ['ingest']),
) {
  const requests: ExportRequest[] = []
  const logged: string[] = []
  const intake = {
    take(request: ExportRequest) {
      requests.push(request)
      return take(request)
    },
  } as Intake
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line).msg) })
  const receiving = new Receiving()
  const server = grpcReceiver({ intake, door, log, receiving })
  open.push(server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as { port: number }
  return { address: `127.0.0.1:${port}`, port, requests, logged, receiving, server }
}

describe('the OTLP/gRPC listener', () => {
  it('takes a message in as many pieces as it comes in, packed or not', async () => {
    const { address, requests, receiving } = await setUp()
    const data = framed(Buffer.from('abcdef'))
    const pieces = Array.from(data, (byte) => Buffer.from([byte]))
    for (const parts of [data, pieces, [data.subarray(0, 7), data.subarray(7)]]) {
      expect(await call(address, traces, parts)).toMatchObject({ httpStatus: 200, code: 0, body: Buffer.alloc(0) })
    }
    const packed = gzipSync('abcdef')
    await call(address, grpcPath('logs'), framed(packed, true), { 'grpc-encoding': 'gzip' })
    await call(address, grpcPath('metrics'), framed(Buffer.from('plain')), { 'grpc-encoding': 'gzip' })
    expect(
      requests.map(({ signal, wire, encoding, body }) => [signal, wire, encoding, body.toString('latin1')]),
    ).toEqual([
      ...Array(3).fill(['traces', 'protobuf', undefined, 'abcdef']),
      ['logs', 'protobuf', 'gzip', packed.toString('latin1')],
      ['metrics', 'protobuf', undefined, 'plain'],
    ])
    expect(receiving.bytes).toBe(0)
  })

  it('takes the largest message whole', async () => {
    const { address, requests } = await setUp()
    const message = Buffer.alloc(limits.requestBytes, 7)
    expect(await call(address, traces, framed(message))).toMatchObject({ code: 0 })
    expect(requests[0]!.body.equals(message)).toBe(true)
  })

  it('takes calls side by side on one connection', async () => {
    const { address, requests } = await setUp()
    const session = connection(address)
    session.setMaxListeners(20)
    const messages = Array.from({ length: 20 }, (_, i) => Buffer.alloc(3_000_000, i))
    const answers = await Promise.all(messages.map((message) => call(session, traces, framed(message))))
    expect(answers.map(({ code }) => code)).toEqual(Array(20).fill(0))
    expect(requests.map(({ body }) => body[0]).sort((a, b) => a! - b!)).toEqual(messages.map((message) => message[0]))
    expect(requests.every(({ body }) => body.length === 3_000_000 && body.every((byte) => byte === body[0]))).toBe(true)
    session.destroy()
  })

  it.each<[string, Buffer[], Record<string, string>, string]>([
    ['nothing', [], {}, 'no message was sent'],
    ['half a prefix', [Buffer.from([0, 0])], {}, 'the message ends in its prefix'],
    ['half a message', [framed(Buffer.alloc(9)).subarray(0, 8)], {}, 'the message ends after 3 of 9 bytes'],
    [
      'two messages',
      [framed(Buffer.alloc(2)), framed(Buffer.alloc(2))],
      {},
      'more than the one message of 2 bytes was sent',
    ],
    ['another flag', [Buffer.from([2, 0, 0, 0, 0])], {}, 'the flag before the message is 2, neither 0 nor 1'],
    ['packed in what', [framed(Buffer.alloc(1), true)], {}, 'the message is compressed, and grpc-encoding is missing'],
  ])('is INTERNAL when it is sent %s', async (_, data, headers, message) => {
    const { address, requests, receiving } = await setUp()
    expect(await call(address, traces, data, headers)).toMatchObject({ httpStatus: 200, code: 13, message })
    expect([requests.length, receiving.bytes]).toEqual([0, 0])
  })

  it.each([
    [400, 3, undefined],
    [413, 8, undefined],
    [429, 14, 2],
    [503, 14, 2],
  ])(
    'makes of a refusal %i the status %i, with RetryInfo where the client should come again',
    async (status, code, retryAfter) => {
      const { address } = await setUp(async () => {
        throw new Refusal(status, 'füll: 100 %', retryAfter)
      })
      const answer = await call(address, traces, framed(Buffer.alloc(1)))
      expect(answer).toMatchObject({ code, message: 'füll: 100 %' })
      expect(answer.headers['grpc-message']).toBe('f%C3%BCll: 100 %25')
      expect(answer.headers['grpc-status'], 'all in one head').toBe(String(code))
      expect(answer.details?.includes('google.rpc.RetryInfo')).toBe(retryAfter === undefined ? undefined : true)
    },
  )

  it('says that it failed, and why in the log alone', async () => {
    const { address, logged } = await setUp(async () => {
      throw new Error('secret')
    })
    const failed = { code: 13, message: 'the collector failed; its log says why' }
    expect(await call(address, traces, framed(Buffer.alloc(1)))).toMatchObject(failed)
    expect(logged).toEqual(['an OTLP request failed'])
  })

  it('asks for the token before it reads the message, and gives the environment of the token along', async () => {
    const tokens = [
      { name: 'shop', scope: 'ingest' as const, sha256: digest('right'), env: 'prod' },
      { name: 'people', scope: 'read' as const, sha256: digest('reader'), env: undefined },
    ]
    const { address, requests } = await setUp(undefined, new Door(tokens, ['ingest']))
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer reader' }]) {
      const answer = await call(address, traces, framed(Buffer.alloc(1)), headers as Record<string, string>)
      expect([answer.code, answer.details]).toEqual([16, undefined])
    }
    expect(requests).toEqual([])
    expect(await call(address, traces, framed(Buffer.alloc(1)), { authorization: 'Bearer right' })).toMatchObject({
      code: 0,
    })
    expect(requests[0]!.pass).toEqual({ digest: digest('right'), token: tokens[0] })
  })

  it('gives up at the deadline of the call', async () => {
    const { address } = await setUp(() => new Promise(() => {}))
    const late = { code: 4, message: 'the deadline of the call has passed' }
    expect(await call(address, traces, framed(Buffer.alloc(1)), { 'grpc-timeout': '50m' })).toMatchObject(late)
    expect(await call(address, traces, framed(Buffer.alloc(1)), { 'grpc-timeout': '9n' })).toMatchObject(late)
  })

  it('answers what is no gRPC in words of HTTP', async () => {
    const { address } = await setUp()
    expect((await call(address, traces, [], { 'content-type': 'application/json' })).httpStatus).toBe(415)
    expect((await call(address, traces, [], { 'content-type': 'application/grpc+json' })).httpStatus).toBe(415)
    expect((await call(address, traces, [], { ':method': 'GET' })).httpStatus).toBe(405)
    expect(
      (await call(address, traces, framed(Buffer.alloc(0)), { 'content-type': 'application/grpc+proto' })).code,
    ).toBe(0)
  })

  it('tells once in the log that HTTP/1 came to its port', async () => {
    const { port, logged } = await setUp()
    for (let i = 0; i < 2; i++) {
      await new Promise((resolve) => {
        const socket = connectTcp(port, '127.0.0.1', () => socket.write('POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n'))
        socket
          .on('error', () => {})
          .on('close', resolve)
          .resume()
      })
    }
    expect(logged).toEqual([
      'something that speaks no HTTP/2 connected to the gRPC listener; OTLP over HTTP has a listener of its own',
    ])
  })

  it('offers a bounded number of calls at a time, and lets go of those that are reset', async () => {
    const { address, receiving } = await setUp()
    const session = connect(`http://${address}`)
    const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
      session.once('remoteSettings', resolve),
    )
    expect(settings).toMatchObject({ maxConcurrentStreams: limits.grpcStreams, enablePush: false })
    const stream = session.request({ ':method': 'POST', ':path': traces, 'content-type': 'application/grpc' })
    stream.on('error', () => {})
    stream.write(framed(Buffer.alloc(1000)).subarray(0, 500))
    await until('the message under way', () => receiving.bytes === 1000)
    stream.close(constants.NGHTTP2_CANCEL)
    await until('nothing under way', () => receiving.bytes === 0)
    session.destroy()
  })

  it('at its close lets the call under way end, and sends the others elsewhere', async () => {
    let finish: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { address, requests, server } = await setUp(async () => {
      await gate
      return { rejected: 0, message: '' }
    })
    const idle = connect(`http://${address}`)
    const goneAway = new Promise((resolve) => idle.once('goaway', resolve))
    await new Promise((resolve) => idle.once('remoteSettings', resolve))
    const answer = call(address, traces, framed(Buffer.alloc(1)))
    await until('the call', () => requests.length === 1)
    const closed = server.close()
    open.length = 0
    expect(await goneAway).toBe(constants.NGHTTP2_NO_ERROR)
    finish()
    expect((await answer).code).toBe(0)
    await closed
  })
})
