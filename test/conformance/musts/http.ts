import { Agent, request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { asProtobuf, tracesOf } from '../span.ts'
import { stored } from '../stored.ts'
import { ask, decodedResponse, encoded, fieldsOf, framed, httpPath, type Signal, statusOf } from '../wire.ts'
import {
  announce,
  bomb,
  callTraces,
  holdRoom,
  inBothTypes,
  json,
  type Must,
  partly,
  post,
  protobuf,
  refusals,
  signals,
  tooLarge,
  traces,
} from './ask.ts'

/** What the OTLP specification asks of a server over HTTP, and of any server. */
export const http: readonly Must[] = [
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
        const grpc = await callTraces(collector, prefix)
        expect(grpc.code).toBe(14)
        const details = new Map(fieldsOf(fieldsOf(grpc.details!).find(([field]) => field === 3)![1] as Buffer))
        expect(String(details.get(1))).toBe('type.googleapis.com/google.rpc.RetryInfo')
        expect(details.get(2)).toEqual(Buffer.from([0x0a, 0x02, 0x08, 0x02]))
        expect((await post(collector, traces('not-throttled'), protobuf)).status).toBe(200)
        expect((await callTraces(collector, framed(traces('not-throttled')))).code).toBe(0)
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
      expect((await callTraces(collector, framed(body))).code).toBe(0)
      await stored(collector, { again: 1 })
    },
  },
]
