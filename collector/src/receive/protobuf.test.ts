import oracle from 'otlp-transformer-oracle/build/src/generated/root.js'
import { describe, expect, it } from 'vitest'
import { randomly } from '../../../test/random.ts'
import { countLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts'
import { Undecodable } from './otlp.ts'
import { countLogs, decodeMetrics, decodeTraces } from './protobuf.ts'

/*
 * The oracle is the protobufjs code that OpenTelemetry generated from opentelemetry-proto: it encodes, we decode.
 */
// biome-ignore lint/suspicious/noExplicitAny: generated code with types of its own
const proto = (oracle as any).opentelemetry.proto.collector
const Traces = proto.trace.v1.ExportTraceServiceRequest
const Metrics = proto.metrics.v1.ExportMetricsServiceRequest
const Logs = proto.logs.v1.ExportLogsServiceRequest

const texts = ['', 'GET', 'Żółw — 亀 🐢', 'a'.repeat(300), "it's", '\u0000\n\t']

function someValue(next: () => number, depth = 0): Record<string, unknown> {
  const kind = Math.floor(next() * (depth > 2 ? 5 : 7))
  if (kind === 0) return { stringValue: texts[Math.floor(next() * texts.length)] }
  if (kind === 1) return { boolValue: next() < 0.5 }
  if (kind === 2) return { intValue: Math.floor((next() - 0.5) * 2 ** (next() * 53)) }
  if (kind === 3) return { doubleValue: (next() - 0.5) * 1e9 }
  if (kind === 4) return { bytesValue: Buffer.from(texts[Math.floor(next() * texts.length)]!).toString('base64') }
  if (kind === 5) return { arrayValue: { values: [someValue(next, depth + 1), someValue(next, depth + 1)] } }
  return { kvlistValue: { values: [{ key: 'inner', value: someValue(next, depth + 1) }] } }
}

const hex = (next: () => number, bytes: number) =>
  Array.from({ length: bytes }, () =>
    Math.floor(next() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('')

function someRequest(seed: number) {
  const next = randomly(seed)
  const many = (most: number) => Array.from({ length: Math.floor(next() * (most + 1)) })
  const attributes = () => many(5).map((_, i) => ({ key: `key.${i}`, value: someValue(next) }))
  return {
    resourceSpans: many(3).map(() => ({
      resource: { attributes: attributes() },
      scopeSpans: many(3).map(() => ({
        scope: { name: texts[Math.floor(next() * texts.length)], version: '1' },
        schemaUrl: 'https://example.com/schema',
        spans: many(6).map(() => ({
          traceId: hex(next, 16),
          spanId: hex(next, 8),
          parentSpanId: next() < 0.5 ? hex(next, 8) : '',
          traceState: 'a=b',
          name: texts[Math.floor(next() * texts.length)],
          kind: Math.floor(next() * 6),
          startTimeUnixNano: String(1_700_000_000_000_000_000n + BigInt(Math.floor(next() * 2 ** 53))),
          endTimeUnixNano: String(1_800_000_000_000_000_000n + BigInt(Math.floor(next() * 2 ** 53))),
          attributes: attributes(),
          droppedAttributesCount: 3,
          events: [{ name: 'event', timeUnixNano: '1700000000000000000', attributes: attributes() }],
          links: [{ traceId: hex(next, 16), spanId: hex(next, 8) }],
          status: { code: Math.floor(next() * 3), message: texts[Math.floor(next() * texts.length)] },
          flags: 257,
        })),
      })),
    })),
  }
}

/** protobufjs wants ids as bytes and 64-bit numbers as Long; its own converter reads both from text. */
function encode(request: ReturnType<typeof someRequest>): Uint8Array {
  const withBytes = JSON.parse(JSON.stringify(request), (key, value) =>
    /^(traceId|spanId|parentSpanId)$/.test(key) ? Buffer.from(value, 'hex').toString('base64') : value,
  )
  return Traces.encode(Traces.fromObject(withBytes)).finish()
}

describe('decodeTraces', () => {
  it('reads what the generated encoder writes, and the same from JSON', () => {
    let spans = 0
    for (let seed = 1; seed <= 300; seed++) {
      const request = someRequest(seed)
      const fromProtobuf = decodeTraces(encode(request))
      expect(fromProtobuf).toEqual(decodeTracesJson(Buffer.from(JSON.stringify(request))))
      for (const group of fromProtobuf) spans += group.spans.length
      const first = request.resourceSpans[0]?.scopeSpans[0]?.spans[0]
      if (first === undefined) continue
      const [group] = fromProtobuf
      expect(group!.spans[0]).toMatchObject({
        traceId: first.traceId,
        spanId: first.spanId,
        parentSpanId: first.parentSpanId,
        name: first.name,
        kind: first.kind,
        startNs: BigInt(first.startTimeUnixNano),
        endNs: BigInt(first.endTimeUnixNano),
        statusCode: first.status.code,
        statusMessage: first.status.message,
      })
    }
    expect(spans).toBeGreaterThan(1000)
  })

  it('keeps integers exact up to 64 bits, negative ones too', () => {
    for (const text of [
      '0',
      '-1',
      '127',
      '128',
      '9007199254740991',
      '-9007199254740991',
      '9223372036854775807',
      '-9223372036854775808',
    ]) {
      const span = { spans: [{ attributes: [{ key: 'n', value: { intValue: text } }] }] }
      const request = { resourceSpans: [{ scopeSpans: [span] }] }
      const value = decodeTraces(Traces.encode(Traces.fromObject(request)).finish())[0]!.spans[0]!.attributes.n
      expect(String(value)).toBe(text)
    }
  })

  it('accepts an empty request', () => {
    expect(decodeTraces(Buffer.alloc(0))).toEqual([])
    expect(decodeTracesJson(Buffer.alloc(0))).toEqual([])
  })

  it('names the byte where a message stops making sense', () => {
    expect(() => decodeTraces(Buffer.from('garbage'))).toThrow(Undecodable)
    expect(() => decodeTraces(Buffer.from('garbage'))).toThrow(/^not an OTLP protobuf message: .* at byte \d+$/)
    expect(() => decodeTraces(Buffer.from([0x0a, 0xff, 0xff, 0x03, 1]))).toThrow(
      'not an OTLP protobuf message: 65535 bytes announced, 1 left at byte 4',
    )
  })

  it('refuses or reads every cut and every flipped byte, and never does anything else', () => {
    const whole = Buffer.from(encode(someRequest(7)))
    const next = randomly(99)
    for (let i = 0; i < 3000; i++) {
      const bytes = Buffer.from(i % 2 === 0 ? whole.subarray(0, Math.floor(next() * whole.length)) : whole)
      if (bytes.length > 0) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
      try {
        decodeTraces(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(Undecodable)
      }
    }
  })

  it('refuses values nested beyond the limit in both encodings', () => {
    let value: Record<string, unknown> = { stringValue: 'core' }
    for (let i = 0; i < 100; i++) value = { arrayValue: { values: [value] } }
    const request = { resourceSpans: [{ resource: { attributes: [{ key: 'deep', value }] } }] }
    expect(() => decodeTraces(Traces.encode(Traces.fromObject(request)).finish())).toThrow(/nested deeper than 32/)
    expect(() => decodeTracesJson(Buffer.from(JSON.stringify(request)))).toThrow(/nested deeper than 32/)
  })

  it('keeps an attribute named __proto__ as an attribute', () => {
    const request = {
      resourceSpans: [
        { resource: { attributes: [{ key: '__proto__', value: { stringValue: 'x' } }] }, scopeSpans: [{}] },
      ],
    }
    const resource = decodeTraces(Traces.encode(Traces.fromObject(request)).finish())[0]!.resource
    expect(Object.entries(resource)).toEqual([['__proto__', 'x']])
  })
})

describe('decodeTracesJson', () => {
  it('names the place of what is wrong', () => {
    const fault = (body: unknown) => () =>
      decodeTracesJson(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
    expect(fault('{')).toThrow(/^not OTLP JSON: /)
    expect(fault('[]')).toThrow('not OTLP JSON: the body must be an object')
    expect(fault({ resourceSpans: 5 })).toThrow('not OTLP JSON: resourceSpans must be a list')
    expect(fault({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 5 }] }] }] })).toThrow(
      'not OTLP JSON: resourceSpans[0].scopeSpans[0].spans[0].name must be text',
    )
    expect(fault({ resourceSpans: [{ scopeSpans: [{ spans: [{ startTimeUnixNano: 'now' }] }] }] })).toThrow(
      'not OTLP JSON: resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano must be a whole number',
    )
  })
})

describe('decodeMetrics and countLogs', () => {
  const metrics = {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeMetrics: [
          {
            scope: { name: 'meter' },
            metrics: [
              {
                name: 'sum',
                sum: {
                  dataPoints: [
                    { asInt: '42', timeUnixNano: '1700000000000000000' },
                    {
                      asInt: '-7',
                      attributes: [{ key: 'reason', value: { stringValue: 'full' } }],
                      timeUnixNano: '1700000000000000001',
                    },
                  ],
                },
              },
              { name: 'gauge', gauge: { dataPoints: [{ asDouble: 0.5, timeUnixNano: '1700000000000000002' }] } },
              { name: 'histogram', histogram: { dataPoints: [{ count: '3' }, { count: '4' }] } },
            ],
          },
        ],
      },
    ],
  }

  it('reads sums and gauges and counts the rest', () => {
    const groups = decodeMetrics(Metrics.encode(Metrics.fromObject(metrics)).finish())
    expect(groups).toEqual(decodeMetricsJson(Buffer.from(JSON.stringify(metrics))))
    expect(groups[0]!.points.map(({ metric, value }) => [metric, value])).toEqual([
      ['sum', 42],
      ['sum', -7],
      ['gauge', 0.5],
    ])
    expect(groups[0]!.points[1]!.attributes).toEqual({ reason: 'full' })
    expect(groups[0]!.others).toBe(2)
  })

  it('counts log records', () => {
    const logs = {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'a' } }, {}] }, { logRecords: [{}] }] }, {}],
    }
    expect(countLogs(Logs.encode(Logs.fromObject(logs)).finish())).toBe(3)
    expect(countLogsJson(Buffer.from(JSON.stringify(logs)))).toBe(3)
  })
})
