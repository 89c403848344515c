import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { Account } from '../account.ts'
import { Health } from '../health.ts'
import { Log } from '../log.ts'
import { Bytes, utf8Length, varintLength } from './bytes.ts'
import {
  encodeAttribute,
  encodeResource,
  encodeScope,
  encodeTraces,
  type ReadableSpan,
  rejectedSpans,
  SPAN_ATTRIBUTE,
  type Value,
  writeAttribute,
  writeSpan,
} from './otlp.ts'
import { encodeReport } from './report.ts'

// The oracle: OpenTelemetry's own generated protobuf code.
const { opentelemetry } = createRequire(import.meta.url)('otlp-transformer-oracle/build/src/generated/root.js')
const { trace, metrics } = opentelemetry.proto.collector
const Traces = trace.v1.ExportTraceServiceRequest
const Metrics = metrics.v1.ExportMetricsServiceRequest

const resource = encodeResource({ 'service.name': 'x', 'process.pid': 7 })
const scope = encodeScope('test', '1.2')

function decodeSpans(spans: Bytes) {
  const message = Traces.decode(encodeTraces(resource, [{ scope, spans }]))
  return Traces.toObject(message, { longs: String, bytes: Array, defaults: false }).resourceSpans[0].scopeSpans[0].spans
}

function spanWith(attributes: Record<string, Value>) {
  const to = new Bytes(16)
  const message = to.open(0x12)
  for (const [key, value] of Object.entries(attributes)) writeAttribute(to, SPAN_ATTRIBUTE, key, value)
  to.close(message)
  return decodeSpans(to)[0].attributes
}

describe('attributes', () => {
  test.each<[string, Value, object]>([
    ['text', 'héllo 🌍', { stringValue: 'héllo 🌍' }],
    ['long text', 'x'.repeat(5000), { stringValue: 'x'.repeat(5000) }],
    ['empty text', '', { stringValue: '' }],
    ['zero', 0, { intValue: '0' }],
    ['integer', 1_700_000_000_000, { intValue: '1700000000000' }],
    ['negative', -5, { intValue: '-5' }],
    ['bigint', 2n ** 62n, { intValue: String(2n ** 62n) }],
    ['double', 1.5, { doubleValue: 1.5 }],
    ['yes', true, { boolValue: true }],
    ['no', false, { boolValue: false }],
    ['bytes', new Uint8Array([1, 2, 255]), { bytesValue: [1, 2, 255] }],
    [
      'list',
      ['a', 2, false],
      { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '2' }, { boolValue: false }] } },
    ],
    ['map', { a: { b: 1 } }, expect.objectContaining({ kvlistValue: expect.anything() })],
    ['nothing', null, {}],
  ])('%s', (_name, value, expected) => {
    const [{ key, value: decoded }] = spanWith({ k: value })
    expect(key).toBe('k')
    expect(decoded).toEqual(expected)
  })

  test('a value that contains itself is cut', () => {
    const loop: { self?: Value } = {}
    loop.self = loop as Value
    expect(spanWith({ loop: loop as Value })).toHaveLength(1)
  })

  test('an attribute encoded once equals one written in place', () => {
    for (const value of ['text', 'ü'.repeat(100), 12345678, true]) {
      const to = new Bytes(16)
      const message = to.open(0x12)
      to.raw(encodeAttribute(SPAN_ATTRIBUTE, 'key', value))
      to.close(message)
      expect(decodeSpans(to)[0].attributes).toEqual(spanWith({ key: value }))
    }
  })
})

test('a whole span', () => {
  const span: ReadableSpan = {
    name: 'load',
    kind: 2,
    spanContext: () => ({ traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8), traceFlags: 1 }),
    parentSpanContext: { spanId: 'cc'.repeat(8) },
    startTime: [1_795_223_265, 860_224_001],
    endTime: [1_795_223_266, 1],
    status: { code: 2, message: 'broken' },
    attributes: { n: 1 },
    events: [{ name: 'exception', time: [1_795_223_265, 900_000_000], attributes: { 'exception.type': 'Error' } }],
    links: [{ context: { traceId: 'dd'.repeat(16), spanId: 'ee'.repeat(8) } }],
    droppedAttributesCount: 300,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
  const to = new Bytes(16)
  writeSpan(to, span, 100)
  const [decoded] = decodeSpans(to)
  expect(decoded).toMatchObject({
    traceId: Array(16).fill(0xaa),
    spanId: Array(8).fill(0xbb),
    parentSpanId: Array(8).fill(0xcc),
    name: 'load',
    kind: 3,
    startTimeUnixNano: '1795223265860224001',
    endTimeUnixNano: '1795223266000000001',
    droppedAttributesCount: 300,
    status: { code: 2, message: 'broken' },
  })
  expect(decoded.events[0]).toMatchObject({ name: 'exception', timeUnixNano: '1795223265900000000' })
  expect(decoded.links[0].traceId).toEqual(Array(16).fill(0xdd))
})

test('the account', () => {
  const account = new Account()
  account.seen = 10
  account.sent = 7
  account.drop('queue_full', 2)
  account.drop('refused', 1)
  account.spansDropped = 4
  account.payloadsKept = 3
  account.dropPayload('busy')
  const health = new Health(new Log('none'))
  const feature = health.feature('routes', () => {})
  for (let i = 0; i < 10; i++) feature.fault(new Error('x'))
  const report = { account, health, work: 12.4, queueBytes: 100, queueCalls: 2, openCalls: 1 }
  const bytes = encodeReport(resource, scope, report, 1_795_223_000_000, 1_795_223_265_860)
  const [{ metrics: sent }] = Metrics.toObject(Metrics.decode(bytes), { longs: Number }).resourceMetrics[0].scopeMetrics
  type Data = { dataPoints: { asInt: number }[] }
  const points = Object.fromEntries(
    sent.map(({ name, sum, gauge }: { name: string; sum?: Data; gauge?: Data }) => [
      name.replace('callsight.agent.', sum === undefined ? 'gauge ' : ''),
      (sum ?? gauge)!.dataPoints.map(({ asInt }) => asInt),
    ]),
  )
  expect(points).toEqual({
    seen: [10],
    sent: [7],
    dropped: [2, 1],
    spans_dropped: [4],
    payloads_kept: [3],
    payloads_dropped: [1],
    faults: [10],
    'gauge disabled': [1],
    work_us: [12],
    'gauge queue_bytes': [100],
    'gauge queue_calls': [2],
    'gauge open_calls': [1],
  })
  expect(sent[2].sum).toMatchObject({ aggregationTemporality: 2, isMonotonic: true })
  expect(sent[2].sum.dataPoints[0].attributes).toEqual([{ key: 'reason', value: { stringValue: 'queue_full' } }])
  expect(sent[0].sum.dataPoints[0]).toMatchObject({
    startTimeUnixNano: 1_795_223_000_000e6,
    timeUnixNano: 1_795_223_265_860e6,
  })
})

describe('bytes', () => {
  test('varints of any safe integer', () => {
    for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32 + 5, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER]) {
      const to = new Bytes(16)
      to.varint(value)
      expect(to.length).toBe(varintLength(value))
      let back = 0n
      for (let i = 0; i < to.length; i++) back |= BigInt(to.buffer[i]! & 0x7f) << BigInt(7 * i)
      expect(back).toBe(BigInt(value))
    }
  })

  test('microseconds to nanoseconds, exactly', () => {
    for (const micros of [0, 1, 4_194_303, 4_194_304, 1_795_223_265_860_224, 1_795_223_265_999_999, 2 ** 50 - 1]) {
      const to = new Bytes(8)
      to.nanos(micros)
      expect(to.buffer.readBigUInt64LE(0)).toBe(BigInt(micros) * 1000n)
    }
  })

  test('text lengths, also of broken surrogates', () => {
    for (const text of ['', 'abc', 'é', '🌍', '\ud800', 'a\udc00b', 'x'.repeat(300), 'ü'.repeat(300)]) {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text))
      const to = new Bytes(1)
      to.text(text, utf8Length(text))
      expect(to.copy().equals(Buffer.from(text))).toBe(true)
    }
  })
})

test('rejected spans of a partial success', () => {
  const { ExportTraceServiceResponse } = trace.v1
  const answer = (rejectedSpans: number, errorMessage: string) =>
    Buffer.from(ExportTraceServiceResponse.encode({ partialSuccess: { rejectedSpans, errorMessage } }).finish())
  expect(rejectedSpans(Buffer.alloc(0))).toBe(0)
  expect(rejectedSpans(answer(0, ''))).toBe(0)
  expect(rejectedSpans(answer(0, 'a warning'))).toBe(0)
  expect(rejectedSpans(answer(3, 'no'))).toBe(3)
  expect(rejectedSpans(answer(70_000, ''))).toBe(70_000)
  expect(rejectedSpans(Buffer.from([0x0a, 0xff]))).toBe(0)
})
