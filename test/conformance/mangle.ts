import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { asProtobuf, tracesOf } from './span.ts'
import { encoded, type Signal } from './wire.ts'

/** Requests that are right, with everything in them that a decoder has to tell apart. */
const requests: Record<Signal, () => object> = {
  traces: () =>
    tracesOf('fuzzed', 3, {
      parentSpanId: 'ab'.repeat(8),
      traceState: 'ot=th:8',
      status: { code: 2, message: 'it broke' },
      events: [{ timeUnixNano: '1', name: 'event', attributes: [{ key: 'a', value: { boolValue: true } }] }],
      links: [{ traceId: 'cd'.repeat(16), spanId: 'ef'.repeat(8) }],
      attributes: [
        { key: 'http.method', value: { stringValue: 'GET' } },
        { key: 'http.url', value: { stringValue: 'https://user:password@host:99/a/1?x=y#z' } },
        { key: 'http.status_code', value: { intValue: '404' } },
        { key: 'double', value: { doubleValue: -1.5 } },
        { key: 'list', value: { arrayValue: { values: [{ stringValue: 'ż' }, { intValue: '-1' }] } } },
        { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] } } },
        { key: 'http.request.header.accept', value: { arrayValue: { values: [{ stringValue: '*/*' }] } } },
      ],
    }),
  metrics: () => ({
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'fuzzed' } }] },
        scopeMetrics: [
          {
            scope: { name: 'callsight' },
            metrics: [
              {
                name: 'callsight.agent.seen',
                sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [point] },
              },
              { name: 'gauge', gauge: { dataPoints: [{ ...point, asInt: undefined, asDouble: 0.5 }] } },
              {
                name: 'sizes',
                histogram: { dataPoints: [{ ...times, count: '2', bucketCounts: ['1', '1'], explicitBounds: [5] }] },
              },
            ],
          },
        ],
      },
    ],
  }),
  logs: () => ({
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: '1',
                severityNumber: 9,
                body: { stringValue: 'line' },
                attributes: [{ key: 'a', value: { intValue: '1' } }],
              },
            ],
          },
        ],
      },
    ],
  }),
}
const times = { startTimeUnixNano: '1700000000000000000', timeUnixNano: '1700000001000000000' }
const point = { ...times, asInt: '7', attributes: [{ key: 'k', value: { stringValue: 'v' } }] }

export const valid = (signal: Signal) => encoded(signal, asProtobuf(requests[signal]()))

export const garbage = fc.uint8Array({ maxLength: 2000 })

const anySignal = fc.constantFrom<Signal>('traces', 'metrics', 'logs')
/** A place in something whose length is not known yet. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

const change = fc.oneof(
  fc.record({ how: fc.constant('turn' as const), at: place, byte: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ how: fc.constant('cut' as const), at: place }),
  fc.record({ how: fc.constant('lose' as const), at: place, bytes: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ how: fc.constant('double' as const), at: place, bytes: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ how: fc.constant('insert' as const), at: place, what: fc.uint8Array({ minLength: 1, maxLength: 12 }) }),
)

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

function changed(bytes: Buffer, change: Change): Buffer {
  const at = Math.floor(change.at * bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (change.how) {
    case 'turn':
      return Buffer.concat([before, Buffer.from([change.byte]), after.subarray(1)])
    case 'cut':
      return before
    case 'lose':
      return Buffer.concat([before, after.subarray(change.bytes)])
    case 'double':
      return Buffer.concat([before, after.subarray(0, change.bytes), after])
    case 'insert':
      return Buffer.concat([before, change.what, after])
  }
}

const changes = fc.array(change, { minLength: 1, maxLength: 5 })

export const mangledProtobuf = fc
  .tuple(anySignal, changes)
  .map(([signal, list]) => ({ signal, body: list.reduce(changed, valid(signal)) }))

/** A value that does not belong where it is put. */
const strangeValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(null, -1, 2 ** 64, '', 'NaN', [], {}, [[[]]], '99999999999999999999999', '__proto__'),
)

/** Puts a strange value in one place of a valid request. */
const otherValues = fc.tuple(anySignal, fc.nat(), strangeValue).map(([signal, which, value]) => {
  const places: [parent: Record<string, unknown>, key: string][] = []
  const request = requests[signal]()
  const visit = (parent: Record<string, unknown>): void => {
    for (const key of Object.keys(parent)) {
      places.push([parent, key])
      if (typeof parent[key] === 'object' && parent[key] !== null) visit(parent[key] as Record<string, unknown>)
    }
  }
  visit(request as Record<string, unknown>)
  const [parent, key] = places[which % places.length]!
  parent[key] = value
  return { signal, body: Buffer.from(JSON.stringify(request)) }
})

export const mangledJson = fc.oneof(
  otherValues,
  fc
    .tuple(anySignal, changes)
    .map(([signal, list]) => ({ signal, body: list.reduce(changed, Buffer.from(JSON.stringify(requests[signal]()))) })),
  fc.tuple(anySignal, fc.json()).map(([signal, text]) => ({ signal, body: Buffer.from(text) })),
)

function bytesField(field: number, bytes: Buffer): Buffer {
  const length: number[] = []
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest > 127 ? (rest % 128) | 128 : rest)
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), bytes])
}

/** A message of that many bytes that has a field of a later version of OTLP alone. */
export function unknownField(size: number, fill: number): Buffer {
  return bytesField(15, Buffer.alloc(size - 10, fill))
}

/** Attributes whose value is a list, or a map, of a list … and so on. */
export function deepProtobuf(depth: number): Buffer[] {
  // Each level costs its length once more, so the deepest are as deep as 64 MiB allow in reason.
  const levels = Math.min(depth, 5000)
  let list: Buffer = Buffer.from([0x0a, 0x01, 0x78])
  let map: Buffer = list
  for (let i = 0; i < levels; i++) {
    list = bytesField(5, bytesField(1, list))
    map = bytesField(6, bytesField(1, bytesField(2, map)))
  }
  return [list, map].map((value) => {
    const attribute = bytesField(9, Buffer.concat([bytesField(1, Buffer.from('deep')), bytesField(2, value)]))
    return bytesField(1, bytesField(2, bytesField(2, attribute)))
  })
}

export function deepJson(depth: number): Buffer[] {
  const inValue = (open: string, close: string) =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"deep","value":${open.repeat(depth)}{"intValue":1}${close.repeat(depth)}}]}]}]}]}`
  return [
    '['.repeat(depth),
    `${'['.repeat(depth)}${']'.repeat(depth)}`,
    `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
    inValue('{"arrayValue":{"values":[', ']}}'),
    inValue('{"kvlistValue":{"values":[{"key":"k","value":', '}]}}'),
  ].map((text) => Buffer.from(text))
}

/** What becomes more than a request may have, packed in every way. */
export function bombs(): [coding: string, body: Buffer][] {
  const zeros = Buffer.alloc(65 * 1024 * 1024)
  return [
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros)],
  ]
}
