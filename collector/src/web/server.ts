import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { viewerFolders } from '@callsight/dashboards'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Judge } from '../judge/judge.ts'
import { limits } from '../limits.ts'
import { registry } from '../metrics.ts'
import type { Store } from '../store/store.ts'
import type { Door } from '../token.ts'
import { agentRoutes } from './agents.ts'
import { alertRoutes } from './alerts.ts'
import { backtestRoutes } from './backtest.ts'
import { boardRoutes } from './boards.ts'
import { callRoutes } from './calls.ts'
import { exchangeRoutes } from './exchange.ts'
import { objectiveRoutes } from './objectives.ts'
import { portalRoutes, trespass } from './portal.ts'
import { Problem, sendProblem } from './problem.ts'
import { quotaRoutes } from './quotas.ts'
import { silenceRoutes } from './silences.ts'
import { trafficRoutes } from './traffic.ts'
import { upstreamRoutes } from './upstreams.ts'

export interface WebParts {
  store: Store
  judge: Judge
  /** What else is answered: health, and what a doctor asks. */
  routes: readonly Routes[]
  /** Opened by tokens that may read. */
  door: Door
  /** The listener is on loopback: only then is a request checked for the name it was sent to. */
  loopback: boolean
  log: Logger
}

export type Routes = (server: FastifyInstance) => Promise<void>

/** The web listener: the viewer at /, the API under /api/v1/, metrics and health. */
export function webServer({ store, judge, routes, door, loopback, log }: WebParts): FastifyInstance {
  const server = Fastify({
    bodyLimit: limits.webBodyBytes,
    forceCloseConnections: true,
  })

  server.addHook('onRequest', async (request, reply) => {
    // A page from elsewhere whose name was made to point at this machine must not read what is here.
    if (loopback && door.open && !isLocalName(request.hostname)) {
      return sendProblem(
        reply,
        403,
        `this listener answers to localhost only, not to ${JSON.stringify(request.hostname)}`,
      )
    }
    if (!request.url.startsWith('/api/') && request.url !== '/metrics') return
    const pass = door.admit(request.headers.authorization)
    if ('refused' in pass) {
      reply.header('www-authenticate', 'Bearer')
      return sendProblem(reply, 401, pass.refused)
    }
    if (pass.token?.scope === 'consumer') {
      const refusal = trespass(pass.token, request)
      if (refusal !== undefined) return sendProblem(reply, 403, refusal)
    }
    const changes = request.method !== 'GET' && !isQuestion(request.url)
    if (changes && pass.token !== undefined && pass.token.scope !== 'admin') {
      return sendProblem(reply, 403, 'this token may read; a change needs one of scope admin')
    }
  })
  server.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    reply.header('referrer-policy', 'no-referrer')
    reply.header('x-frame-options', 'DENY')
  })
  server.setErrorHandler((error: Error & { statusCode?: number; code?: string }, _request, reply) => {
    if (error instanceof Problem) return sendProblem(reply, error.status, error.message)
    const status = error.statusCode ?? 500
    if (status >= 500) log.error({ error }, 'a request failed')
    return sendProblem(reply, status, status >= 500 ? 'the collector failed; its log says why' : error.message)
  })

  server.register(trafficRoutes(store))
  server.register(callRoutes(store))
  server.register(agentRoutes(store))
  server.register(alertRoutes({ store, judge }))
  server.register(silenceRoutes(judge))
  server.register(backtestRoutes({ store, judge }))
  server.register(objectiveRoutes({ store, judge }))
  server.register(quotaRoutes({ store, judge }))
  server.register(upstreamRoutes(store))
  server.register(exchangeRoutes(judge))
  server.register(boardRoutes(store))
  server.register(portalRoutes({ store, judge, door }))

  server.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  for (const more of routes) server.register(more)

  const { page, viewer, uplot } = viewerFolders
  server.register(fastifyStatic, { root: viewer, prefix: '/viewer/', cacheControl: false })
  server.register(fastifyStatic, { root: uplot, prefix: '/uplot/', cacheControl: false, decorateReply: false })
  for (const path of ['/', '/d/:uid']) {
    server.get(path, (_request, reply) => reply.type('text/html').send(createReadStream(join(page, 'index.html'))))
  }
  for (const name of ['alerts', 'portal']) {
    server.get(`/${name}`, (_request, reply) =>
      reply.type('text/html').send(createReadStream(join(page, `${name}.html`))),
    )
  }
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, 404, `there is no ${request.method} ${request.url.split('?')[0]!.slice(0, 100)}`),
  )
  return server
}

/** A POST that only asks: what is asked is too long for a URL. */
function isQuestion(url: string): boolean {
  return url.startsWith('/api/v1/boards/') || url === '/api/v1/alerts/backtest'
}

function isLocalName(host: string): boolean {
  return (
    host === 'localhost' || host === '127.0.0.1' || host === '[::1]' || host === '::1' || host.endsWith('.localhost')
  )
}
