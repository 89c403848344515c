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

/** The statuses of gRPC, by number. */
const grpc: readonly [name: string, outcome: Outcome][] = [
  ['OK', 'ok'],
  ['CANCELLED', 'aborted'],
  ['UNKNOWN', 'server_error'],
  ['INVALID_ARGUMENT', 'client_error'],
  ['DEADLINE_EXCEEDED', 'timeout'],
  ['NOT_FOUND', 'client_error'],
  ['ALREADY_EXISTS', 'client_error'],
  ['PERMISSION_DENIED', 'client_error'],
  ['RESOURCE_EXHAUSTED', 'client_error'],
  ['FAILED_PRECONDITION', 'client_error'],
  ['ABORTED', 'client_error'],
  ['OUT_OF_RANGE', 'client_error'],
  ['UNIMPLEMENTED', 'server_error'],
  ['INTERNAL', 'server_error'],
  ['UNAVAILABLE', 'server_error'],
  ['DATA_LOSS', 'server_error'],
  ['UNAUTHENTICATED', 'client_error'],
]
const grpcByName = new Map(grpc)

/**
 * The outcome of a gRPC call: the number of its status (old convention) or its name (new one).
 * Source: grpc/doc/statuscodes.md.
 */
export function grpcOutcome(status: Value | undefined): Outcome {
  if (status === undefined || status === null) return 'ok'
  if (typeof status === 'object') return 'server_error'
  const said = String(status)
  const outcome = /^\d+$/.test(said) ? grpc[Number(said)]?.[1] : grpcByName.get(said.toUpperCase())
  return outcome ?? 'server_error'
}
