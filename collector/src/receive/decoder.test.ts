import { describe, expect, it } from 'vitest'
import { anyValue, logsOf, metricsOf, NOW, pairs, span, tracesOf } from '../../../test/conformance/otlp.ts'
import { limits } from '../limits.ts'
import { Decoder } from './decoder.ts'
import { Undecodable } from './otlp.ts'

const about = { env: undefined, token: '' }
let now = NOW
const open = () => new Decoder({ consumers: [], keySecret: undefined, pastMs: 30 * 86_400_000, now: () => now })
const call = (attributes: Record<string, string>, more: object = {}) =>
  span({ 'http.request.method': 'GET', ...attributes }, more)

describe('a decoder', () => {
  it('accepts an empty request of every kind', () => {
    const decoder = open()
    for (const signal of ['traces', 'logs', 'metrics'] as const) {
      for (const wire of ['protobuf', 'json'] as const) {
        expect(decoder.take(signal, wire, Buffer.alloc(0), about)).toEqual({ rejected: 0, message: '' })
      }
    }
    expect([decoder.rows, decoder.bytes, decoder.drain()]).toEqual([0, 0, []])
  })

  it('tells how much is waiting, and starts anew with every block', () => {
    const decoder = open()
    decoder.take('traces', 'protobuf', tracesOf([call({}), call({}), span({}, { kind: 1 })]), about)
    expect(decoder.rows).toBe(3)
    const announced = decoder.bytes
    const blocks = decoder.drain()
    expect(blocks.map(({ table, rows, format }) => [table, rows, format])).toEqual([
      ['spans', 1, 'Native'],
      ['calls', 2, 'Native'],
    ])
    const headers = blocks.reduce((sum, { structure }) => sum + structure.length + 100, 0)
    const written = blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)
    expect(written).toBeGreaterThanOrEqual(announced)
    expect(written).toBeLessThan(announced + headers)
    expect([decoder.rows, decoder.bytes]).toEqual([0, 0])
  })

  it('gives the same block for the same rows, also when others were taken back before', () => {
    const body = tracesOf([
      call({ 'http.route': '/a', 'callsight.consumer.id': 'u1', 'callsight.consumer.name': 'Ann' }),
    ])
    const cut = Buffer.concat([
      tracesOf([call({ 'http.route': '/lost', 'user_agent.original': 'x' })]),
      Buffer.from([0x0a, 0xff]),
    ])
    const alone = open()
    alone.take('traces', 'protobuf', body, about)
    const after = open()
    expect(() => after.take('traces', 'protobuf', cut, about)).toThrow(Undecodable)
    after.take('traces', 'protobuf', body, about)
    expect(() => after.take('traces', 'protobuf', cut, about)).toThrow(Undecodable)
    const calls = (decoder: Decoder) => decoder.drain().find(({ table }) => table === 'calls')!.bytes
    expect(calls(after).equals(calls(alone))).toBe(true)
  })

  it('tells names and plans of consumers once, and again when they change or were lost', () => {
    const decoder = open()
    const named = (name: string) => tracesOf([call({ 'callsight.consumer.id': 'u1', 'callsight.consumer.name': name })])
    const told = (body: Buffer) => {
      decoder.take('traces', 'protobuf', body, about)
      return decoder.drain().find(({ table }) => table === 'consumers')?.rows
    }
    const broken = Buffer.concat([named('Ann'), Buffer.from([0x0a, 0xff])])
    expect(() => decoder.take('traces', 'protobuf', broken, about)).toThrow(Undecodable)
    expect(['Ann', 'Ann', 'Ann Lee', 'Ann Lee', 'Ann'].map((name) => told(named(name)))).toEqual([
      1,
      undefined,
      1,
      undefined,
      1,
    ])
  })

  it('names the byte where a message stops making sense', () => {
    const decoder = open()
    const fault = (bytes: Buffer) => () => decoder.take('traces', 'protobuf', bytes, about)
    expect(fault(Buffer.from('garbage'))).toThrow(Undecodable)
    expect(fault(Buffer.from('garbage'))).toThrow(/^not an OTLP protobuf message: .* at byte \d+$/)
    expect(fault(Buffer.from([0x0a, 0xff, 0xff, 0x03, 1]))).toThrow(
      'not an OTLP protobuf message: 65535 bytes announced, 1 left at byte 4',
    )
  })

  it('refuses values nested beyond the limit, wherever they stand', () => {
    let deep: Record<string, unknown> = { stringValue: 'core' }
    for (let i = 0; i < 100; i++) deep = { arrayValue: { values: [deep] } }
    const fault = (signal: 'traces' | 'logs', body: Buffer) => () => open().take(signal, 'protobuf', body, about)
    const attributes = [{ key: 'deep', value: deep }]
    expect(fault('traces', tracesOf([{ ...call({}), attributes }]))).toThrow(/nested deeper than 32/)
    expect(fault('logs', logsOf([{ body: deep }]))).toThrow(/nested deeper than 32/)
    const json = { resourceSpans: [{ resource: { attributes } }] }
    expect(() => open().take('traces', 'json', Buffer.from(JSON.stringify(json)), about)).toThrow(
      /^not OTLP JSON: resourceSpans\[0\]\.resource\.attributes\[0\]\.value\.arrayValue.* is nested deeper than 32$/,
    )
  })

  it('refuses more rows than are one block, and takes no more of an attribute than its text can show', () => {
    const time = Buffer.alloc(9, 0x09)
    time.writeBigUInt64LE(BigInt(NOW) * 1_000_000n, 1)
    const record = Buffer.concat([Buffer.from([0x12, time.length]), time])
    const inside = (field: number, bytes: Buffer) => {
      const head = Buffer.alloc(5, 0x80)
      head[0] = field * 8 + 2
      for (let i = 0, rest = bytes.length; i < 4; i++, rest >>>= 7) head[i + 1] = (rest & 127) | (i < 3 ? 128 : 0)
      return Buffer.concat([head, bytes])
    }
    const records = (count: number) => inside(1, inside(2, Buffer.alloc(count * record.length, record)))
    const decoder = open()
    expect(() => decoder.take('logs', 'protobuf', records(limits.requestRows + 1), about)).toThrow(
      `${limits.requestRows + 1} rows in one request, the limit is ${limits.requestRows}: send smaller batches`,
    )
    expect(decoder.rows).toBe(0)
    decoder.take('logs', 'protobuf', records(3), about)
    expect(decoder.rows).toBe(3)

    const items = inside(5, Buffer.alloc(4 * limits.valueItems, Buffer.from([0x0a, 0x02, 0x10, 0x01])))
    const list = inside(2, inside(2, Buffer.concat([time, inside(5, items)])))
    decoder.take('logs', 'protobuf', inside(1, list), about)
    const block = decoder.drain()[0]!.bytes
    expect(block.includes(`[${'true,'.repeat(limits.logBodyChars / 5)}`.slice(0, limits.logBodyChars))).toBe(true)
    expect(block.length).toBeLessThan(limits.logBodyChars + 1000)
  })

  it('rejects what began too long ago, or later than clocks may differ', () => {
    const decoder = open()
    const at = (ms: number) => call({}, { startTimeUnixNano: String(BigInt(NOW + ms) * 1_000_000n) })
    const day = 86_400_000
    const spans = [at(0), at(limits.futureMs), at(limits.futureMs + 1), at(-30 * day), at(-30 * day - 1)]
    expect(decoder.take('traces', 'protobuf', tracesOf(spans), about)).toEqual({
      rejected: 2,
      message: "1 that start more than 10 minutes from now: set that machine's clock; 1 older than 30 days",
    })
    expect(decoder.rows).toBe(3)
    expect(decoder.counts()?.rejected).toEqual({ in_the_future: 1, too_old: 1 })
    expect(decoder.counts()).toBeUndefined()
    const late = { timeUnixNano: String(BigInt(NOW + 2 * limits.futureMs) * 1_000_000n) }
    expect(decoder.take('logs', 'protobuf', logsOf([late]), about).message).toBe(
      "1 dated more than 10 minutes from now: set that machine's clock",
    )
  })
})

describe('names of one service and day', () => {
  const operations = (names: string[], service = 'shop') =>
    tracesOf(
      names.map((name) => call({ 'callsight.operation': name })),
      { 'service.name': service },
    )
  const list = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `GET /o${from + i}`)

  it('are _OTHER beyond the bound of operations, counted, told once, and begin anew on the next day', () => {
    now = NOW
    const decoder = open()
    decoder.take('traces', 'protobuf', operations(list(limits.operationsPerService)), about)
    expect(decoder.counts()).toBeUndefined()
    decoder.drain()
    decoder.take('traces', 'protobuf', operations([...list(3, 9000), ...list(2)]), about)
    decoder.take('traces', 'protobuf', operations(list(3, 9000), 'another'), about)
    const block = decoder.drain().find(({ table }) => table === 'calls')!
    expect(block.bytes.includes('_OTHER')).toBe(true)
    expect(decoder.counts()).toMatchObject({
      overflowed: { operation: 3 },
      overflows: [{ service: 'shop', what: 'operation' }],
    })
    decoder.take('traces', 'protobuf', operations(list(1, 9000)), about)
    expect(decoder.counts()).toMatchObject({ overflowed: { operation: 1 }, overflows: [] })
    now += 86_400_000
    decoder.take('traces', 'protobuf', operations(list(3, 9000)), about)
    expect(decoder.counts()).toBeUndefined()
    now = NOW
  })

  it('are _OTHER beyond the bound of guesses, which begins anew on the next day, too', () => {
    now = NOW
    const decoder = open()
    const word = (i: number) => `/${[...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`
    const paths = Array.from({ length: limits.guessedOperations + 5 }, (_, i) => call({ 'url.path': word(i) }))
    decoder.take('traces', 'protobuf', tracesOf(paths), about)
    expect(decoder.counts()?.overflowed).toEqual({ operation: 5 })
    now += 86_400_000
    decoder.take('traces', 'protobuf', tracesOf(paths.slice(-5)), about)
    expect(decoder.counts()).toBeUndefined()
    now = NOW
  })

  it('are _OTHER beyond the bound of consumers, but never those of the configuration', () => {
    const acme = { id: 'acme', name: 'Acme', plan: 'gold', keys: [], timeZone: 'UTC', quotas: [] }
    const decoder = new Decoder({ consumers: [acme], keySecret: undefined, pastMs: 86_400_000, now: () => NOW })
    const ids = Array.from({ length: limits.consumersPerService + 10 }, (_, i) => `c${i}`)
    for (let i = 0; i < ids.length; i += 5000) {
      const some = [...ids.slice(i, i + 5000), 'acme'].map((id) => call({ 'callsight.consumer.id': id }))
      decoder.take('traces', 'protobuf', tracesOf(some), about)
    }
    expect(decoder.counts()).toMatchObject({
      overflowed: { consumer: 10 },
      overflows: [{ service: 'shop', what: 'consumer' }],
    })
  })
})

describe('OTLP/JSON', () => {
  const take = (body: unknown, signal: 'traces' | 'logs' | 'metrics' = 'traces') => {
    const decoder = open()
    decoder.take(signal, 'json', Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), about)
    return decoder.drain()
  }
  const blocks = (signal: 'traces' | 'logs' | 'metrics', body: Buffer) => {
    const decoder = open()
    decoder.take(signal, 'protobuf', body, about)
    return decoder.drain()
  }
  const hex = (value: unknown) => Buffer.from(String(value), 'base64').toString('hex').toUpperCase()
  const attributes = pairs({
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    exact: 9_223_372_036_854_775_807n,
    ratio: 0.5,
    flag: true,
    none: null,
    raw: Buffer.from([1, 2, 255]),
    list: ['a', 1, ['b']],
    map: { a: { b: 'c' } },
  })

  it('gives the very blocks of the same request in protobuf: ids in any case, numbers as text or number, unknown fields', () => {
    const plain: Record<string, unknown> = {
      ...call({}),
      attributes,
      status: { code: 2, message: 'bad' },
      traceState: 'ot=th:8',
      kind: 1,
    }
    const ids = { traceId: hex(plain.traceId), spanId: hex(plain.spanId), parentSpanId: '' }
    const resource = { attributes: pairs({ 'service.name': 'shop', 'deployment.environment.name': 'prod' }) }
    const request = (spans: unknown[]) => ({
      resourceSpans: [{ resource, extra: 1, scopeSpans: [{ scope: { name: 'test' }, spans, schemaUrl: 'x' }] }],
      unknown: {},
    })
    const found = take(
      request([
        { ...plain, ...ids, links: [] },
        { ...plain, ...ids, kind: 2 },
      ]),
    )
    const expected = blocks('traces', tracesOf([plain, { ...plain, kind: 2 }]))
    expect(found).toEqual(expected)
    expect(found.map(({ table }) => table)).toEqual(['spans', 'calls'])
  })

  it('gives the same of logs and metrics', () => {
    const record = { timeUnixNano: String(BigInt(NOW) * 1_000_000n), severityNumber: 9, body: anyValue({ a: [1] }) }
    const resource = { attributes: pairs({ 'service.name': 'shop', 'deployment.environment.name': 'prod' }) }
    expect(take({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record] }] }] }, 'logs')).toEqual(
      blocks('logs', logsOf([record])),
    )
    const points = {
      dataPoints: [
        { timeUnixNano: record.timeUnixNano, asInt: '-7' },
        { timeUnixNano: record.timeUnixNano, asDouble: 1.5 },
      ],
    }
    const metrics = [
      { name: 'go.goroutines', gauge: points },
      { name: 'callsight.agent.seen', sum: points },
    ]
    expect(take({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }, 'metrics')).toEqual(
      blocks('metrics', metricsOf(metrics)),
    )
  })

  it('names the place of what is wrong', () => {
    const fault = (body: unknown) => () => take(body)
    expect(fault('{')).toThrow(/^not OTLP JSON: /)
    expect(fault('[]')).toThrow('not OTLP JSON: the body must be an object')
    expect(fault({ resourceSpans: 5 })).toThrow('not OTLP JSON: resourceSpans must be a list')
    expect(fault({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 5 }] }] }] })).toThrow(
      'not OTLP JSON: resourceSpans[0].scopeSpans[0].spans[0].name must be text',
    )
    expect(fault({ resourceSpans: [{ scopeSpans: [{ spans: [{ startTimeUnixNano: 'now' }] }] }] })).toThrow(
      'not OTLP JSON: resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano must be a whole number',
    )
    expect(fault({ resourceSpans: [{ scopeSpans: [null] }] })).toThrow(
      'not OTLP JSON: resourceSpans[0].scopeSpans[0] must be an object',
    )
    expect(fault(' '.repeat(limits.jsonBytes + 1))).toThrow(
      `not OTLP JSON: ${limits.jsonBytes + 1} bytes, the limit for JSON is ${limits.jsonBytes}: send protobuf or smaller batches`,
    )
  })

  it('rejects ids that are no hexadecimal, and keeps the rest', () => {
    const one = {
      startTimeUnixNano: String(BigInt(NOW) * 1_000_000n),
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
    }
    const spans = [one, { ...one, traceId: 'zz' }, { ...one, spanId: 'c' }, { ...one, traceId: '0'.repeat(32) }]
    const decoder = open()
    const body = Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))
    expect(decoder.take('traces', 'json', body, about)).toEqual({
      rejected: 3,
      message: '3 without a trace id of 16 bytes and a span id of 8',
    })
    expect(decoder.rows).toBe(1)
  })
})
