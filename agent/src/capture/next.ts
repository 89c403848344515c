import type { Request } from '../call.ts'

interface Meta {
  match?: { definition?: { pathname?: string } } | null
}

/** What Next.js knows about a request hangs on Node's own, under a registered symbol. */
const META = Symbol.for('NextInternalRequestMeta')
/** Pages that Next.js serves where no route matched, or where one failed. */
const NONE = new Set(['/_not-found', '/_error', '/404', '/500'])

/** The route as Next.js writes it, `/api/users/[id]`; `''` when none matched, undefined when Next.js is not there. */
export function nextTemplate(request: Request): string | undefined {
  if (!Object.hasOwn(request, META)) return undefined
  const meta = (request as { [META]?: Meta })[META]
  if (meta === undefined || meta === null) return undefined
  const path = meta.match?.definition?.pathname
  return path === undefined || NONE.has(path) ? '' : path
}
