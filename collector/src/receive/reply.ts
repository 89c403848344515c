/**
 * What the listeners answer: the messages of OTLP, over HTTP in the type that the request came in.
 * Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response".
 */
export type Wire = 'protobuf' | 'json'

/** The media types of OTLP/HTTP, and a name some senders use for the first. */
const wires = {
  'application/x-protobuf': 'protobuf',
  'application/protobuf': 'protobuf',
  'application/json': 'json',
} as const

export type MediaType = keyof typeof wires

/** The media type of a Content-Type header, without its parameters; undefined for one that OTLP does not know. */
export function mediaType(header: string | undefined): { type: MediaType; wire: Wire } | undefined {
  const type = (header ?? '').split(';')[0]!.trim().toLowerCase()
  return Object.hasOwn(wires, type) ? { type: type as MediaType, wire: wires[type as MediaType] } : undefined
}

/** gRPC status codes that go with the HTTP ones, google/rpc/code.proto. */
const codes: Record<number, number> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  408: 4,
  413: 3,
  415: 3,
  429: 8,
  431: 3,
  503: 14,
}

/** Names of the counter of rejected things in each signal's partial success. */
const rejectedNames = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
} as const

export type Signal = keyof typeof rejectedNames

/** An Export…ServiceResponse: empty on full success, else how many were rejected and why. */
export function success(wire: Wire, signal: Signal, rejected: number, message: string): Buffer {
  if (rejected === 0 && message === '') return Buffer.from(wire === 'json' ? '{}' : '')
  if (wire === 'json') {
    const partialSuccess = { [rejectedNames[signal]]: String(rejected), errorMessage: message }
    return Buffer.from(JSON.stringify({ partialSuccess }))
  }
  const count = rejected === 0 ? Buffer.alloc(0) : numberField(1, rejected)
  return bytesField(1, Buffer.concat([count, bytesField(2, Buffer.from(message))]))
}

/** A google.rpc.Status: what went wrong, for the client's log. */
export function failure(wire: Wire, httpStatus: number, message: string): Buffer {
  const code = codes[httpStatus] ?? 13
  return wire === 'json' ? Buffer.from(JSON.stringify({ code, message })) : status(code, message)
}

/**
 * A google.rpc.Status in protobuf.
 * @param retryAfter seconds: adds a google.rpc.RetryInfo, which is what lets an OTLP/gRPC client come again
 */
export function status(code: number, message: string, retryAfter?: number): Buffer {
  const parts = [numberField(1, code), bytesField(2, Buffer.from(message))]
  if (retryAfter !== undefined) {
    const delay = bytesField(1, numberField(1, retryAfter))
    const type = Buffer.from('type.googleapis.com/google.rpc.RetryInfo')
    parts.push(bytesField(3, Buffer.concat([bytesField(1, type), bytesField(2, delay)])))
  }
  return Buffer.concat(parts)
}

function numberField(field: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([field << 3]), varint(value)])
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}
