import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Address, Config } from './config/config.ts'
import { doctorRoutes } from './doctor/routes.ts'
import { type Judge, startJudge } from './judge/judge.ts'
import { limits } from './limits.ts'
import { watch } from './metrics.ts'
import { announce, withdraw } from './presence.ts'
import { Consumers } from './receive/consumer.ts'
import { receiver } from './receive/http.ts'
import { Intake } from './receive/intake.ts'
import { Journal } from './store/journal.ts'
import { migrate } from './store/migrate.ts'
import { proveAtStart } from './store/prove.ts'
import { embeddedFolder, openStore, usualFolder } from './store/store.ts'
import { Writer } from './store/writer.ts'
import { Door } from './token.ts'
import { healthRoutes, type SpoolState } from './web/health.ts'
import { webServer } from './web/server.ts'

export interface Collector {
  /** `http://host:port` of the OTLP listener. */
  otlp: string
  /** `http://host:port` of the viewer and the API. */
  web: string
  judge: Judge
  /** Takes a changed configuration: tokens, consumers, and all that is judged. Listeners and store stay. */
  configure(config: Config): void
  /** Stops in the reverse order of the start, and loses nothing that was acknowledged. */
  stop(): Promise<void>
}

/**
 * Starts a collector in the order a call travels: store, receive, judge, show.
 *
 * @param data folder of the journal when the store is a server; an embedded store keeps the journal with its data
 * @throws Error when the store cannot be opened or a listener's port is taken, and then nothing is left running
 */
export async function startCollector(config: Config, log: Logger, data = usualFolder): Promise<Collector> {
  refuseOpenDoors(config)
  const { url } = config.store
  const store = await openStore(url)
  const undo: (() => Promise<unknown>)[] = [() => store.close()]
  try {
    const applied = await migrate(store)
    log.info({ store: store.place, migrations: applied.length }, 'store opened')
    const findings = await proveAtStart(store, !config.store.exactlyOnce, log)

    const folder = embeddedFolder(url) ?? data
    const journal = new Journal(join(folder, 'journal'))
    const writer = new Writer(store, journal, log)
    const consumers = new Consumers(config.consumers, process.env.CALLSIGHT_KEY_SECRET)
    const ingest = new Door(config.tokens, ['ingest', 'admin'])
    const read = new Door(config.tokens, ['read', 'admin'])
    undo.push(() => writer.stop())
    const recovered = await writer.recover()
    if (recovered > 0) log.warn({ blocks: recovered }, 'inserted again what the last run may not have finished')
    await writer.add({ consumers: consumers.takeNews() }, `start-${randomUUID()}`)

    const intake = new Intake({ writer, consumers, stored: journal.stored() })
    const otlpServer = receiver({ intake, door: ingest, log })
    undo.push(() => otlpServer.close())
    const otlp = await listen(otlpServer, config.listen.otlp, 'OTLP', '--otlp')

    // The viewer's address is known when it listens, which needs the judge.
    let webUrl = ''
    const judge = startJudge({ store, config, log, externalUrl: () => webUrl })
    undo.push(() => judge.stop())

    const loopback = isLoopback(config.listen.web)
    const spool = () => stateOf(writer)
    const bounds = { bytes: limits.queuedRows, ageMs: Number.POSITIVE_INFINITY }
    watch({ spool, bounds, threads: () => [] })
    const routes = [
      healthRoutes({ store, spool, bounds, findings }),
      doctorRoutes({
        store,
        spool,
        bounds,
        folder,
        embedded: embeddedFolder(url) !== undefined,
        accepted: !config.store.exactlyOnce,
        tokens: () => judge.config.tokens,
        doors: [ingest, read],
      }),
    ]
    const web = webServer({ store, judge, door: read, loopback, log, routes })
    undo.push(() => web.close())
    webUrl = await listen(web, config.listen.web, 'the viewer', '--web')
    announce(folder, { otlp, web: webUrl })
    undo.push(async () => withdraw(folder))

    return {
      otlp,
      web: webUrl,
      judge,
      configure(next) {
        refuseOpenDoors({ ...next, listen: config.listen })
        for (const door of [ingest, read]) door.configure(next.tokens)
        consumers.configure(next.consumers)
        judge.setConfig(next)
      },
      stop: () => unwind(undo),
    }
  } catch (error) {
    await unwind(undo)
    throw error
  }
}

/** Until the spool is on the disk: rows in memory, each for a byte. */
function stateOf({ queued }: Writer): SpoolState {
  return { bytes: queued, segments: 0, rows: queued, oldestMs: 0, deadLetters: 0, writable: true }
}

async function unwind(undo: (() => Promise<unknown>)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step()
}

/** A listener that others can reach needs a token. */
export function refuseOpenDoors(config: Config): void {
  const listeners = [
    { address: config.listen.otlp, what: 'OTLP', scopes: ['ingest', 'admin'] },
    { address: config.listen.web, what: 'The viewer', scopes: ['read', 'admin'] },
  ]
  for (const { address, what, scopes } of listeners) {
    if (isLoopback(address) || config.tokens.some((token) => scopes.includes(token.scope))) continue
    throw new Error(
      `${what} on ${address.host}:${address.port} could be reached by others, and no token of scope ${scopes.join(' or ')} is configured.\n` +
        `Make one with "callsight token create --name NAME --scope ${scopes[0]}" and put it under tokens: in callsight.yaml, or listen on 127.0.0.1.`,
    )
  }
}

function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

async function listen(server: FastifyInstance, { host, port }: Address, what: string, flag: string): Promise<string> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'EADDRINUSE' ? 'the port is taken' : code === 'EACCES' ? 'the port needs more rights' : message
    throw new Error(
      `cannot listen on ${host}:${port} for ${what}: ${reason}.\nStop what uses it, or choose another port with ${flag} HOST:PORT (port 0 takes a free one).`,
    )
  }
  const bound = server.server.address()
  if (bound === null || typeof bound === 'string') throw new Error(`cannot tell where ${what} listens`)
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`
}
