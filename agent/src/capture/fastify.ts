import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { CALL, type Call, type Request } from '../call.ts'

interface FastifyRequest {
  raw: Request
  routeOptions?: { url?: string | undefined }
  /** Before 4.10, and deprecated since. */
  routerPath?: string
}
interface Fastify {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): void
}

/**
 * Fastify 4 and 5 announce each new instance on a channel. One `onRequest` hook, the first of all, remembers Fastify's
 * request object, which knows its route; it is asked only when the call has ended.
 */
export function followFastify(contain: (run: () => void) => void): () => void {
  function onInitialization(message: unknown): void {
    contain(() => {
      ;(message as { fastify: Fastify }).fastify.addHook('onRequest', function callsight(request, _reply, done) {
        const call = request.raw[CALL]
        if (call !== undefined) {
          call.finder = fastifyTemplate as Call['finder']
          call.context = request
        }
        done()
      })
    })
  }
  subscribe('fastify.initialization', onInitialization)
  return () => {
    unsubscribe('fastify.initialization', onInitialization)
  }
}

/** The URL as registered, prefixes included; `''` when no route matched. */
function fastifyTemplate(request: FastifyRequest): string {
  const { routeOptions } = request
  return (routeOptions === undefined ? request.routerPath : routeOptions.url) ?? ''
}
