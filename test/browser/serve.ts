import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { defaultConfig } from '../../collector/src/config/config.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door, digest } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'

/** The collector's web listener over a seeded store, on a free port; with a token, the API needs it. */
export async function serve(store: Store, token?: string): Promise<{ server: FastifyInstance; address: string }> {
  const log = pino({ level: 'silent' })
  const tokens =
    token === undefined ? [] : [{ name: 'test', scope: 'read' as const, sha256: digest(token), env: undefined }]
  const server = webServer({
    store,
    routes: [],
    // It answers for what the seed says was judged; it does not judge itself.
    judge: new Judge({ store, config: defaultConfig, log, externalUrl: () => '' }),
    door: new Door(tokens, ['read', 'admin']),
    loopback: true,
    log,
  })
  return { server, address: await server.listen({ host: '127.0.0.1', port: 0 }) }
}
