import { Module } from 'node:module'
import type { Request } from '../call.ts'

/*
 * The template of an Express call is found once for each registered route, by walking the application's tree of
 * routers; a call then costs one look-up by the identity of `req.route`, and no layer of the host is wrapped.
 *
 * The walk needs the path that each router was mounted at. `router` 2.3 keeps it (`layer.rawPath`); Express 4 and older
 * routers keep only a regular expression, so there the constructor of a layer is made to note its path, see
 * `noteLayerPaths`. `req.baseUrl` is of no use: it holds the concrete values of a parameterised mount.
 */

type Pattern = string | RegExp | Pattern[]

interface Route {
  path: Pattern
}
interface Layer {
  route?: Route
  handle?: { stack?: Layer[] }
  rawPath?: Pattern
  [NOTED]?: Pattern
}
interface Application {
  parent?: Application
  mountpath?: Pattern
  _router?: { stack?: Layer[] }
  router?: { stack?: Layer[] }
}
interface ExpressRequest extends Request {
  app?: Application
  route?: Route
  baseUrl?: string
  originalUrl?: string
}

const NOTED = Symbol('callsight.path')
/** A tree of routers that contains itself, or one this deep, is not walked to the end. */
const DEEPEST = 20

const templates = new WeakMap<Route, string[]>()

/** Whether the framework has seen this request; if so, only a registered route counts. */
export function isExpress(request: Request): boolean {
  return typeof (request as ExpressRequest).app === 'function'
}

/** The full template as registered, for instance `/users/:id/orders/:oid`; undefined when no route matched. */
export function expressTemplate(request: Request): string | undefined {
  const { route, app, baseUrl } = request as ExpressRequest
  if (route === undefined || route === null || route.path === undefined) return undefined
  let known = templates.get(route)
  if (known === undefined) {
    known = app === undefined ? [] : [...new Set(findRoute(route, app))]
    templates.set(route, known)
  }
  if (known.length === 1) return known[0]
  if (known.length > 1) return bestMatch(known, (request as ExpressRequest).originalUrl ?? request.url ?? '')
  // Not in the tree (a router called by hand): exact only where nothing was mounted.
  return baseUrl === '' || baseUrl === undefined ? show(flat(route.path)[0] ?? '/') : undefined
}

/** Every template under which `route` can be reached from the outermost application. */
function findRoute(route: Route, app: Application): string[] {
  const found: string[] = []
  walk(routerOf(app)?.stack ?? [], '', DEEPEST, (candidate, prefix) => {
    if (candidate === route) for (const path of flat(route.path)) found.push(join(prefix, path))
  })
  return mountsOf(app).flatMap((mount) => found.map((template) => join(mount, template)))
}

function walk(stack: Layer[], prefix: string, depth: number, visit: (route: Route, prefix: string) => void): void {
  if (depth === 0) return
  for (const layer of stack) {
    if (layer.route !== undefined) visit(layer.route, prefix)
    else if (Array.isArray(layer.handle?.stack)) {
      for (const path of flat(layer.rawPath ?? layer[NOTED] ?? '/')) {
        walk(layer.handle.stack, join(prefix, path), depth - 1, visit)
      }
    }
  }
}

/** Where an application is mounted in its parents, as registered; `['']` for the outermost. */
function mountsOf(app: Application): string[] {
  if (app.parent === undefined || app.parent === null) return ['']
  const above = mountsOf(app.parent)
  return above.flatMap((mount) => flat(app.mountpath ?? '/').map((path) => join(mount, path)))
}

function routerOf(app: Application): { stack?: Layer[] } | undefined {
  // Express 4 has `_router` and a `router` that throws; Express 5 has only `router`.
  return app._router ?? app.router
}

function flat(path: Pattern): (string | RegExp)[] {
  return Array.isArray(path) ? (path.flat(DEEPEST) as (string | RegExp)[]) : [path]
}

function show(path: string | RegExp): string {
  return typeof path === 'string' ? path || '/' : String(path)
}

function join(prefix: string, path: string | RegExp): string {
  const tail = show(path)
  if (tail === '/') return prefix === '' ? '/' : prefix
  return (prefix === '/' ? '' : prefix.replace(/\/$/, '')) + (tail.startsWith('/') ? tail : `/${tail}`)
}

/** The same router mounted in several places: the template whose fixed segments fit the path, longest first. */
function bestMatch(candidates: string[], url: string): string {
  const path = url.split('?', 1)[0]!.split('/').filter(Boolean)
  let best = candidates[0]!
  let most = -1
  for (const candidate of candidates) {
    const segments = candidate.split('/').filter(Boolean)
    if (!candidate.includes('*') && !candidate.includes('{') && segments.length !== path.length) continue
    let fixed = 0
    const fits = segments.every((segment, i) => {
      if (/[:*{(?+]/.test(segment)) return true
      fixed += 1
      return segment.toLowerCase() === path[i]?.toLowerCase()
    })
    if (fits && fixed > most) {
      best = candidate
      most = fixed
    }
  }
  return best
}

type Load = (request: string, parent: NodeModule | undefined, main: boolean) => unknown
type LayerClass = new (path: Pattern, options: unknown, fn: unknown) => Layer

/**
 * Makes layers of Express 4, and of `router` before 2.3, remember the path they were registered with. Only a module
 * named `layer` inside a folder of one of the two is looked at. Returns the way back.
 */
export function noteLayerPaths(): () => void {
  const loader = Module as unknown as { _load: Load; _resolveFilename(request: string, parent: unknown): string }
  const original = loader._load
  const wrapped = new WeakMap<object, unknown>()
  function load(this: unknown, request: string, parent: NodeModule | undefined, main: boolean): unknown {
    const loaded = original.call(this, request, parent, main)
    if (typeof loaded !== 'function' || !(request === './layer' || request === './lib/layer')) return loaded
    if (!/[\\/](express[\\/]lib[\\/]router|router)[\\/][^\\/]*\.js$/.test(parent?.filename ?? '')) return loaded
    let noting = wrapped.get(loaded)
    if (noting === undefined) {
      noting = notePath(loaded as LayerClass)
      wrapped.set(loaded, noting)
    }
    return noting
  }
  loader._load = load
  return () => {
    if (loader._load === load) loader._load = original
  }
}

function notePath(original: LayerClass): LayerClass {
  function Layer(path: Pattern, options: unknown, fn: unknown): Layer {
    const layer = new original(path, options, fn)
    layer[NOTED] = path
    return layer
  }
  Layer.prototype = original.prototype
  return Object.assign(Layer as unknown as LayerClass, original)
}
