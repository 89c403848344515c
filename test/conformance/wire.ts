import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { type ClientHttp2Session, connect, type IncomingHttpHeaders as Http2Headers } from 'node:http2'
import oracle from 'otlp-transformer-oracle/build/src/generated/root.js'

/** OpenTelemetry's own generated code for OTLP: what it encodes is right, and what it decodes is what a client sees. */
// biome-ignore lint/suspicious/noExplicitAny: generated code without types for its parts
const proto = (oracle as any).opentelemetry.proto.collector
export const messages = {
  traces: proto.trace.v1,
  metrics: proto.metrics.v1,
  logs: proto.logs.v1,
} as const
export type Signal = keyof typeof messages

const names = { traces: 'Trace', metrics: 'Metrics', logs: 'Logs' } as const

export const httpPath = (signal: Signal) => `/v1/${signal}`
export const grpcPath = (signal: Signal) =>
  `/opentelemetry.proto.collector.${names[signal] === 'Trace' ? 'trace' : signal}.v1.${names[signal]}Service/Export`

/** An Export…ServiceRequest in protobuf, of the object that the JSON would be. */
export function encoded(signal: Signal, request: object): Buffer {
  const type = messages[signal][`Export${names[signal]}ServiceRequest`]
  return Buffer.from(type.encode(type.fromObject(request)).finish())
}

/** What a client makes of an answer's Export…ServiceResponse. */
export function decodedResponse(signal: Signal, body: Uint8Array): { partialSuccess?: Record<string, unknown> | null } {
  const type = messages[signal][`Export${names[signal]}ServiceResponse`]
  return type.toObject(type.decode(body), { longs: String })
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** Answers `100 Continue` came before. */
  continued: boolean
}

/** One HTTP request as it is given, whatever an ordinary client would say to it. */
export function ask(
  url: string,
  {
    method = 'POST',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: Uint8Array | string },
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let continued = false
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks), continued })
      })
    })
    request.on('error', reject)
    if (headers.expect === undefined) {
      request.end(body)
      return
    }
    request.on('continue', () => {
      continued = true
      request.end(body)
    })
    request.flushHeaders()
  })
}

export interface GrpcAnswer {
  httpStatus: number
  /** grpc-status, wherever it stood. */
  code: number
  message: string
  /** Of google.rpc.Status, where there are any. */
  details: Buffer | undefined
  /** Of the message, without its prefix. */
  body: Buffer
  headers: Http2Headers
  trailers: Http2Headers
}

/** A message with the prefix of gRPC. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = compressed ? 1 : 0
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** A connection to the gRPC listener. */
export function connection(address: string): ClientHttp2Session {
  // Room for what is queued here when an early answer comes: Node would close such a call itself.
  return connect(`http://${address}`, { maxSessionMemory: 1000 })
}

/** One gRPC call with its DATA as it is given, on a connection of its own where none is given. */
export async function call(
  to: string | ClientHttp2Session,
  path: string,
  data: Uint8Array | readonly Uint8Array[],
  headers: Record<string, string> = {},
): Promise<GrpcAnswer> {
  const session = typeof to === 'string' ? connection(to) : to
  try {
    return await new Promise((resolve, reject) => {
      session.on('error', reject)
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      const chunks: Buffer[] = []
      let head: Http2Headers = {}
      let trailers: Http2Headers = {}
      stream.on('response', (received) => {
        head = received
      })
      stream.on('trailers', (received) => {
        trailers = received
      })
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', reject)
      stream.on('close', () => resolve(grpcAnswer(head, trailers, Buffer.concat(chunks))))
      for (const part of Array.isArray(data) ? data : [data]) stream.write(part)
      stream.end()
    })
  } finally {
    if (session !== to) session.destroy()
  }
}

function grpcAnswer(headers: Http2Headers, trailers: Http2Headers, data: Buffer): GrpcAnswer {
  const all = { ...headers, ...trailers }
  const details = all['grpc-status-details-bin']
  return {
    httpStatus: Number(headers[':status']),
    code: Number(all['grpc-status'] ?? Number.NaN),
    message: decodeURIComponent(String(all['grpc-message'] ?? '')),
    details: details === undefined ? undefined : Buffer.from(String(details), 'base64'),
    body: data.subarray(5),
    headers,
    trailers,
  }
}

/** The google.rpc.Status in an answer, in whichever type it came. @throws Error when it is none */
export function statusOf(answer: HttpAnswer): { code: number; message: string } {
  if (answer.headers['content-type'] === 'application/json') {
    const { code, message, ...rest } = JSON.parse(answer.body.toString())
    if (typeof code !== 'number' || typeof message !== 'string' || Object.keys(rest).length > 0) {
      throw new Error(`no Status: ${answer.body}`)
    }
    return { code, message }
  }
  const fields = new Map(fieldsOf(answer.body))
  return { code: Number(fields.get(1)), message: String(fields.get(2)) }
}

/** The fields of a protobuf message that has varints and bytes alone. @throws Error when it is cut off */
export function fieldsOf(bytes: Buffer): [field: number, value: number | Buffer][] {
  const fields: [number, number | Buffer][] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('cut off')
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    if ((tag & 7) === 0) {
      fields.push([tag >>> 3, varint()])
      continue
    }
    if ((tag & 7) !== 2) throw new Error(`wire type ${tag & 7}`)
    const length = varint()
    if (at + length > bytes.length) throw new Error('cut off')
    fields.push([tag >>> 3, bytes.subarray(at, at + length)])
    at += length
  }
  return fields
}
