import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RunningCollector, startCollector } from '../program.ts'
import { bombs, deepJson, deepProtobuf, garbage, mangledJson, mangledProtobuf, unknownField, valid } from './mangle.ts'
import { asProtobuf, tracesOf } from './span.ts'
import { stored } from './stored.ts'
import {
  ask,
  call,
  decodedResponse,
  encoded,
  framed,
  type GrpcAnswer,
  grpcPath,
  type HttpAnswer,
  type Signal,
  statusOf,
} from './wire.ts'

/** The same cases at every run, until somebody wants others: FUZZ_SEED and FUZZ_RUNS. */
const settings = { seed: Number(process.env.FUZZ_SEED ?? 4318), numRuns: Number(process.env.FUZZ_RUNS ?? 200) }
const types = { protobuf: 'application/x-protobuf', json: 'application/json' } as const
const signals: readonly Signal[] = ['traces', 'metrics', 'logs']
/** What the collector may take beyond what it had with an empty store. */
const memoryBound = 600 * 1024 * 1024

let collector: RunningCollector
let baseline = 0
let round = 0
beforeAll(async () => {
  collector = await startCollector({ lasting: true })
  await good()
  baseline = memory('VmRSS')
})

/** After everything that came in: it lives, it kept its bound, and what is right is stored. */
afterEach(async () => {
  await good()
  expect(collector.child.exitCode, collector.stderr).toBe(null)
  if (baseline > 0) expect(memory('VmHWM') - baseline).toBeLessThan(memoryBound)
})

async function good(): Promise<void> {
  const service = `good-${round++}`
  const body = encoded('traces', asProtobuf(tracesOf(service)))
  const http = await ask(`${collector.otlp}/v1/traces`, { headers: { 'content-type': types.protobuf }, body })
  expect([http.status, http.body.length]).toEqual([200, 0])
  const other = encoded('traces', asProtobuf(tracesOf(service)))
  expect(await call(collector.grpc, grpcPath('traces'), framed(other))).toMatchObject({ code: 0 })
  await stored(collector, { [service]: 2 })
}

/** Bytes of the collector in memory, now or at most; 0 where the system does not tell. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
  if (process.platform !== 'linux') return 0
  const kib = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(
    readFileSync(`/proc/${collector.child.pid}/status`, 'utf8'),
  )
  return Number(kib![1]) * 1024
}

function expectValid(answer: HttpAnswer, signal: Signal, type: string): void {
  expect([200, 400, 413, 415, 429, 503]).toContain(answer.status)
  expect(answer.headers['content-type']).toBe(type)
  if (answer.status !== 200) expect(statusOf(answer).message).not.toBe('')
  else if (type === types.json) expect(JSON.parse(answer.body.toString())).toBeTypeOf('object')
  else expect(decodedResponse(signal, answer.body)).toBeTypeOf('object')
}

function expectValidGrpc(answer: GrpcAnswer, signal: Signal): void {
  expect(answer.httpStatus).toBe(200)
  expect([0, 3, 8, 12, 13, 14]).toContain(answer.code)
  if (answer.code === 0) expect(decodedResponse(signal, answer.body)).toBeTypeOf('object')
  else expect(answer.message).not.toBe('')
}

async function throughBoth(body: Uint8Array, signal: Signal, type: keyof typeof types, coding?: string): Promise<void> {
  const headers = { 'content-type': types[type], ...(coding === undefined ? {} : { 'content-encoding': coding }) }
  expectValid(await ask(`${collector.otlp}/v1/${signal}`, { headers, body }), signal, types[type])
  if (type === 'json') return
  const grpcHeaders: Record<string, string> = coding === undefined ? {} : { 'grpc-encoding': coding }
  const answer = await call(collector.grpc, grpcPath(signal), framed(body, coding !== undefined), grpcHeaders)
  expectValidGrpc(answer, signal)
}

describe('a collector that is sent anything', { timeout: 120_000 }, () => {
  const anySignal = fc.constantFrom(...signals)
  const anyType = fc.constantFrom('protobuf', 'json') as fc.Arbitrary<keyof typeof types>

  it('answers random bytes, whatever they are said to be', async () => {
    const coding = fc.constantFrom(undefined, 'gzip', 'deflate', 'br', 'snappy')
    await fc.assert(
      fc.asyncProperty(garbage, anySignal, anyType, coding, (body, signal, type, coding) =>
        throughBoth(body, signal, type, coding),
      ),
      settings,
    )
  })

  it('answers protobuf with bits turned, bytes lost, doubled or put in, and lengths that lie', async () => {
    await fc.assert(
      fc.asyncProperty(mangledProtobuf, ({ signal, body }) => throughBoth(body, signal, 'protobuf')),
      settings,
    )
  })

  it('answers JSON that is cut, turned inside out, or has other values than it should', async () => {
    await fc.assert(
      fc.asyncProperty(mangledJson, ({ signal, body }) => throughBoth(body, signal, 'json')),
      settings,
    )
  })

  it('answers packed bodies that are damaged', async () => {
    const pack = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
    const packed = fc.constantFrom(...(Object.keys(pack) as (keyof typeof pack)[]))
    const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    await fc.assert(
      fc.asyncProperty(packed, at, fc.integer({ min: 0, max: 255 }), fc.boolean(), async (coding, at, byte, cut) => {
        const body = pack[coding](valid('traces'))
        const place = Math.floor(at * body.length)
        body[place] = byte
        await throughBoth(cut ? body.subarray(0, place) : body, 'traces', 'protobuf', coding)
      }),
      settings,
    )
  })

  it.each([100, 10_000, 100_000])('answers %i values inside one another', async (depth) => {
    for (const body of deepProtobuf(depth)) await throughBoth(body, 'traces', 'protobuf')
    for (const body of deepJson(depth)) await throughBoth(body, 'traces', 'json')
  })

  it('refuses what unpacks to a thousand times its size and more, sixteen at a time', async () => {
    for (const [coding, body] of bombs()) {
      expect(body.length).toBeLessThan(70 * 1024)
      await Promise.all(Array.from({ length: 16 }, () => throughBoth(body, 'traces', 'protobuf', coding)))
    }
  })

  it('takes what it can of twelve uploads of 60 MiB at once, and sends the others away to come again', async () => {
    const size = 60 * 1024 * 1024
    // Each one a field that nobody knows, so that it is read and leaves nothing.
    const bodies = Array.from({ length: 12 }, (_, i) => unknownField(size, i))
    const answers = await Promise.all(
      bodies.map((body, i) =>
        i % 2 === 0
          ? ask(`${collector.otlp}/v1/traces`, { headers: { 'content-type': types.protobuf }, body }).then(
              ({ status }) => status,
            )
          : call(collector.grpc, grpcPath('traces'), framed(body)).then(({ code }) =>
              code === 0 ? 200 : code === 14 ? 429 : code,
            ),
      ),
    )
    expect(answers.filter((status) => status !== 429 && status !== 503)).not.toEqual([])
    for (const status of answers) expect([200, 429, 503]).toContain(status)
  })

  it('answers calls of gRPC that are framed wrong', async () => {
    const part = fc.uint8Array({ maxLength: 40 })
    const prefix = fc.tuple(fc.constantFrom(0, 1, 2, 255), fc.nat(0xffffffff)).map(([flag, length]) => {
      const bytes = Buffer.alloc(5)
      bytes[0] = flag
      bytes.writeUInt32BE(length, 1)
      return bytes
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(part, prefix), { maxLength: 6 }), anySignal, async (parts, signal) => {
        expectValidGrpc(await call(collector.grpc, grpcPath(signal), parts), signal)
      }),
      settings,
    )
  })

  it('outlives connections that speak neither HTTP nor HTTP/2, or stop in the middle', async () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    const head = Buffer.from(
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(Buffer.alloc(0), preface, head),
        fc.uint8Array({ maxLength: 300 }),
        async (start, rest) => {
          for (const address of [new URL(collector.otlp).host, collector.grpc])
            await spoken(address, Buffer.concat([start, rest]))
        },
      ),
      settings,
    )
  })
})

/** Says something on a connection of its own, hangs up, and waits for the other side to have noticed. */
function spoken(address: string, bytes: Buffer): Promise<void> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), host, () => socket.end(bytes))
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
    // Where the other side waits for more, this one leaves.
    socket.setTimeout(100, () => socket.destroy())
  })
}
