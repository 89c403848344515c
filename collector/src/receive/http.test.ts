import { gzipSync } from 'node:zlib'
import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { Door, digest } from '../token.ts'
import { acceptEncoding } from './coding.ts'
import { Decoder } from './decoder.ts'
import { receiver } from './http.ts'
import { Intake } from './intake.ts'
import { Undecodable } from './otlp.ts'
import { Refusal } from './refusal.ts'
import type { Work } from './threads.ts'
import { unpack } from './unpack.ts'

const log = pino({ level: 'silent' })
const now = BigInt(Date.now()) * 1_000_000n

function request(overrides: object = {}, count = 1) {
  const span = {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    name: 'GET /books',
    kind: 2,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now + 5_000_000n),
    attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
    ...overrides,
  }
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: count }, () => span) }] }] })
}

function setUp(take: () => Promise<void> = async () => {}, door = new Door([], ['ingest'])) {
  /** What was written for each call: its block. */
  const calls: string[] = []
  // A decode thread without the thread and the disk.
  const decoder = new Decoder({ consumers: [], keySecret: undefined, pastMs: 30 * 86_400_000 })
  const threads = {
    room: true,
    onRoom: () => {},
    async take({ signal, wire, encoding, body, env, token }: Work) {
      await take()
      const result = decode(() => decoder.take(signal, wire, unpack(encoding, body), { env, token }))
      for (const { table, rows, bytes } of decoder.drain()) {
        if (table === 'calls') calls.push(...Array.from({ length: rows }, () => bytes.toString('latin1')))
      }
      return result
    },
  }
  const intake = new Intake({ threads, spool: { full: () => undefined }, known: [] })
  const server = receiver({ intake, door, log })
  open.push(server)
  const post = (body: string | Buffer, headers: Record<string, string> = {}, url = '/v1/traces') =>
    server.inject({ method: 'POST', url, payload: body, headers: { 'content-type': 'application/json', ...headers } })
  return { calls, post, server }
}

function decode<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof Undecodable ? new Refusal(400, error.message) : error
  }
}

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

describe('the OTLP listener', () => {
  it('answers in the type of the request, empty on full success', async () => {
    const { calls, post } = setUp()
    const json = await post(request())
    expect([json.statusCode, json.headers['content-type'], json.body]).toEqual([200, 'application/json', '{}'])
    const protobuf = await post('', { 'content-type': 'application/x-protobuf' })
    expect([protobuf.statusCode, protobuf.headers['content-type'], protobuf.body]).toEqual([
      200,
      'application/x-protobuf',
      '',
    ])
    expect(calls).toHaveLength(1)
  })

  it('unpacks gzip, and refuses a bomb, a broken body and an unknown encoding', async () => {
    const { calls, post } = setUp()
    expect((await post(gzipSync(request()), { 'content-encoding': 'gzip' })).statusCode).toBe(200)
    expect(calls).toHaveLength(1)
    const bomb = await post(gzipSync(Buffer.alloc(80 * 1024 * 1024)), { 'content-encoding': 'gzip' })
    expect([bomb.statusCode, bomb.json().message]).toEqual([
      413,
      'the body is larger than 67108864 bytes when unpacked: send smaller batches',
    ])
    const broken = await post('not gzip', { 'content-encoding': 'gzip' })
    expect([broken.statusCode, broken.json().message]).toEqual([400, 'the body is not gzip: incorrect header check'])
    const odd = await post('x', { 'content-encoding': 'snappy' })
    expect([odd.statusCode, odd.json().message]).toEqual([
      415,
      `content encoding "snappy": send ${acceptEncoding} or none`,
    ])
  })

  it('counts a re-sent body once, also while the first is still under way, and again after a failure', async () => {
    let release: () => void = () => {}
    let fail = false
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const { calls, post } = setUp(async () => {
      if (fail) throw new Refusal(429, 'full', 2)
      await gate
    })
    const first = post(request())
    const second = post(request())
    release()
    expect((await first).statusCode).toBe(200)
    expect((await second).statusCode).toBe(200)
    expect((await post(request())).statusCode).toBe(200)
    expect(calls).toHaveLength(1)
    fail = true
    const refused = await post(request({ spanId: 'ef'.repeat(8) }))
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '2'])
    fail = false
    expect((await post(request({ spanId: 'ef'.repeat(8) }))).statusCode).toBe(200)
    expect(calls).toHaveLength(2)
  })

  it('answers garbage with 400 and a Status that says where, and takes the next good one', async () => {
    const { calls, post } = setUp()
    const json = await post('garbage')
    expect([json.statusCode, json.json().code]).toEqual([400, 3])
    expect(json.json().message).toMatch(/^not OTLP JSON: /)
    const protobuf = await post('garbage', { 'content-type': 'application/x-protobuf' })
    expect([protobuf.statusCode, protobuf.headers['content-type']]).toEqual([400, 'application/x-protobuf'])
    expect(protobuf.body).toContain('not an OTLP protobuf message: ')
    expect((await post(request())).statusCode).toBe(200)
    expect(calls).toHaveLength(1)
  })

  it('rejects single spans by cause and keeps the rest', async () => {
    const { calls, post } = setUp()
    const year = 365n * 86_400_000_000_000n
    const spans = [
      {},
      { spanId: '00'.repeat(8) },
      { traceId: 'zz' },
      { startTimeUnixNano: String(now - year) },
      { startTimeUnixNano: String(now + year) },
    ]
    const all = spans.map((overrides) => JSON.parse(request(overrides)).resourceSpans[0])
    const answer = await post(JSON.stringify({ resourceSpans: all }))
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      partialSuccess: {
        rejectedSpans: '4',
        errorMessage:
          "2 without a trace id of 16 bytes and a span id of 8; 1 older than 30 days; 1 that start more than 10 minutes from now: set that machine's clock",
      },
    })
    expect(calls).toHaveLength(1)
  })

  it('asks for the token before it reads the body', async () => {
    const tokens = [{ name: 'shop', scope: 'ingest' as const, sha256: digest('right'), env: 'prod' }]
    const { calls, post } = setUp(undefined, new Door(tokens, ['ingest']))
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic right' }] as Record<
      string,
      string
    >[]) {
      const answer = await post(request(), headers)
      expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    }
    expect((await post(request(), { authorization: 'Bearer wrong' })).json()).toEqual({
      code: 16,
      message: 'this token is not known here, or its scope is none of ingest',
    })
    expect((await post(request(), { authorization: 'Bearer right' })).statusCode).toBe(200)
    expect(calls).toHaveLength(1)
    expect(calls[0]).toContain('\u0004prod')
  })

  it('says what it does not keep', async () => {
    const { post } = setUp()
    const logs = await post('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}', {}, '/v1/logs')
    expect(logs.json()).toEqual({
      partialSuccess: { rejectedLogRecords: '2', errorMessage: '2 older than 30 days, or without a time' },
    })
    const histogram = {
      name: 'http.server.request.duration',
      histogram: { dataPoints: [{ count: '3' }, { count: '4' }] },
    }
    const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [histogram] }] }] })
    expect((await post(body, {}, '/v1/metrics')).json()).toEqual({
      partialSuccess: {
        rejectedDataPoints: '2',
        errorMessage:
          '2 not kept: Callsight reads callsight.agent.* and the numbers of a runtime (process.*, nodejs.*, v8js.*, jvm.*, go.*, cpython.*, dotnet.*, system.*)',
      },
    })
    const lost = await post('{}', {}, '/v2/traces')
    expect([lost.statusCode, lost.json().message]).toEqual([
      404,
      'there is no POST /v2/traces; OTLP goes to POST /v1/traces',
    ])
    const odd = await post('x', { 'content-type': 'text/plain' })
    expect([odd.statusCode, odd.json().message]).toEqual([
      415,
      'content type "text/plain": send application/x-protobuf or application/json',
    ])
  })
})
