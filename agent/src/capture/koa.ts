import type { Call, Request } from '../call.ts'
import { CALL } from '../call.ts'

/*
 * Koa keeps no link from Node's request to its own context, so the one method that makes a context is made to leave it
 * with the call. @koa/router (8 to 15) writes the route it has matched onto that context.
 */

interface Layer {
  path: string | RegExp
  methods?: string[]
}
interface Context {
  path?: string
  method?: string
  mountPath?: string
  _matchedRoute?: string | RegExp
  matched?: (Layer & { match?(path: string): boolean })[]
}
interface Application {
  createContext?(request: Request, response: unknown): Context
}

const patched = new WeakSet<object>()

/** Takes the exports of a module asked for as `koa`, or anything with such a name. */
export function watchKoa(loaded: unknown, request: string): unknown {
  if (!request.includes('koa') || typeof loaded !== 'function') return loaded
  const application = loaded.prototype as Application | undefined
  const next = application?.createContext
  if (application === undefined || typeof next !== 'function' || patched.has(application)) return loaded
  patched.add(application)
  application.createContext = function createContext(request, response) {
    const context = next.call(this, request, response)
    const call = request?.[CALL] as Call | undefined
    if (call !== undefined) {
      call.finder = koaTemplate as Call['finder']
      call.context = context
    }
    return context
  }
  return loaded
}

/** The path as registered, with the prefixes of all routers; `''` when no route matched. */
export function koaTemplate(context: Context): string {
  const route = context._matchedRoute
  const layers = context.matched
  if (route === undefined || route === null) return ''
  if (!Array.isArray(layers)) return String(route)
  let layer = layers.find((one) => one.path === route && isRoute(one))
  // Middleware of a router has answered, and left its own path: the route is what it stood before.
  layer ??= layers.findLast((one) => one.methods?.includes(context.method ?? '') === true)
  if (layer === undefined) return ''
  return mountOf(context, layer) + String(layer.path)
}

function isRoute(layer: Layer): boolean {
  return layer.methods !== undefined && layer.methods.length > 0
}

/** What koa-mount has cut off before the router saw the path: the start without which the route fits. */
function mountOf({ mountPath, path }: Context, layer: { match?(path: string): boolean }): string {
  if (mountPath === undefined || path === undefined || layer.match === undefined) return ''
  let at = path.indexOf('/', 1)
  if (layer.match(path)) return ''
  while (at > 0 && !layer.match(path.slice(at))) at = path.indexOf('/', at + 1)
  return at > 0 ? path.slice(0, at) : ''
}
