import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { deflateSync, gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { defaultConfig } from '../../collector/src/config/config.ts'
import type { RunningCollector } from '../program.ts'
import { asProtobuf, tracesOf } from './span.ts'
import { stored } from './stored.ts'
import {
  ask,
  call,
  decodedResponse,
  encoded,
  fieldsOf,
  framed,
  grpcPath,
  type HttpAnswer,
  httpPath,
  type Signal,
  statusOf,
} from './wire.ts'

/** What the specification asks of a server. */
export interface Must {
  id: string
  /** Heading of docs/specification.md in opentelemetry-proto 1.x. */
  section: string
  level: 'MUST' | 'SHOULD'
  requirement: string
  test: (collector: RunningCollector) => Promise<void>
}

const protobuf = { 'content-type': 'application/x-protobuf' }
const json = { 'content-type': 'application/json' }
const signals: readonly Signal[] = ['traces', 'metrics', 'logs']
const unpackedLimit = 64 * 1024 * 1024

const traces = (service: string, count?: number, overrides?: object) =>
  encoded('traces', asProtobuf(tracesOf(service, count, overrides)))

const post = (
  collector: RunningCollector,
  body: Uint8Array | string,
  headers: Record<string, string>,
  path = '/v1/traces',
) => ask(collector.otlp + path, { headers, body })

const export_ = (collector: RunningCollector, data: Uint8Array, headers?: Record<string, string>) =>
  call(collector.grpc, grpcPath('traces'), data, headers)

/** Two spans are good, one has no id. */
function partly(service: string) {
  const request = tracesOf(service, 3)
  request.resourceSpans[0]!.scopeSpans[0]!.spans[1]!.spanId = ''
  return request
}

/** A body that asks for the same thing in each way that a type has. */
async function inBothTypes(
  ask: (headers: Record<string, string>) => Promise<HttpAnswer>,
  check: (answer: HttpAnswer) => void,
): Promise<void> {
  for (const headers of [protobuf, json]) {
    const answer = await ask(headers)
    expect(answer.headers['content-type']).toBe(headers['content-type'])
    check(answer)
  }
}

/** Every request that is refused for what it is, with the status for it. */
const refusals: [
  status: number,
  name: string,
  ask: (collector: RunningCollector, type: Record<string, string>) => Promise<HttpAnswer>,
][] = [
  [400, 'bytes that are no message', (collector, type) => post(collector, Buffer.from([0xff, 0xff, 0xff]), type)],
  [400, 'a body that is not gzip', (collector, type) => post(collector, 'no', { ...type, 'content-encoding': 'gzip' })],
  [404, 'a path that is none', (collector, type) => post(collector, '', type, '/v1/everything')],
  [
    405,
    'a method that is not POST',
    (collector, type) => ask(`${collector.otlp}/v1/traces`, { method: 'PUT', headers: type }),
  ],
  [413, 'a body too large', (collector, type) => tooLarge(collector, type)],
  [413, 'a body too large when unpacked', (collector, type) => bomb(collector, type)],
  [415, 'a coding that is none', (collector, type) => post(collector, 'x', { ...type, 'content-encoding': 'lzma' })],
]

/** Announced, and not sent: the answer is there before. */
const tooLarge = (collector: RunningCollector, type: Record<string, string>) =>
  ask(`${collector.otlp}/v1/traces`, {
    headers: { ...type, 'content-length': String(unpackedLimit + 1), expect: '100-continue' },
  })

const bomb = (collector: RunningCollector, type: Record<string, string>) =>
  post(collector, gzipSync(Buffer.alloc(unpackedLimit + 1)), { ...type, 'content-encoding': 'gzip' })

export const musts: readonly Must[] = [
  {
    id: 'compression-1',
    section: 'Protocol Details',
    level: 'MUST',
    requirement: 'a server takes requests that are not compressed, over both transports',
    async test(collector) {
      expect((await post(collector, traces('none-http'), protobuf)).status).toBe(200)
      expect((await export_(collector, framed(traces('none-grpc')))).code).toBe(0)
      // In chunks, more than is set aside for a body whose size is not announced.
      const chunked = { ...protobuf, 'transfer-encoding': 'chunked' }
      expect((await post(collector, traces('chunks-http', 2000), chunked)).status).toBe(200)
      await stored(collector, { 'none-http': 1, 'none-grpc': 1, 'chunks-http': 2000 })
    },
  },
  {
    id: 'compression-2',
    section: 'Protocol Details',
    level: 'MUST',
    requirement: 'a server takes requests in gzip, over both transports',
    async test(collector) {
      const body = gzipSync(traces('gzip-http'))
      expect((await post(collector, body, { ...protobuf, 'content-encoding': 'gzip' })).status).toBe(200)
      const data = framed(gzipSync(traces('gzip-grpc')), true)
      expect((await export_(collector, data, { 'grpc-encoding': 'gzip' })).code).toBe(0)
      const deflated = framed(deflateSync(traces('deflate-grpc')), true)
      expect((await export_(collector, deflated, { 'grpc-encoding': 'deflate' })).code).toBe(0)
      await stored(collector, { 'gzip-http': 1, 'gzip-grpc': 1, 'deflate-grpc': 1 })
    },
  },
  {
    id: 'grpc-limit-1',
    section: 'OTLP/gRPC Request',
    level: 'MUST',
    requirement: 'the size of a message is limited, and beyond it RESOURCE_EXHAUSTED is final: it has no RetryInfo',
    async test(collector) {
      const prefix = framed(Buffer.alloc(0))
      prefix.writeUInt32BE(unpackedLimit + 1, 1)
      const announced = await export_(collector, prefix)
      expect([announced.code, announced.details]).toEqual([8, undefined])
      expect(announced.message).toBe('the body is larger than 67108864 bytes: send smaller batches')
      const data = framed(gzipSync(Buffer.alloc(unpackedLimit + 1)), true)
      const unpacked = await export_(collector, data, { 'grpc-encoding': 'gzip' })
      expect([unpacked.code, unpacked.details]).toEqual([8, undefined])
    },
  },
  {
    id: 'grpc-concurrent-1',
    section: 'OTLP/gRPC Concurrent Requests',
    level: 'SHOULD',
    requirement: 'unary calls are taken side by side',
    async test(collector) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => export_(collector, framed(traces('side-by-side', 2)))),
      )
      expect(answers.map(({ code }) => code)).toEqual(Array(20).fill(0))
      await stored(collector, { 'side-by-side': 40 })
    },
  },
  {
    id: 'grpc-success-1',
    section: 'OTLP/gRPC Response',
    level: 'MUST',
    requirement: 'success is an Export…ServiceResponse with partial_success unset, for every signal',
    async test(collector) {
      const full = await export_(collector, framed(traces('grpc-success')))
      expect([full.httpStatus, full.code]).toEqual([200, 0])
      expect(decodedResponse('traces', full.body)).toEqual({})
      for (const signal of signals) {
        const empty = await call(collector.grpc, grpcPath(signal), framed(Buffer.alloc(0)))
        expect([empty.code, decodedResponse(signal, empty.body)]).toEqual([0, {}])
      }
    },
  },
  {
    id: 'grpc-success-2',
    section: 'OTLP/gRPC Response',
    level: 'SHOULD',
    requirement: 'a request without telemetry data is a success',
    async test(collector) {
      for (const message of [Buffer.alloc(0), encoded('traces', { resourceSpans: [{ scopeSpans: [{}] }] })]) {
        const answer = await export_(collector, framed(message))
        expect([answer.code, answer.body.length]).toEqual([0, 0])
      }
    },
  },
  {
    id: 'grpc-partial-1',
    section: 'OTLP/gRPC Response',
    level: 'MUST',
    requirement:
      'what is taken in part is answered with the same message, partial_success and its count set, and a reason',
    async test(collector) {
      const answer = await export_(collector, framed(encoded('traces', asProtobuf(partly('grpc-partly')))))
      expect(answer.code).toBe(0)
      expect(decodedResponse('traces', answer.body)).toEqual({
        partialSuccess: {
          rejectedSpans: '1',
          errorMessage: '1 without a trace id of 16 bytes and a span id of 8',
        },
      })
      await stored(collector, { 'grpc-partly': 2 })
    },
  },
  {
    id: 'grpc-failure-1',
    section: 'OTLP/gRPC Response',
    level: 'MUST',
    requirement: 'data that cannot be read is INVALID_ARGUMENT, which is final, with the reason',
    async test(collector) {
      const answer = await export_(collector, framed(Buffer.from('complete garbage')))
      expect([answer.code, answer.details]).toEqual([3, undefined])
      expect(answer.message).toContain('not an OTLP protobuf message')
    },
  },
  {
    id: 'grpc-failure-2',
    section: 'OTLP/gRPC Response',
    level: 'SHOULD',
    requirement: 'other failures have the code that gRPC has for them: UNIMPLEMENTED for what is not there',
    async test(collector) {
      const method = await call(
        collector.grpc,
        '/opentelemetry.proto.collector.trace.v1.TraceService/Import',
        framed(traces('x')),
      )
      expect(method.code).toBe(12)
      const coding = await export_(collector, framed(traces('x'), true), { 'grpc-encoding': 'snappy' })
      expect([coding.code, coding.headers['grpc-accept-encoding']]).toEqual([
        12,
        expect.stringMatching(/^identity,gzip,deflate/),
      ])
    },
  },
  {
    id: 'grpc-port-1',
    section: 'OTLP/gRPC Default Port',
    level: 'MUST',
    requirement: 'the default port is 4317 (and 4318 for OTLP/HTTP)',
    async test() {
      expect([defaultConfig.listen.grpc.port, defaultConfig.listen.otlp.port]).toEqual([4317, 4318])
    },
  },
  {
    id: 'protobuf-1',
    section: 'Binary Protobuf Encoding',
    level: 'MUST',
    requirement: 'answers to protobuf carry Content-Type: application/x-protobuf',
    async test(collector) {
      const answer = await post(collector, traces('protobuf-type'), protobuf)
      expect(answer.headers['content-type']).toBe('application/x-protobuf')
    },
  },
  {
    id: 'protobuf-2',
    section: 'Binary Protobuf Encoding',
    level: 'MUST',
    requirement: 'proto3: fields it does not know are skipped, wherever they stand',
    async test(collector) {
      // Field 99 as bytes, field 98 as a varint, field 97 as fixed64, field 96 as fixed32.
      const unknown = Buffer.from('9a0603616263900601890601020304050607088506aabbccdd', 'hex')
      const answer = await post(collector, Buffer.concat([unknown, traces('unknown-fields'), unknown]), protobuf)
      expect([answer.status, answer.body.length]).toEqual([200, 0])
      await stored(collector, { 'unknown-fields': 1 })
    },
  },
  {
    id: 'json-1',
    section: 'JSON Protobuf Encoding',
    level: 'MUST',
    requirement: 'trace and span ids are hexadecimal in any case',
    async test(collector) {
      const request = tracesOf('hex-case')
      const [span] = request.resourceSpans[0]!.scopeSpans[0]!.spans
      span!.traceId = '5B8EFFF798038103D269B633813FC60C'
      span!.spanId = 'EEE19B7EC3C1B174'
      expect((await post(collector, JSON.stringify(request), json)).body.toString()).toBe('{}')
      await stored(collector, { 'hex-case': 1 })
    },
  },
  {
    id: 'json-2',
    section: 'JSON Protobuf Encoding',
    level: 'MUST',
    requirement: 'enums are numbers, and a name in place of one is not taken for it',
    async test(collector) {
      const named = await post(collector, JSON.stringify(tracesOf('enum-name', 1, { kind: 'SPAN_KIND_SERVER' })), json)
      expect(named.status).toBe(400)
      expect(statusOf(named).message).toContain('kind')
    },
  },
  {
    id: 'json-3',
    section: 'JSON Protobuf Encoding',
    level: 'MUST',
    requirement: 'fields with unknown names are ignored',
    async test(collector) {
      const request = { ...tracesOf('unknown-names', 1, { colour: { deep: [1, 'x', null] } }), tomorrow: true }
      expect((await post(collector, JSON.stringify(request), json)).body.toString()).toBe('{}')
      await stored(collector, { 'unknown-names': 1 })
    },
  },
  {
    id: 'json-4',
    section: 'JSON Protobuf Encoding',
    level: 'MUST',
    requirement: 'only lowerCamelCase names are keys: the original field names are unknown ones',
    async test(collector) {
      const { resourceSpans } = tracesOf('snake-case')
      const answer = await post(collector, JSON.stringify({ resource_spans: resourceSpans }), json)
      expect([answer.status, answer.body.toString()]).toEqual([200, '{}'])
      expect((await post(collector, JSON.stringify(tracesOf('camel-case')), json)).status).toBe(200)
      await stored(collector, { 'camel-case': 1 }, ['snake-case'])
    },
  },
  {
    id: 'json-5',
    section: 'JSON Protobuf Encoding',
    level: 'MUST',
    requirement: '64-bit integers are taken as strings and as numbers',
    async test(collector) {
      const request = tracesOf('int64')
      const text = JSON.stringify(request)
        .replaceAll(/"(\d{19})"/g, '$1')
        .replace('"intValue":"200"', '"intValue":200')
      expect(text).toMatch(/"startTimeUnixNano":\d+,/)
      expect((await post(collector, text, json)).body.toString()).toBe('{}')
      expect((await post(collector, JSON.stringify(tracesOf('int64')), json)).body.toString()).toBe('{}')
      await stored(collector, { int64: 2 })
    },
  },
  {
    id: 'json-6',
    section: 'JSON Protobuf Encoding',
    level: 'MUST',
    requirement: 'answers to JSON carry Content-Type: application/json',
    async test(collector) {
      for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
        const answer = await post(collector, JSON.stringify(tracesOf('json-type')), { 'content-type': type })
        expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json'])
      }
    },
  },
  {
    id: 'http-request-1',
    section: 'OTLP/HTTP Request',
    level: 'MUST',
    requirement: 'requests are POST to /v1/traces, /v1/metrics and /v1/logs',
    async test(collector) {
      for (const signal of signals) {
        for (const [headers, body] of [
          [protobuf, ''],
          [json, '{}'],
        ] as const) {
          const answer = await post(collector, body, headers, httpPath(signal))
          expect([answer.status, answer.headers['content-type']]).toEqual([200, headers['content-type']])
        }
        const got = await ask(collector.otlp + httpPath(signal), { method: 'GET' })
        expect([got.status, got.headers.allow]).toEqual([405, 'POST'])
        const head = await ask(collector.otlp + httpPath(signal), { method: 'HEAD' })
        expect([head.status, head.body.length]).toEqual([405, 0])
      }
    },
  },
  {
    id: 'http-request-2',
    section: 'OTLP/HTTP Request',
    level: 'MUST',
    requirement: 'the size of a body is limited, also when unpacked, and beyond it the answer is 413',
    async test(collector) {
      const announced = await tooLarge(collector, protobuf)
      expect([announced.status, announced.continued]).toEqual([413, false])
      expect(statusOf(announced).message).toBe('the body is larger than 67108864 bytes: send smaller batches')
      const unpacked = await bomb(collector, protobuf)
      expect(unpacked.status).toBe(413)
      expect(statusOf(unpacked).message).toContain('larger than 67108864 bytes when unpacked')
    },
  },
  {
    id: 'http-response-1',
    section: 'OTLP/HTTP Response',
    level: 'MUST',
    requirement: 'every answer has the Content-Type of its request',
    async test(collector) {
      for (const [status, name, ask] of refusals) {
        await inBothTypes(
          (type) => ask(collector, type),
          (answer) => expect(answer.status, name).toBe(status),
        )
      }
      await inBothTypes(
        (type) => post(collector, type === json ? '{}' : '', type),
        ({ status }) => expect(status).toBe(200),
      )
    },
  },
  {
    id: 'http-success-1',
    section: 'OTLP/HTTP Response, Full Success',
    level: 'MUST',
    requirement: 'success is 200 with an Export…ServiceResponse, partial_success unset',
    async test(collector) {
      const binary = await post(collector, traces('http-success'), protobuf)
      expect([binary.status, decodedResponse('traces', binary.body)]).toEqual([200, {}])
      const text = await post(collector, JSON.stringify(tracesOf('http-success')), json)
      expect([text.status, JSON.parse(text.body.toString())]).toEqual([200, {}])
      await stored(collector, { 'http-success': 2 })
    },
  },
  {
    id: 'http-success-2',
    section: 'OTLP/HTTP Response, Full Success',
    level: 'SHOULD',
    requirement: 'a request without telemetry data is a success',
    async test(collector) {
      for (const signal of signals) {
        for (const [headers, body] of [
          [protobuf, ''],
          [json, '{}'],
          [json, ''],
        ] as const) {
          const answer = await post(collector, body, headers, httpPath(signal))
          expect(answer.status, `${signal} ${headers['content-type']} ${body}`).toBe(200)
        }
      }
      const envelope = await post(collector, '{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}', json)
      expect([envelope.status, envelope.body.toString()]).toEqual([200, '{}'])
    },
  },
  {
    id: 'http-partial-1',
    section: 'OTLP/HTTP Response, Partial Success',
    level: 'MUST',
    requirement: 'what is taken in part is 200 with partial_success and its count set, and a reason',
    async test(collector) {
      const partialSuccess = { rejectedSpans: '1', errorMessage: '1 without a trace id of 16 bytes and a span id of 8' }
      const binary = await post(collector, encoded('traces', asProtobuf(partly('http-partly'))), protobuf)
      expect([binary.status, decodedResponse('traces', binary.body)]).toEqual([200, { partialSuccess }])
      const text = await post(collector, JSON.stringify(partly('http-partly')), json)
      expect([text.status, JSON.parse(text.body.toString())]).toEqual([200, { partialSuccess }])
      await stored(collector, { 'http-partly': 4 })
    },
  },
  {
    id: 'http-failure-1',
    section: 'OTLP/HTTP Response, Failures',
    level: 'MUST',
    requirement: 'a failure is 4xx or 5xx with a google.rpc.Status that says what is wrong',
    async test(collector) {
      for (const [status, name, ask] of refusals) {
        await inBothTypes(
          (type) => ask(collector, type),
          (answer) => {
            expect(answer.status, name).toBe(status)
            expect(statusOf(answer).message, name).not.toBe('')
          },
        )
      }
    },
  },
  {
    id: 'http-retryable-1',
    section: 'OTLP/HTTP Response, Retryable Response Codes',
    level: 'MUST',
    requirement: 'only 429, 502, 503 and 504 bring a client back: nothing that is refused for good has one of them',
    async test(collector) {
      for (const [, name, ask] of refusals) {
        const answer = await ask(collector, protobuf)
        expect([429, 502, 503, 504], name).not.toContain(answer.status)
        expect(answer.headers['retry-after'], name).toBe(undefined)
      }
    },
  },
  {
    id: 'http-bad-data-1',
    section: 'OTLP/HTTP Response, Bad Data',
    level: 'MUST',
    requirement: 'data that cannot be read, for good, is 400',
    async test(collector) {
      const bad: [string, Uint8Array | string, Record<string, string>][] = [
        ['no protobuf', Buffer.from([0x0a, 0x7f, 0x01]), protobuf],
        ['no JSON', '{"resourceSpans":', json],
        ['another JSON', '[]', json],
        ['a wrong kind of value', '{"resourceSpans":7}', json],
        ['cut gzip', gzipSync(traces('x', 50)).subarray(0, 40), { ...protobuf, 'content-encoding': 'gzip' }],
      ]
      for (const [name, body, headers] of bad) expect((await post(collector, body, headers)).status, name).toBe(400)
    },
  },
  {
    id: 'http-throttling-1',
    section: 'OTLP/HTTP Throttling',
    level: 'SHOULD',
    requirement:
      'a server that has too much under way answers 429 or 503, with Retry-After; over gRPC UNAVAILABLE with RetryInfo',
    async test(collector) {
      // Bodies announced and not sent take the room that large ones have.
      const held = await holdRoom(collector)
      try {
        const answer = await announce(collector, 2 * 1024 * 1024)
        expect([answer.status, answer.headers['retry-after'], answer.continued]).toEqual([429, '2', false])
        expect(statusOf(answer).message).toBe('too many large requests are on their way in at once')
        const prefix = framed(Buffer.alloc(0))
        prefix.writeUInt32BE(2 * 1024 * 1024, 1)
        const grpc = await export_(collector, prefix)
        expect(grpc.code).toBe(14)
        const details = new Map(fieldsOf(fieldsOf(grpc.details!).find(([field]) => field === 3)![1] as Buffer))
        expect(String(details.get(1))).toBe('type.googleapis.com/google.rpc.RetryInfo')
        expect(details.get(2)).toEqual(Buffer.from([0x0a, 0x02, 0x08, 0x02]))
        expect((await post(collector, traces('not-throttled'), protobuf)).status).toBe(200)
        expect((await export_(collector, framed(traces('not-throttled')))).code).toBe(0)
      } finally {
        held.release()
      }
      await expect.poll(async () => (await announce(collector, 2 * 1024 * 1024)).status).toBe(400)
      await stored(collector, { 'not-throttled': 2 })
    },
  },
  {
    id: 'http-connection-1',
    section: 'OTLP/HTTP Connection',
    level: 'SHOULD',
    requirement: 'protobuf and JSON come to one port, and the connection is kept between requests, refused ones too',
    async test(collector) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const ports = new Set<number | undefined>()
      const send = (headers: Record<string, string>, body: Uint8Array | string, path = '/v1/traces') =>
        new Promise<number>((resolve, reject) => {
          httpRequest(collector.otlp + path, { method: 'POST', agent, headers }, (response) => {
            ports.add(response.socket.localPort)
            response.resume().on('end', () => resolve(response.statusCode!))
          })
            .on('error', reject)
            .end(body)
        })
      expect(await send(protobuf, traces('kept'))).toBe(200)
      expect(await send(json, JSON.stringify(tracesOf('kept')))).toBe(200)
      expect(await send(protobuf, 'garbage')).toBe(400)
      expect(await send(protobuf, traces('x', 1000), '/v1/nothing')).toBe(404)
      expect(await send({ ...protobuf, 'content-encoding': 'lzma' }, traces('x', 1000))).toBe(415)
      expect(await send(protobuf, traces('kept'))).toBe(200)
      expect(ports.size).toBe(1)
      agent.destroy()
      await stored(collector, { kept: 3 })
    },
  },
  {
    id: 'envelopes-1',
    section: 'Implementation Recommendations, Empty Telemetry Envelopes',
    level: 'SHOULD',
    requirement: 'envelopes without contents are taken and leave nothing',
    async test(collector) {
      const bodies: [Signal, object][] = [
        ['traces', { resourceSpans: [{ resource: {} }] }],
        ['metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [] }] }] }],
        ['logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [] }] }] }],
      ]
      for (const [signal, request] of bodies) {
        const binary = await post(collector, encoded(signal, request), protobuf, httpPath(signal))
        expect([binary.status, binary.body.length], signal).toEqual([200, 0])
        const text = await post(collector, JSON.stringify(request), json, httpPath(signal))
        expect([text.status, text.body.toString()], signal).toEqual([200, '{}'])
      }
    },
  },
  {
    id: 'duplicates-1',
    section: 'Request Acknowledgements, Duplicate Data',
    level: 'SHOULD',
    requirement:
      'the specification allows that a re-sent request counts twice; here it counts once, whichever way it came',
    async test(collector) {
      const body = traces('again')
      for (let i = 0; i < 3; i++) expect((await post(collector, body, protobuf)).status).toBe(200)
      expect((await export_(collector, framed(body))).code).toBe(0)
      await stored(collector, { again: 1 })
    },
  },
]

/** Announces a body, and sends it, zeros, when it is asked for. */
const announce = ({ otlp }: RunningCollector, bytes: number) =>
  ask(`${otlp}/v1/traces`, {
    headers: { ...protobuf, 'content-length': String(bytes), expect: '100-continue' },
    body: Buffer.alloc(bytes),
  })

/** Announces three of the largest bodies and sends none: as much of them as the collector lets be on its way. */
async function holdRoom({ otlp }: RunningCollector): Promise<{ release(): void }> {
  const requests = Array.from({ length: 3 }, () =>
    httpRequest(`${otlp}/v1/traces`, {
      method: 'POST',
      agent: false,
      headers: { ...protobuf, 'content-length': String(unpackedLimit), expect: '100-continue' },
    }),
  )
  const asked = requests.map((request) => {
    request.on('error', () => {}).flushHeaders()
    return once(request, 'continue')
  })
  await Promise.all(asked)
  return {
    release: () => {
      for (const request of requests) request.destroy()
    },
  }
}
