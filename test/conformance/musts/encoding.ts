import { deflateSync, gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { tracesOf } from '../span.ts'
import { stored } from '../stored.ts'
import { framed, statusOf } from '../wire.ts'
import { callTraces, json, type Must, post, protobuf, traces } from './ask.ts'

/** What the OTLP specification asks of a server about codings and encodings. */
export const encoding: readonly Must[] = [
  {
    id: 'compression-1',
    section: 'Protocol Details',
    level: 'MUST',
    requirement: 'a server takes requests that are not compressed, over both transports',
    async test(collector) {
      expect((await post(collector, traces('none-http'), protobuf)).status).toBe(200)
      expect((await callTraces(collector, framed(traces('none-grpc')))).code).toBe(0)
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
      expect((await callTraces(collector, data, { 'grpc-encoding': 'gzip' })).code).toBe(0)
      const deflated = framed(deflateSync(traces('deflate-grpc')), true)
      expect((await callTraces(collector, deflated, { 'grpc-encoding': 'deflate' })).code).toBe(0)
      await stored(collector, { 'gzip-http': 1, 'gzip-grpc': 1, 'deflate-grpc': 1 })
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
]
