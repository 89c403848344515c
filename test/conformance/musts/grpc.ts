import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { defaultConfig } from '../../../collector/src/config/config.ts'
import { asProtobuf } from '../span.ts'
import { stored } from '../stored.ts'
import { call, decodedResponse, encoded, framed, grpcPath } from '../wire.ts'
import { callTraces, type Must, partly, signals, traces, unpackedLimit } from './ask.ts'

/** What the OTLP specification asks of a server over gRPC. */
export const grpc: readonly Must[] = [
  {
    id: 'grpc-limit-1',
    section: 'OTLP/gRPC Request',
    level: 'MUST',
    requirement: 'the size of a message is limited, and beyond it RESOURCE_EXHAUSTED is final: it has no RetryInfo',
    async test(collector) {
      const prefix = framed(Buffer.alloc(0))
      prefix.writeUInt32BE(unpackedLimit + 1, 1)
      const announced = await callTraces(collector, prefix)
      expect([announced.code, announced.details]).toEqual([8, undefined])
      expect(announced.message).toBe('the body is larger than 67108864 bytes: send smaller batches')
      const data = framed(gzipSync(Buffer.alloc(unpackedLimit + 1)), true)
      const unpacked = await callTraces(collector, data, { 'grpc-encoding': 'gzip' })
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
        Array.from({ length: 20 }, () => callTraces(collector, framed(traces('side-by-side', 2)))),
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
      const full = await callTraces(collector, framed(traces('grpc-success')))
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
        const answer = await callTraces(collector, framed(message))
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
      const answer = await callTraces(collector, framed(encoded('traces', asProtobuf(partly('grpc-partly')))))
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
      const answer = await callTraces(collector, framed(Buffer.from('complete garbage')))
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
      const coding = await callTraces(collector, framed(traces('x'), true), { 'grpc-encoding': 'snappy' })
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
]
