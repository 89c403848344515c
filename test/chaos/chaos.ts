import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomly } from '../random.ts'
import { until } from '../until.ts'
import { Collector } from './collector.ts'
import { type Count, count } from './count.ts'
import { Disk } from './disk.ts'
import { Faults } from './faults.ts'
import { type PlanOptions, plan } from './plan.ts'
import { pause } from './program.ts'
import { RawSender } from './raw.ts'
import { Relay } from './relay.ts'
import { App, Exporter, type Senders } from './senders.ts'

/** Requests a second of each sender. */
const RAW_RATE = 12
const APP_RATE = 40
/** How long the store must stand still to be called settled. */
const STILL_MS = 3000
/** How long it may take until all senders have an answer and all rows are in the store. */
const SETTLE_MS = 300_000
/** An agent sends the calls of each second in a request of their own: on a crowded machine many outages take their time. */
const DELIVERY_MS = 900_000

/** What happened, and what came of it. */
export interface Outcome extends Count {
  seed: number
  collector: Collector
  senders: Senders
  faults: Faults
  relays: Relay[]
  /** False where no file system could be mounted for it. */
  disk: boolean
  seconds: number
}

export interface ChaosOptions extends PlanOptions {
  /** Leaves data and log where they are when something differs, for whoever wants to see why. */
  keep: boolean
}

/**
 * Runs senders against a collector that is killed, frozen, cut off, refused by its engine and out of disk space, lets it
 * come to rest, and compares what is stored with what was acknowledged.
 *
 * @param tell hears of the progress, a line at a time
 * @throws Error when the collector or a sender does not come to its end
 */
export async function chaos(options: ChaosOptions, tell: (line: string) => void): Promise<Outcome> {
  const begun = performance.now()
  const root = mkdtempSync(join(tmpdir(), 'callsight-chaos-'))
  const disk = options.without.has('disk') ? undefined : await Disk.mount(join(root, 'disk'))
  const collector = await Collector.on(join(disk?.folder ?? root, 'data'), join(root, 'log'))
  const relays = [await Relay.before(collector.otlp)]
  if (collector.grpc !== undefined) relays.push(await Relay.before(collector.grpc))
  let senders: Senders = { raw: [], apps: [], exporters: [] }
  let { keep } = options
  try {
    await collector.start()
    senders = startSenders(relays, options.seed)
    const faults = new Faults({
      collector,
      relays,
      disk,
      started: () => {
        for (const sender of senders.raw) sender.collectorStarted()
      },
    })
    await underLoad(senders, collector, async () => {
      for (const [n, step] of plan(options).entries()) {
        await faults.run(step)
        tell(progress(n, step.kind, faults, collector, senders))
      }
      for (const relay of relays) relay.disarm()
    })
    tell('waiting for the store to come to rest')
    await delivered(collector, senders.apps)
    await settled(collector)
    await Promise.all(senders.apps.map((app) => app.stop()))
    await settled(collector)
    await collector.stop()
    const counted = await count(collector.data, senders)
    keep &&= counted.differences.length > 0
    const seconds = (performance.now() - begun) / 1000
    return { ...counted, seed: options.seed, collector, senders, faults, relays, disk: disk !== undefined, seconds }
  } finally {
    await Promise.all([...senders.apps, ...senders.exporters].map((sender) => sender.kill()))
    if (collector.running) await collector.kill()
    await Promise.all(relays.map((relay) => relay.close()))
    if (keep) tell(`data and log are kept in ${root}${disk === undefined ? '' : ', part of which is mounted'}`)
    else {
      await disk?.unmount()
      rmSync(root, { recursive: true })
    }
  }
}

function startSenders(relays: Relay[], seed: number): Senders {
  const [http, grpc] = relays.map(({ port }) => port)
  return {
    raw: ['raw-a', 'raw-b'].map(
      (service, n) => new RawSender(service, `http://127.0.0.1:${http}/v1/traces`, randomly(seed + n + 1)),
    ),
    apps: [new App('shop', 'express.mjs', http!), new App('desk', 'fastify.mjs', http!)],
    exporters: [
      new Exporter('otel-http', 'http', http!),
      ...(grpc === undefined ? [] : [new Exporter('otel-grpc', 'grpc', grpc)]),
    ],
  }
}

/** Runs the work while all senders send, then lets them finish. */
async function underLoad({ raw, apps, exporters }: Senders, collector: Collector, work: () => Promise<void>) {
  let stopped = false
  const running = Promise.all([
    ...raw.map((sender) => sender.run(RAW_RATE, () => stopped)),
    ...apps.map((app) => app.run(APP_RATE, () => stopped)),
  ])
  const scraping = setInterval(() => collector.scrape(), 1000)
  try {
    await Promise.race([work(), running])
    stopped = true
    const finished = Promise.all([running, ...exporters.map((exporter) => exporter.finish())])
    await Promise.race([
      finished,
      pause(SETTLE_MS).then(() => {
        throw new Error(`senders still have no acknowledgement ${SETTLE_MS / 1000} s after the last fault`)
      }),
    ])
  } finally {
    stopped = true
    clearInterval(scraping)
  }
}

/**
 * Waits until the agents have nothing left to send: after many outages one may be in a pause of half a minute, and the
 * two seconds of a process's end are not enough for all it holds then.
 */
function delivered({ web }: Collector, apps: App[]): Promise<unknown> {
  return until(
    'closed accounts of the agents',
    async () => {
      const response = await fetch(`http://127.0.0.1:${web}/api/v1/agents`)
      const { agents } = (await response.json()) as { agents: { service: string; seen: number; in_flight: number }[] }
      return apps.every(({ service, answered }) =>
        agents.some((agent) => agent.service === service && agent.seen === answered && agent.in_flight === 0),
      )
    },
    DELIVERY_MS,
  )
}

/** Waits until nothing waits for the engine and the store has stood still for a while. */
async function settled(collector: Collector): Promise<void> {
  let last: number | undefined
  let since = performance.now()
  await until(
    'store at rest',
    async () => {
      const found = await collector.scrape()
      if (found?.stored !== last || found?.waiting !== 0) since = performance.now()
      last = found?.stored
      return performance.now() - since > STILL_MS
    },
    SETTLE_MS,
  )
}

function progress(n: number, kind: string, { done }: Faults, collector: Collector, { raw }: Senders): string {
  const requests = raw.reduce((sum, sender) => sum + sender.requests.length, 0)
  return `${n + 1} ${kind}: ${collector.kills} kills, ${done.cut} cuts, ${done.freeze} freezes, ${done.view} views, ${done.disk} disks, ${requests} raw requests`
}
