import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { viewerFolders } from '@callsight/dashboards'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Store } from '../../collector/src/store/store.ts'
import { boardRoutes } from '../../collector/src/web/boards.ts'
import { Problem, sendProblem } from '../../collector/src/web/problem.ts'

/** The boards' routes and the viewer's files on a free port; with a token, the API needs it. */
export async function serve(store: Store, token?: string): Promise<{ server: FastifyInstance; address: string }> {
  const server = Fastify({ forceCloseConnections: true })
  server.setErrorHandler((error: Error, _request, reply) =>
    sendProblem(reply, error instanceof Problem ? error.status : 500, error.message),
  )
  server.addHook('onRequest', async (request, reply) => {
    if (token === undefined || !request.url.startsWith('/api/')) return
    if (request.headers.authorization !== `Bearer ${token}`) return sendProblem(reply, 401, 'a token is needed')
  })
  await server.register(boardRoutes(store))
  await server.register(fastifyStatic, { root: viewerFolders.viewer, prefix: '/viewer/' })
  await server.register(fastifyStatic, { root: viewerFolders.uplot, prefix: '/uplot/', decorateReply: false })
  const page = readFileSync(join(viewerFolders.page, 'index.html'))
  for (const path of ['/', '/d/:uid']) server.get(path, (_request, reply) => reply.type('text/html').send(page))
  return { server, address: await server.listen({ host: '127.0.0.1', port: 0 }) }
}
