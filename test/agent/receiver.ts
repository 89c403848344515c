import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/*
 * A small OTLP/HTTP receiver. It decodes with the official generated protobuf code, so that it also judges the
 * agent's own encoder, and refuses nothing unless a test tells it to.
 */

const { opentelemetry } = createRequire(import.meta.url)('otlp-transformer-oracle/build/src/generated/root.js')
const options = { longs: Number, defaults: false }
const Traces = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest
const Metrics = opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest

export type Attributes = Record<string, unknown>

export interface ReceivedSpan {
  scope: string
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId: string
  startMs: number
  durationMs: number
  failed: boolean
  attributes: Attributes
  resource: Attributes
}

export interface Receiver {
  port: number
  url: string
  /** Spans of the scope `@callsight/agent`, in the order of their start. */
  calls: ReceivedSpan[]
  /** All other spans. */
  inner: ReceivedSpan[]
  /** Metric name, with the reason where there is one, to its last value. */
  counts: Record<string, number>
  /** The agent's other figures in the same way: work_us, queue_bytes, payloads_kept … */
  vitals: Record<string, number>
  /** Raw bodies of all requests to /v1/traces, answered or not. */
  bodies: Buffer[]
  /** The same without their content coding. */
  contents: Buffer[]
  headers: IncomingMessage['headers'][]
  /** Takes the next requests to /v1/traces instead of the usual 200. Return true when it was handled. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  close(): Promise<void>
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const receiver: Omit<Receiver, 'close' | 'port' | 'url'> = {
    calls: [],
    inner: [],
    counts: {},
    vitals: {},
    bodies: [],
    contents: [],
    headers: [],
    intercept: undefined,
  }
  const accepted: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      if (request.url === '/v1/traces') {
        receiver.bodies.push(raw)
        receiver.contents.push(body)
        receiver.headers.push(request.headers)
        if (receiver.intercept?.(request, response)) return
        // As a collector does: the same bytes again are the same calls, sent again because no answer came.
        if (accepted.some((earlier) => earlier.equals(body))) return void response.writeHead(200).end()
        accepted.push(body)
        readTraces(body, receiver)
        // Calls with detail travel in requests of their own.
        receiver.calls.sort((a, b) => a.startMs - b.startMs)
      } else if (request.url === '/v1/metrics') readMetrics(body, receiver)
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const bound = (server.address() as AddressInfo).port
  return Object.assign(receiver, {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

// biome-ignore lint/suspicious/noExplicitAny: the generated decoder is plain JavaScript
type Loose = any

function readTraces(body: Buffer, receiver: Pick<Receiver, 'calls' | 'inner'>): void {
  const message: Loose = Traces.toObject(Traces.decode(body), options)
  for (const part of message.resourceSpans) {
    for (const { scope, spans } of part.scopeSpans) {
      for (const span of spans) {
        const received: ReceivedSpan = {
          scope: scope.name,
          name: span.name,
          kind: span.kind,
          traceId: hex(span.traceId),
          spanId: hex(span.spanId),
          parentSpanId: hex(span.parentSpanId),
          startMs: span.startTimeUnixNano / 1e6,
          durationMs: (span.endTimeUnixNano - span.startTimeUnixNano) / 1e6,
          failed: span.status?.code === 2,
          attributes: plain(span.attributes),
          resource: plain(part.resource.attributes),
        }
        ;(scope.name === '@callsight/agent' ? receiver.calls : receiver.inner).push(received)
      }
    }
  }
}

function readMetrics(body: Buffer, receiver: Pick<Receiver, 'counts' | 'vitals'>): void {
  const message: Loose = Metrics.toObject(Metrics.decode(body), options)
  for (const { scopeMetrics } of message.resourceMetrics) {
    for (const { metrics } of scopeMetrics) {
      for (const { name, sum, gauge } of metrics) {
        if (!gauge && (sum.aggregationTemporality !== 2 || sum.isMonotonic !== true))
          throw new Error(`no counter: ${name}`)
        for (const point of (sum ?? gauge).dataPoints) {
          const { reason, feature } = plain(point.attributes)
          const short = name.replace('callsight.agent.', '')
          const to = ACCOUNT.has(short) ? receiver.counts : receiver.vitals
          to[[short, reason ?? feature].filter(Boolean).join(' ')] = point.asInt ?? 0
        }
      }
    }
  }
}

/** The account of calls; the rest is about the agent itself. */
const ACCOUNT = new Set(['seen', 'sent', 'dropped', 'spans_dropped'])

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex')
}

function plain(attributes: Loose): Attributes {
  return Object.fromEntries((attributes ?? []).map((pair: Loose) => [pair.key, unwrap(pair.value)]))
}

function unwrap(value: Loose): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(unwrap)
  if (value.kvlistValue !== undefined) return plain(value.kvlistValue.values)
  return value.stringValue ?? value.intValue ?? value.boolValue ?? value.doubleValue
}
