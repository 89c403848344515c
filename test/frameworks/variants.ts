import type { Ask } from './asks.ts'

/** A framework at a version, and how its demo application is run. */
export interface Variant {
  name: string
  /** The file of `app/`. */
  app: string
  /** Which package stands for the plain name: `{ express: 'express-4' }`. */
  packages?: Record<string, string>
  env?: Record<string, string>
  /** How the framework writes a template; the expectations are written as Express does. */
  write?: (template: string) => string
  /** Whether the template of this route cannot be known and is guessed. */
  guesses?: (route: string) => boolean
  /** What is in front of every path. */
  prefix?: string
  /** Paths where it differs by nature. */
  also?: readonly Ask[]
  /** The oldest major version of Node that it runs on, if newer than our own oldest. */
  node?: number
  /** Run on every version of Node. */
  everywhere?: true
}

const options = (status: number, expected: Pick<Ask, 'route' | 'guess'>): Ask => ({
  method: 'OPTIONS',
  path: '/users/7',
  status,
  ...expected,
})
const unmatched = options(404, { guess: '(unmatched)' })
const answeredByRouter = options(200, { guess: '/users/{id}' })

/** What only Express can register. */
const express: readonly Ask[] = [
  answeredByRouter,
  { method: 'GET', path: '/a/status', route: '/a/status', status: 200 },
  { method: 'GET', path: '/b/status', route: '/b/status', status: 200 },
  { method: 'GET', path: '/second', route: '/second', status: 200 },
  { method: 'GET', path: '/file-a', route: '/^\\/file-.+$/', status: 200 },
  {
    method: 'GET',
    path: '/users/7/orders/9/items/1/fail',
    route: '/users/:id/orders/:oid/items/:item/fail',
    status: 500,
  },
]
/** koa-mount: the router sees only the rest of the path. */
const koa: readonly Ask[] = [
  answeredByRouter,
  { method: 'GET', path: '/mounted/twice/status/db', route: '/mounted/twice/status/:name', status: 200 },
]
const braces = (template: string) => template.replace(/:(\w+)/g, '{$1}')
const brackets = (template: string) => `/api${template === '/' ? '/home' : template.replace(/:(\w+)/g, '[$1]')}`

export const VARIANTS: readonly Variant[] = [
  { name: 'Express 5 with router 2.3', app: 'express', also: express, everywhere: true },
  { name: 'Express 5 with router 2.2', app: 'express', packages: { express: 'express-5-router-2.2' }, also: express },
  { name: 'Express 4', app: 'express', packages: { express: 'express-4' }, also: express },
  { name: 'Fastify 5', app: 'fastify', also: [unmatched], everywhere: true },
  { name: 'Fastify 4', app: 'fastify', packages: { fastify: 'fastify-4' }, also: [unmatched] },
  { name: 'Koa 3 with @koa/router 15', app: 'koa', also: koa, everywhere: true },
  {
    name: 'Koa 2 with @koa/router 12',
    app: 'koa',
    packages: { koa: 'koa-2', '@koa/router': '@koa/router-12' },
    also: koa,
  },
  { name: 'Hapi 21', app: 'hapi', write: braces, also: [unmatched] },
  { name: 'NestJS 12 on Express', app: 'nest', also: [unmatched] },
  { name: 'NestJS 12 on Fastify', app: 'nest', env: { APP_ADAPTER: 'fastify' }, also: [unmatched] },
  { name: 'Hono 4 on @hono/node-server 2', app: 'hono', also: [unmatched], everywhere: true },
  {
    name: 'Hono 4 on @hono/node-server 1',
    app: 'hono',
    env: { APP_LISTENER: '1' },
    packages: { '@hono/node-server': '@hono/node-server-1' },
    also: [unmatched],
  },
  { name: 'Restify 11', app: 'restify', packages: { restify: 'restify-11' } },
  { name: 'Restify 12', app: 'restify', node: 22 },
  {
    name: 'Next.js 16 behind its own server',
    app: 'next',
    prefix: '/api',
    write: brackets,
    also: [
      options(204, { route: '/users/:id' }),
      { method: 'GET', path: '/files/a/b/c', route: '/files/[...path]', status: 200 },
      { method: 'GET', path: '/legacy/7', route: '/legacy/:id', status: 200 },
    ],
  },
  { name: 'Connect 3', app: 'http', env: { APP_CONNECT: '1' }, guesses: () => true },
  { name: 'raw http', app: 'http', guesses: () => true, everywhere: true },
]

export function byItself(name: string): Variant {
  return VARIANTS.find((variant) => variant.name === name)!
}

/** An old router keeps only regular expressions, so the path of a router mounted with a parameter is lost in a bundle. */
const belowParameter = (route: string) => route.startsWith('/users/:id/')

/** Bundled, a module is never loaded by its name, so what is learnt from that is missing. */
export const BUNDLED: readonly Variant[] = [
  byItself('Express 5 with router 2.3'),
  { ...byItself('Express 5 with router 2.2'), guesses: belowParameter },
  { ...byItself('Express 4'), guesses: belowParameter },
  byItself('Fastify 5'),
  { ...byItself('Koa 3 with @koa/router 15'), also: [], guesses: () => true },
]

/** Loaded before the agent was started: what can be patched is, what would have to be replaced is missing. */
export const LATE: readonly Variant[] = [
  { ...byItself('Express 5 with router 2.3'), env: { APP_LOADED: 'express' } },
  { ...byItself('Express 4'), env: { APP_LOADED: 'express' }, guesses: belowParameter },
  { ...byItself('Fastify 5'), env: { APP_LOADED: 'fastify' } },
  { ...byItself('Koa 3 with @koa/router 15'), env: { APP_LOADED: 'koa,@koa/router' } },
  { ...byItself('Hapi 21'), env: { APP_LOADED: '@hapi/hapi' } },
  { ...byItself('Hono 4 on @hono/node-server 2'), env: { APP_LOADED: 'hono,@hono/node-server' } },
]
