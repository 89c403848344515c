/**
 * Answers of OTLP/HTTP in the type that the request came in.
 * Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response".
 */
export type Wire = 'protobuf' | 'json'

export const contentTypes = { protobuf: 'application/x-protobuf', json: 'application/json' } as const

/** gRPC status codes that go with the HTTP ones, google/rpc/code.proto. */
const codes: Record<number, number> = { 400: 3, 401: 16, 403: 7, 413: 3, 415: 3, 429: 8, 503: 14 }

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
  const count = rejected === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x08]), varint(rejected)])
  return bytesField(1, Buffer.concat([count, bytesField(2, Buffer.from(message))]))
}

/** A google.rpc.Status: what went wrong, for the client's log. */
export function failure(wire: Wire, httpStatus: number, message: string): Buffer {
  const code = codes[httpStatus] ?? 13
  if (wire === 'json') return Buffer.from(JSON.stringify({ code, message }))
  return Buffer.concat([Buffer.from([0x08]), varint(code), bytesField(2, Buffer.from(message))])
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
