import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { Door } from '../token.ts'
import { Receiving } from './body.ts'
import { type Coding, codingOf, grpcAcceptEncoding } from './coding.ts'
import { guard } from './connections.ts'
import type { Intake } from './intake.ts'
import { Malformed, readMessage } from './message.ts'
import { Refusal } from './refusal.ts'
import { type Signal, status, success } from './reply.ts'

const methods: ReadonlyMap<string, Signal> = new Map([
  ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'traces'],
  ['/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', 'metrics'],
  ['/opentelemetry.proto.collector.logs.v1.LogsService/Export', 'logs'],
])

/**
 * gRPC status codes for what the intake and the door say. 429 and 503 become UNAVAILABLE, which every client takes as
 * "come again"; RESOURCE_EXHAUSTED without RetryInfo is final, and right for what will never fit.
 * Source: opentelemetry-proto, docs/specification.md, "OTLP/gRPC Response", "OTLP/gRPC Throttling".
 */
const codes: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  413: 8,
  415: 12,
  429: 14,
  499: 1,
  503: 14,
  504: 4,
}
const internal = 13

interface Parts {
  intake: Intake
  door: Door
  log: Logger
  receiving?: Receiving
}

export interface GrpcReceiver {
  /** @throws Error of node:net when the port cannot be had */
  listen(address: { host: string; port: number }): Promise<void>
  /** For where it listens. */
  readonly server: { address(): AddressInfo | string | null }
  /** Tells clients to go elsewhere, lets calls under way end, and cuts off what takes longer than limits.closeMs. */
  close(): Promise<void>
}

/**
 * The OTLP/gRPC listener: unary calls over HTTP/2 without TLS. Three methods with bytes in and bytes out need no stub and
 * no library; what a client can see is the protocol's own text.
 * Source: grpc/grpc, doc/PROTOCOL-HTTP2.md.
 */
export function grpcReceiver({ intake, door, log, receiving = new Receiving() }: Parts): GrpcReceiver {
  const sessions = new Set<ServerHttp2Session>()
  let toldOfHttp1 = false
  const server = createServer({
    settings: {
      enablePush: false,
      maxConcurrentStreams: limits.grpcStreams,
      initialWindowSize: limits.grpcCallWindowBytes,
      maxHeaderListSize: limits.headBytes,
    },
  })
  guard(server, 'grpc')
  server.on('session', (session) => {
    sessions.add(session)
    session.setLocalWindowSize(limits.grpcWindowBytes)
    session.setTimeout(limits.idleMs, () => session.close())
    session.on('close', () => sessions.delete(session))
  })
  server.on('sessionError', (error: Error) => {
    log.debug({ error }, 'a gRPC connection failed')
    if (toldOfHttp1 || !error.message.includes('bad client magic')) return
    toldOfHttp1 = true
    log.warn('something that speaks no HTTP/2 connected to the gRPC listener; OTLP over HTTP has a listener of its own')
  })
  server.on('stream', (stream, headers) => {
    // A client that resets its call is no news; what it means for the call, the message or the deadline says.
    stream.on('error', () => {})
    void serve(stream, headers, { intake, door, log, receiving })
  })
  return {
    server,
    listen: (address) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(address, () => {
          server.off('error', reject)
          resolve()
        })
      }),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const session of sessions) session.close()
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, limits.closeMs)
      await closed
      clearTimeout(cut)
    },
  }
}

async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, parts: Required<Parts>): Promise<void> {
  const signal = methods.get(headers[':path'] ?? '')
  try {
    if (!isGrpc(headers)) return refuseHttp(stream, headers)
    const result = await inTime(headers['grpc-timeout'], exported(stream, headers, signal, parts))
    metrics.requests.inc({ signal: signal!, status: 200 })
    succeed(stream, success('protobuf', signal!, result.rejected, result.message))
  } catch (error) {
    const refused = asRefusal(error)
    if (refused.status === 500) parts.log.error({ error }, 'an OTLP request failed')
    metrics.requests.inc({ signal: signal ?? 'other', status: refused.status })
    const code = error instanceof Malformed ? internal : (codes[refused.status] ?? internal)
    fail(stream, code, refused)
  }
}

/** One call of Export. @throws Refusal, Malformed */
async function exported(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  signal: Signal | undefined,
  { intake, door, receiving }: Required<Parts>,
) {
  const pass = door.admit(headers.authorization)
  if ('refused' in pass) throw new Refusal(401, pass.refused)
  if (signal === undefined) {
    throw new Refusal(
      404,
      `there is no ${headers[':path']?.slice(0, 100)}; OTLP has Export of traces, metrics and logs`,
    )
  }
  const coding = codingOf(String(headers['grpc-encoding'] ?? ''))
  const { compressed, body } = await readMessage(stream, receiving)
  return intake.take({ signal, wire: 'protobuf', encoding: codingOfMessage(compressed, coding), body, pass })
}

/** A call may be in a coding and its message plain all the same. Source: grpc/grpc, doc/compression.md. */
function codingOfMessage(compressed: boolean, coding: Coding | undefined): Coding | undefined {
  if (compressed && coding === undefined) throw new Malformed('the message is compressed, and grpc-encoding is missing')
  return compressed ? coding : undefined
}

/** Gives up at the client's deadline, or when a call does not come in; its work goes on and a repetition finds it. */
function inTime<T>(timeout: string | string[] | undefined, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    const ms = Math.min(timeoutMs(timeout), limits.requestMs)
    timer = setTimeout(() => reject(new Refusal(504, 'the deadline of the call has passed')), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const units: Readonly<Record<string, number>> = { H: 3600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** @param header grpc-timeout: at most 8 digits and a unit; what is no such thing is no deadline */
function timeoutMs(header: string | string[] | undefined): number {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(header ?? '')) ?? []
  return unit === undefined ? Number.POSITIVE_INFINITY : Number(digits) * units[unit]!
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  const type = headers['content-type'] ?? ''
  return headers[':method'] === 'POST' && /^application\/grpc(\+proto)?(;|$)/.test(type)
}

/** To something that speaks HTTP/2 but not gRPC, in HTTP's words, as the protocol wants it. */
function refuseHttp(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const code = headers[':method'] === 'POST' ? 415 : 405
  metrics.requests.inc({ signal: 'other', status: code })
  send(stream, () => stream.respond({ ':status': code }, { endStream: true }))
}

function succeed(stream: ServerHttp2Stream, message: Buffer): void {
  send(stream, () => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': grpcAcceptEncoding },
      { waitForTrailers: true },
    )
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    stream.end(Buffer.concat([prefix, message]))
  })
}

/** Everything in one head, "Trailers-Only" in the protocol's words. */
function fail(stream: ServerHttp2Stream, code: number, { message, retryAfter }: Refusal): void {
  const text = message.slice(0, limits.grpcMessageChars)
  const details = retryAfter === undefined ? {} : { 'grpc-status-details-bin': base64(status(code, text, retryAfter)) }
  send(stream, () =>
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(code),
        'grpc-message': percentEncoded(text),
        'grpc-accept-encoding': grpcAcceptEncoding,
        ...details,
      },
      { endStream: true },
    ),
  )
}

/** Answers, unless the client has left. What it still sends is not read. */
function send(stream: ServerHttp2Stream, respond: () => void): void {
  if (stream.destroyed || stream.closed) return
  respond()
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** As grpc-message wants it: UTF-8, and everything but visible ASCII, and the percent sign, escaped. */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof Malformed) return new Refusal(400, error.message)
  return new Refusal(500, 'the collector failed; its log says why')
}
