import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CALL, type Call, type Request } from '../call.ts'

/*
 * Hono leaves nothing on Node's request. But from the start of a request to the look-up of its route everything is one
 * synchronous step, so the look-up (`router.match`) belongs to the call that has just begun; method of proof: the path
 * looked up is the one that was asked for. The look-up is patched on the router's prototype, which is reached
 * - through `require`, when the application loads Hono's CommonJS build, or
 * - when a server with the listener of @hono/node-server begins to listen, by importing Hono from where the application
 *   has it: the ES module that is there already, no loader hook.
 */

type Handler = ((...args: unknown[]) => unknown) & { __COMPOSED_HANDLER?: Handler }
interface Route {
  path: string
  method: string
}
type Found = [handlers: [handler: [Handler, Route], ...rest: unknown[]][], ...rest: unknown[]]
interface Router {
  match(method: string, path: string): Found
}
type Module = { Hono?: new () => { router?: Router } }

const START = 'http.server.request.start'
const LISTEN = 'tracing:net.server.listen:asyncStart'

/** Routers whose `match` has been patched, by prototype; they stay so when the agent stops. */
const patched = new WeakSet<object>()
let present = false
let following = false
let latest: Call | undefined

function onStart(message: unknown): void {
  latest = (message as { request: Request }).request[CALL]
}

/** Takes the exports of a module asked for as `hono`, or anything with such a name. */
export function watchHono(loaded: unknown, request: string): unknown {
  // Asked of nothing else: to look at an export may run a getter of the host.
  if (/(^|[\\/])hono[^\\/]*([\\/]dist[\\/]cjs[\\/].*)?$/.test(request)) patchHono(loaded as Module)
  return loaded
}

/** Finds Hono where it is an ES module. Returns the way back, for both ways. */
export function followHono(contain: (run: () => void) => void): () => void {
  const onListen = (message: unknown) => {
    contain(() => {
      const { server } = message as { server: { listeners(event: string): unknown[] } }
      if (!server.listeners('request').some(isNodeServer)) return
      for (const file of callers()) {
        const module = moduleBeside(file)
        if (module === undefined) continue
        import(module).then((loaded) => contain(() => patchHono(loaded as Module))).catch(() => {})
        return
      }
    })
  }
  subscribe(LISTEN, onListen)
  following = true
  if (present) subscribe(START, onStart)
  return () => {
    unsubscribe(LISTEN, onListen)
    unsubscribe(START, onStart)
    following = false
    latest = undefined
  }
}

/** Whether a listener is the one of @hono/node-server, 1 or 2. */
function isNodeServer(listener: unknown): boolean {
  if (typeof listener !== 'function' || listener.length !== 2) return false
  const text = Function.prototype.toString.call(listener)
  return text.includes('fetchCallback') && text.includes('outgoing')
}

/** The files that have called the function of whoever calls this, and the main script: those that may import Hono. */
function callers(): string[] {
  const stack = String(new Error().stack).match(/(file:\/\/)?\/[^():]+(?=:\d+:\d+)/g) ?? []
  return [...stack, process.argv[1] ?? '']
    .filter((file) => file !== '')
    .map((file) => (file.startsWith('file:') ? fileURLToPath(file) : file))
}

/** The address of the ES module `hono` as a file would import it. */
function moduleBeside(file: string): string | undefined {
  try {
    const common = createRequire(file).resolve('hono')
    const module = common.replace(/([\\/])cjs[\\/]index\.js$/, '$1index.js')
    return module === common ? undefined : pathToFileURL(module).href
  } catch {
    return undefined
  }
}

function patchHono(module: Module): void {
  if (typeof module?.Hono !== 'function') return
  const { router } = new module.Hono()
  const prototype = router === undefined ? undefined : (Object.getPrototypeOf(router) as Router)
  if (prototype === undefined || typeof prototype.match !== 'function' || patched.has(prototype)) return
  patched.add(prototype)
  const next = prototype.match
  prototype.match = function match(method, path) {
    const found = next.call(this, method, path)
    // The default router gives itself a `match` of its own at its first look-up, bound to the router it has chosen.
    if (Object.hasOwn(this, 'match')) {
      const own = this.match
      this.match = (method, path) => note(path, own(method, path))
    }
    return note(path, found)
  }
  if (following && !present) subscribe(START, onStart)
  present = true
}

function note(path: string, found: Found): Found {
  const call = latest
  if (call === undefined || call.done) return found
  const { url } = call
  // Hono decodes the path before it looks it up.
  if (url.startsWith(path) || url.includes('%')) {
    call.finder = honoTemplate as Call['finder']
    call.context = found
  }
  return found
}

/** The path as registered, base paths and `route()` included; `''` when only middleware matched. */
export function honoTemplate([handlers]: Found): string {
  let last = ''
  for (const [[handler, route]] of handlers) {
    // What takes no `next` ends the chain, so nothing behind it has run.
    if ((handler.__COMPOSED_HANDLER ?? handler).length < 2) return route.path
    // `app.use` registers for all methods, as middleware does.
    if (route.method !== 'ALL') last = route.path
  }
  return last
}
