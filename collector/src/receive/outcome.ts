import type { Value } from './otlp.ts'

/** How a call ended. Failed means server_error or timeout: the side that served did not keep its promise. */
export type Outcome = 'ok' | 'client_error' | 'server_error' | 'timeout' | 'aborted'

/**
 * The outcome of an HTTP call from a sender that does not state it.
 *
 * @param status 0 when there was no response
 * @param errorType the convention's error.type: a status, or the name of an error
 * @param failed the span's own status is an error
 */
export function httpOutcome(status: number, errorType: string, failed: boolean): Outcome {
  if (/time.?out|ETIMEDOUT|deadline/i.test(errorType)) return 'timeout'
  if (/abort|cancel/i.test(errorType)) return 'aborted'
  if (status === 504) return 'timeout'
  if (status >= 500) return 'server_error'
  if (status >= 400) return 'client_error'
  if (status === 0) return failed || errorType !== '' ? 'server_error' : 'ok'
  // A response that began well and then broke off.
  return errorType !== '' && failed ? 'server_error' : 'ok'
}

const grpcNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

const grpcClientErrors = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAUTHENTICATED',
])

/**
 * The outcome of a gRPC call: the number of its status (old convention) or its name (new one).
 * Source: grpc/doc/statuscodes.md.
 */
export function grpcOutcome(status: Value | undefined): Outcome {
  if (status === undefined || status === null) return 'ok'
  const name = /^\d+$/.test(String(status)) ? (grpcNames[Number(status)] ?? 'UNKNOWN') : String(status).toUpperCase()
  if (name === 'OK') return 'ok'
  if (name === 'DEADLINE_EXCEEDED') return 'timeout'
  if (name === 'CANCELLED') return 'aborted'
  return grpcClientErrors.has(name) ? 'client_error' : 'server_error'
}
