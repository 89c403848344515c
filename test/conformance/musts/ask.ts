import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import type { RunningCollector } from '../../program.ts'
import { asProtobuf, tracesOf } from '../span.ts'
import { ask, call, encoded, grpcPath, type HttpAnswer, type Signal } from '../wire.ts'

/** What the specification asks of a server. */
export interface Must {
  id: string
  /** Heading of docs/specification.md in opentelemetry-proto 1.x. */
  section: string
  level: 'MUST' | 'SHOULD'
  requirement: string
  test: (collector: RunningCollector) => Promise<void>
}

export const protobuf = { 'content-type': 'application/x-protobuf' }
export const json = { 'content-type': 'application/json' }
export const signals: readonly Signal[] = ['traces', 'metrics', 'logs']
export const unpackedLimit = 64 * 1024 * 1024

export const traces = (service: string, count?: number, overrides?: object) =>
  encoded('traces', asProtobuf(tracesOf(service, count, overrides)))

export const post = (
  collector: RunningCollector,
  body: Uint8Array | string,
  headers: Record<string, string>,
  path = '/v1/traces',
) => ask(collector.otlp + path, { headers, body })

export const callTraces = (collector: RunningCollector, data: Uint8Array, headers?: Record<string, string>) =>
  call(collector.grpc, grpcPath('traces'), data, headers)

/** Two spans are good, one has no id. */
export function partly(service: string) {
  const request = tracesOf(service, 3)
  request.resourceSpans[0]!.scopeSpans[0]!.spans[1]!.spanId = ''
  return request
}

/** A body that asks for the same thing in each way that a type has. */
export async function inBothTypes(
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
export const refusals: [
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
export const tooLarge = (collector: RunningCollector, type: Record<string, string>) =>
  ask(`${collector.otlp}/v1/traces`, {
    headers: { ...type, 'content-length': String(unpackedLimit + 1), expect: '100-continue' },
  })

export const bomb = (collector: RunningCollector, type: Record<string, string>) =>
  post(collector, gzipSync(Buffer.alloc(unpackedLimit + 1)), { ...type, 'content-encoding': 'gzip' })

/** Announces a body, and sends it, zeros, when it is asked for. */
export const announce = ({ otlp }: RunningCollector, bytes: number) =>
  ask(`${otlp}/v1/traces`, {
    headers: { ...protobuf, 'content-length': String(bytes), expect: '100-continue' },
    body: Buffer.alloc(bytes),
  })

/** Announces three of the largest bodies and sends none: as much of them as the collector lets be on its way. */
export async function holdRoom({ otlp }: RunningCollector): Promise<{ release(): void }> {
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
