import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Address, Config, Consumer } from './config/config.ts'
import { pastMs } from './config/retention.ts'
import { doctorRoutes } from './doctor/routes.ts'
import { type Judge, startJudge } from './judge/judge.ts'
import { expose } from './judge/series.ts'
import { MonthEnd } from './judge/sla/monthend.ts'
import { Statements } from './judge/sla/statements.ts'
import { limits } from './limits.ts'
import { watch } from './metrics.ts'
import { privateWarnings } from './notify/warn.ts'
import { announce, presence, withdraw } from './presence.ts'
import { Receiving } from './receive/body.ts'
import { grpcReceiver } from './receive/grpc.ts'
import { receiver } from './receive/http.ts'
import { Intake } from './receive/intake.ts'
import { Threads } from './receive/threads.ts'
import { emptySpool } from './spool/empty.ts'
import { Inserter } from './spool/inserter.ts'
import { Room } from './spool/room.ts'
import { Spool } from './spool/spool.ts'
import { migrate, profileOf } from './store/migrate.ts'
import { proveAtStart } from './store/prove.ts'
import { Settings } from './store/settings.ts'
import { embeddedFolder, openStore, type Store, usualFolder } from './store/store.ts'
import { timeText } from './store/time.ts'
import { Door } from './token.ts'
import { channelRoutes } from './web/channels.ts'
import { dataRoutes } from './web/data.ts'
import { healthRoutes } from './web/health.ts'
import { webServer } from './web/server.ts'
import { slaRoutes } from './web/sla.ts'

export interface Collector {
  /** `http://host:port` of the OTLP listener. */
  otlp: string
  /** `host:port` of the OTLP/gRPC listener. */
  grpc: string
  /** `http://host:port` of the viewer and the API. */
  web: string
  judge: Judge
  /** Takes a changed configuration: tokens, consumers, and all that is judged. Listeners and store stay. */
  configure(config: Config): void
  /** Stops in the reverse order of the start, and loses nothing that was acknowledged. */
  stop(): Promise<void>
}

/**
 * Starts a collector in the order a call travels, from its end: store, spool, receive, judge, show.
 *
 * @param data folder of the spool when the store is a server; an embedded store has the spool in its own
 * @throws Error when the store cannot be opened or a listener's port is taken, and then nothing is left running
 */
export async function startCollector(config: Config, log: Logger, data = usualFolder): Promise<Collector> {
  refuseOpenDoors(config)
  for (const warning of privateWarnings(config)) log.warn(warning)
  const { url } = config.store
  const folder = embeddedFolder(url) ?? data
  await refuseSharedFolder(folder)
  const store = await openStore(url)
  const undo: (() => Promise<unknown>)[] = [() => store.close()]
  try {
    const againMs = embeddedFolder(url) === undefined ? limits.againMs : undefined
    const applied = await migrate(store, config.store, {
      tell: (message) => log.warn(message),
      emptySpool: async () => {
        const left = await emptySpool(folder, store, log, { againMs, waitMs: limits.emptySpoolMs })
        if (left > 0) log.warn({ segments: left }, 'ClickHouse did not take these before the migration')
      },
    })
    const profile = await profileOf(store, config.store)
    log.info({ store: store.place, profile: profile.name, migrations: applied.length }, 'store opened')
    const findings = await proveAtStart(store, !config.store.exactlyOnce, log)
    const settings = new Settings(store, profile, log)
    undo.push(() => settings.stop())
    await settings.apply(config)

    const spool = await Spool.open(folder, log, againMs)
    const threads = new Threads({
      spool,
      consumers: config.consumers,
      keySecret: process.env.CALLSIGHT_KEY_SECRET,
      pastMs: pastMs(config),
      log,
    })
    const inserter = new Inserter({ spool, store, log, closeOlder: (ms) => threads.closeOlder(ms) })
    undo.push(
      () => spool.markStopped(),
      () => inserter.stop(),
      () => threads.stop(),
    )
    const writeConsumers = consumerWriter(store, log)
    await writeConsumers(config.consumers)

    const ingest = new Door(config.tokens, ['ingest', 'admin'])
    const read = new Door(config.tokens, ['read', 'admin'], ['consumer'])
    const room = embeddedFolder(url) === undefined ? undefined : new Room({ folder, store, log })
    undo.push(async () => room?.stop())
    const intake = new Intake({ threads, spool, known: spool.takeKnown(), low: () => room?.low })
    const receiving = new Receiving()
    const otlpServer = receiver({ intake, door: ingest, log, receiving })
    const grpcServer = grpcReceiver({ intake, door: ingest, log, receiving })
    undo.push(() => Promise.all([otlpServer.close(), grpcServer.close()]))
    const otlp = await listen(otlpServer, config.listen.otlp, 'OTLP', '--otlp')
    const grpc = await listen(grpcServer, config.listen.grpc, 'OTLP/gRPC', '--otlp-grpc')

    // The viewer's address is known when it listens, which needs the judge.
    let webUrl = ''
    const arrivedMs = () => Date.now() - spool.state().oldestMs
    const judge = startJudge({ store, config, log, externalUrl: () => webUrl, arrivedMs })
    expose(judge)
    undo.push(() => judge.stop())
    const statements = new Statements({ store, config: () => judge.config })
    const monthEnd = new MonthEnd({ store, statements, config: () => judge.config, log }).start()
    undo.push(() => monthEnd.stop())

    const loopback = isLoopback(config.listen.web)
    const state = () => ({ ...spool.state(), ...(room?.low === undefined ? {} : { writable: false }) })
    const bounds = { bytes: limits.spoolBytes, ageMs: limits.spoolAgeMs }
    watch({ spool: state, bounds, threads: () => threads.workers })
    const routes = [
      channelRoutes({ judge, store, externalUrl: () => judge.config.externalUrl ?? webUrl }),
      healthRoutes({ store, spool: state, bounds, findings }),
      dataRoutes({ store, settled: () => spool.settled(), backups: join(folder, 'backups') }),
      slaRoutes(statements),
      doctorRoutes({
        store,
        spool: state,
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
    announce(folder, { otlp, grpc, web: webUrl })
    undo.push(async () => withdraw(folder))

    return {
      otlp,
      grpc: grpc.slice('http://'.length),
      web: webUrl,
      judge,
      configure(next) {
        const listening = { ...next, listen: config.listen }
        refuseOpenDoors(listening)
        for (const warning of privateWarnings(listening)) log.warn(warning)
        for (const door of [ingest, read]) door.configure(next.tokens)
        threads.configure(next.consumers, pastMs(next))
        void writeConsumers(next.consumers)
        judge.setConfig(listening)
        settings.follow(next)
      },
      stop: () => unwind(undo),
    }
  } catch (error) {
    await unwind(undo)
    throw error
  }
}

/** Keeps the table of consumers as the configuration has them. The newest row of a consumer is the one that counts. */
function consumerWriter(store: Store, log: Logger): (consumers: readonly Consumer[]) => Promise<void> {
  return async (consumers) => {
    const changed_at = timeText(Date.now())
    const rows = consumers.map(({ id, name, plan = '' }) => ({ consumer: id, name, plan, changed_at }))
    try {
      await store.insert('consumers', rows, `configuration-${randomUUID()}`)
    } catch (error) {
      log.error({ error }, 'names and plans of consumers cannot be stored; the next reload or start tries it again')
    }
  }
}

async function unwind(undo: (() => Promise<unknown>)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step()
}

/** A listener that others can reach needs a token. */
export function refuseOpenDoors(config: Config): void {
  const listeners = [
    { address: config.listen.otlp, what: 'OTLP', scopes: ['ingest', 'admin'] },
    { address: config.listen.grpc, what: 'OTLP/gRPC', scopes: ['ingest', 'admin'] },
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

/**
 * A spool belongs to one collector: another would take the segments that this one is writing for left-overs. An embedded
 * engine locks its folder by itself; beside a server only the listeners of the other tell that it lives.
 */
async function refuseSharedFolder(folder: string): Promise<void> {
  const other = presence(folder)
  const web = other?.listeners.web
  if (other === undefined || other.pid === process.pid || web === undefined) return
  const answer = await fetch(`${web}/healthz`, { signal: AbortSignal.timeout(limits.engineProbeMs) }).catch(
    () => undefined,
  )
  if (answer === undefined) return
  throw new Error(
    `the folder ${resolve(folder)} is in use by the collector at ${web} (process ${other.pid}).\nStop it, or choose another folder with --data DIR.`,
  )
}

function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

interface Listener {
  listen(address: Address): Promise<unknown>
  server: { address(): AddressInfo | string | null }
}

async function listen(server: Listener, { host, port }: Address, what: string, flag: string): Promise<string> {
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
