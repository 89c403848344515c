import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Call } from './call.ts'

/**
 * What travels with the asynchronous flow of a call. The call itself and OpenTelemetry's context share one storage:
 * each further AsyncLocalStorage would cost every promise of the host.
 */
export interface Scope {
  call: Call | undefined
  /** The active OpenTelemetry context; undefined is the root. */
  context: unknown
}

export const scopes = new AsyncLocalStorage<Scope>()

let outside = new AsyncResource('callsight')
let armed = false
/** Traced calls under way. */
let traced = 0

/**
 * From now on every call gets a scope: somebody may ask for the current call. Before that only traced calls do, and
 * where there are none, Node's asynchronous hooks stay off.
 */
export function armScopes(): void {
  armed = true
}

/** Begins the scope of a call in the asynchronous flow that the HTTP parser has just started. */
export function enterScope(call: Call): void {
  if (armed || call.traced) {
    // Tracing has made the scope already.
    call.scope ??= { call, context: undefined }
    if (call.traced) traced += 1
    scopes.enterWith(call.scope)
  } else if (scopes.getStore() !== undefined) {
    // The parser belongs to the connection, whose previous call was a traced one.
    scopes.enterWith(undefined as never)
  }
}

/**
 * The call is over. Where only traced calls have scopes, the hooks go off with the last of them: they cost every
 * promise of the host, of all calls, and without this the first traced call would switch them on for good.
 */
export function leaveScope(call: Call): void {
  if (!call.traced || call.scope === undefined) return
  traced -= 1
  if (traced === 0 && !armed) scopes.disable()
}

/** Forgets whatever scope this code runs in: for the agent's own timers and requests, which belong to no call. */
export function outsideOfCalls<T>(run: () => T): T {
  return outside.runInAsyncScope(run)
}

/** Called when the agent starts, so that the scope outside of all calls is the one of the start. */
export function anchorOutside(): void {
  outside = new AsyncResource('callsight')
}
