import { CALL, type Call, type Request as NodeRequest } from '../call.ts'

/*
 * Hapi makes one object for each request, in one static method, and keeps no link to it from Node's request.
 */

interface Request {
  route?: { path?: string; method?: string }
}
interface RequestClass {
  generate?(server: unknown, request: NodeRequest, response: unknown, options: unknown): Request
}

const patched = new WeakSet<object>()

/** Takes the exports of `lib/request.js` of Hapi. */
export function watchHapi(loaded: unknown, request: string, parent: string): unknown {
  const inside = request === './request' && /[\\/]hapi[\\/]lib[\\/]core\.js$/.test(parent)
  if (!inside && !/[\\/]hapi[\\/]lib[\\/]request\.js$/.test(request)) return loaded
  const type = loaded as RequestClass
  const next = type?.generate
  if (typeof next !== 'function' || patched.has(type)) return loaded
  patched.add(type)
  type.generate = function generate(server, request, response, options) {
    const made = next.call(this, server, request, response, options)
    const call = request?.[CALL]
    if (call !== undefined) {
      call.finder = hapiTemplate as Call['finder']
      call.context = made
    }
    return made
  }
  return loaded
}

/** The path as registered, prefix of its plugin included; `''` when no route matched. */
export function hapiTemplate({ route }: Request): string {
  // What answers 404, 400 and CORS preflights is a route of Hapi's own.
  return route?.method === '_special' ? '' : (route?.path ?? '')
}
