import type { Request } from '../call.ts'
import { read } from './read.ts'

/*
 * The template of an Express call is found once for each registered route, by walking the application's tree of
 * routers; a call then costs one look-up by the identity of `req.route`, and no layer of the host is wrapped.
 *
 * The walk needs the path that each router was mounted at. `router` 2.3 keeps it (`layer.rawPath`); Express 4 and older
 * routers keep only a regular expression, so there the constructor of a layer is made to note its path, see
 * `watchLayers`. `req.baseUrl` is of no use: it holds the concrete values of a parameterised mount.
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
  /** Mounted at `/`, as router 2 and Express 4 note it. */
  slash?: boolean
  regexp?: { fast_slash?: boolean }
  keys?: unknown[]
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
/** Stands for a path that was not noted: one without parameters, which `req.baseUrl` can tell, and any other. */
const LITERAL = '\0'
const LOST = '\x01'
/** A tree of routers that contains itself, or one this deep, is not walked to the end. */
const DEEPEST = 20

const templates = new WeakMap<Route, string[]>()
const unsettled = new WeakMap<Route, string[]>()

/**
 * The full template as registered, for instance `/users/:id/orders/:oid`; `''` when no route matched or its template
 * cannot be known, undefined when Express is not there.
 */
export function expressTemplate(request: Request): string | undefined {
  const route = read(request as ExpressRequest, 'route')
  const learnt = typeof route === 'object' && route !== null ? templates.get(route) : undefined
  if (learnt?.length === 1) return learnt[0]!
  const { app, baseUrl } = request as ExpressRequest
  if (typeof app !== 'function') return undefined
  if (route === undefined || route === null || route.path === undefined) return ''
  const known = learnt ?? learn(route, app, baseUrl ?? '')
  if (known.length === 1) return known[0]!
  if (known.length > 1) return bestMatch(known, (request as ExpressRequest).originalUrl ?? request.url ?? '')
  // Not in the tree (a router called by hand): exact only where nothing was mounted.
  return baseUrl === '' || baseUrl === undefined ? show(flat(route.path)[0] ?? '/') : ''
}

function learn(route: Route, app: Application, baseUrl: string): string[] {
  const found = unsettled.get(route) ?? [...new Set(findRoute(route, app))]
  const settled = [...new Set(found.map((template) => settle(template, baseUrl)))]
  // One template may stand for several places then, and which of them is another question with each call.
  const literal = found.some((template) => template.includes(LITERAL))
  if (literal) unsettled.set(route, found)
  else templates.set(route, settled)
  return settled
}

/** Fills in what the layers have not noted: in a bundle, or where the agent was started late. */
function settle(template: string, baseUrl: string): string {
  if (template.includes(LOST)) return ''
  const at = template.lastIndexOf(LITERAL)
  if (at < 0) return template
  return baseUrl === '' || /[:*(]/.test(template.slice(0, at)) ? '' : join(baseUrl, template.slice(at + 1) || '/')
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
      for (const path of flat(mountOf(layer))) {
        walk(layer.handle.stack, join(prefix, path), depth - 1, visit)
      }
    }
  }
}

function mountOf(layer: Layer): Pattern {
  const path = layer.rawPath ?? layer[NOTED]
  if (path !== undefined) return path
  if (layer.slash === true || layer.regexp?.fast_slash === true) return '/'
  return layer.keys?.length === 0 ? LITERAL : LOST
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

type LayerClass = new (path: Pattern, options: unknown, fn: unknown) => Layer

const noting = new WeakMap<object, LayerClass>()

/**
 * Makes layers of Express 4, and of `router` before 2.3, remember the path they were registered with. Only a module
 * named `layer` inside a folder of one of the two is looked at.
 */
export function watchLayers(loaded: unknown, request: string, parent: string): unknown {
  if (!(request === './layer' || request === './lib/layer') || typeof loaded !== 'function') return loaded
  if (!/[\\/](express[\\/]lib[\\/]router|router)[\\/][^\\/]*\.js$/.test(parent)) return loaded
  let made = noting.get(loaded)
  if (made === undefined) {
    made = notePath(loaded as LayerClass)
    noting.set(loaded, made)
  }
  return made
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
