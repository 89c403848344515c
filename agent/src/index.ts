import type { Consumer } from './call.ts'
import type { Options } from './config.ts'
import { running, startAgent } from './singleton.ts'

export type { Consumer, Options }

// Whoever loads this file may call setConsumer: from now on the agent follows each call through its asynchronous flow.
running()?.armScopes()

/**
 * Starts the agent with what the environment says, `options` first. While it runs, a second start does nothing, and so
 * does any start where `CALLSIGHT_ENABLED=false` or `OTEL_SDK_DISABLED=true`. Never throws: a bad value is reported
 * once on standard error and the default is used.
 *
 * Start before the first request; start before loading Express 4, to get the full route of nested routers.
 */
export function start(options: Options = {}): void {
  startAgent(options, process.env)
  running()?.armScopes()
}

/**
 * Says who the consumer of the current call is, anywhere in its asynchronous flow; wins over everything but the option
 * `consumer`. The id is sent as given. Outside of a call it does nothing. Load this module when the application starts:
 * a call that was already under way when it was first loaded is not found.
 *
 * @param request Node's request or the framework's (Express, Fastify, Koa's context, Hapi, Hono's context): names the
 *   call where the asynchronous flow does not, in the callback of a connection pool for instance
 */
export function setConsumer(consumer: Consumer, request?: object): void {
  running()?.setConsumer(consumer, request)
}

/** Adds an attribute to the current call. At most 32, texts of at most 1,024 characters. */
export function setAttribute(key: string, value: string | number | boolean): void {
  running()?.setAttribute(key, value)
}

/**
 * Sends everything recorded so far. Resolves to whether all of it was taken by the collector within two seconds, and
 * to true when no agent runs. Never rejects.
 */
export function flush(): Promise<boolean> {
  return running()?.flush() ?? Promise.resolve(true)
}

/** Flushes, then removes the agent from the process. Afterwards `start` may be called again. */
export function stop(): Promise<void> {
  return running()?.stop() ?? Promise.resolve()
}
