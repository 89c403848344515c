import type { Call, Outcome } from '../call.ts'
import { UPSTREAM_TEXT } from '../limits.ts'

/*
 * How an outgoing call ended. Whoever operates the application asks two things: did the other side fail us, or did we
 * give up; hence the caller's view is not that of `outcomeOf`.
 */

/**
 * `complete`: the whole answer arrived. Sets the error code, or takes back what does not explain the outcome.
 * - `timeout`: the application gave up waiting (its own timeout, `AbortSignal.timeout`, a timeout of its client
 *   library), the connection was never established in time, or the other side says so (504).
 * - `server_error`: 5xx; no answer (refused, unknown host, TLS, reset); an answer that broke off: `truncated`.
 * - `aborted`: the application gave up for another reason.
 */
export function outcomeOfOutgoing(call: Call, complete: boolean): Outcome {
  const { status } = call
  // An application that does not read an error to its end has got it all the same.
  if (complete || (call.destroyed && status >= 400)) {
    call.errorCode = undefined
    if (status === 504) return 'timeout'
    return status < 400 ? 'ok' : status < 500 ? 'client_error' : 'server_error'
  }
  if (call.destroyed) {
    // What the connection says of its own death is no news then.
    if (!call.timedOut || call.errorCode === 'ECONNRESET') call.errorCode = undefined
    return call.timedOut ? 'timeout' : 'aborted'
  }
  if (status > 0) call.errorCode = 'truncated'
  return 'server_error'
}

interface Failure {
  name?: unknown
  code?: unknown
  cause?: unknown
}

/** An error ends a call; an outcome follows from what kind of error it is. Anything may be thrown, so anything is taken. */
export function noteFailure(call: Call, error: unknown): void {
  const failure = (typeof error === 'object' && error !== null ? error : {}) as Failure
  const cause = (typeof failure.cause === 'object' && failure.cause !== null ? failure.cause : {}) as Failure
  if (isTimeout(failure) || isTimeout(cause)) {
    call.timedOut = true
    call.destroyed = true
  } else if (isAbort(failure)) call.destroyed = true
  call.errorCode ??= codeOf(cause) ?? codeOf(failure)
}

/** ETIMEDOUT is also what the kernel says; the others are undici's and those of common client libraries. */
const TIMEOUT = /^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT)$/
/** undici's RetryAgent throws away an answer that it does not like: REQ_RETRY. */
const ABORT = /^(ABORT_ERR|UND_ERR_(ABORTED|DESTROYED|REQ_RETRY))$/

function isTimeout({ name, code }: Failure): boolean {
  return name === 'TimeoutError' || (typeof code === 'string' && TIMEOUT.test(code))
}

function isAbort({ name, code }: Failure): boolean {
  return name === 'AbortError' || (typeof code === 'string' && ABORT.test(code))
}

function codeOf({ code }: Failure): string | undefined {
  return typeof code === 'string' && code !== '' && !ABORT.test(code) ? code.slice(0, UPSTREAM_TEXT) : undefined
}
