import type { Request } from '../call.ts'

interface RestifyRequest extends Request {
  getRoute?: unknown
  route?: { path?: string | RegExp; spec?: unknown } | null
}

/** The path as registered; `''` when no route matched, undefined when Restify is not there. */
export function restifyTemplate(request: Request): string | undefined {
  // Restify adds its methods to the prototype of Node's request.
  const { getRoute, route } = request as RestifyRequest
  if (typeof getRoute !== 'function') return undefined
  return route?.spec === undefined || route.path === undefined ? '' : String(route.path)
}
