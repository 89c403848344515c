import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { type Address, defaultConfig } from '../config/config.ts'
import { faultText } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'
import { callers, startTraffic } from '../demo/traffic.ts'
import { startWebhook } from '../demo/webhook.ts'
import { limits } from '../limits.ts'
import { openLog } from '../log.ts'
import { type Collector, startCollector } from '../main.ts'
import { digest } from '../token.ts'

const say = (line = '') => process.stdout.write(`${line}\n`)

interface Options {
  seconds?: number
  to?: string
}

/** `callsight demo`: everything on one machine, with a bookshop to watch. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('start a collector, a bookshop API with the agent in it, and traffic from five consumers')
    .option('--seconds <n>', 'stop after this long (default: at Ctrl-C)', seconds)
    .option('--to <url>', 'send to a collector that runs elsewhere instead of starting one')
    .action(demo)
}

async function demo(options: Options): Promise<void> {
  const stopped = stopSignal()
  const undo: (() => unknown)[] = []
  try {
    const secret = randomBytes(24).toString('base64')
    const collector = options.to === undefined ? await startDemoCollector(secret, undo) : undefined
    const shop = await startShop(collector?.otlp ?? options.to!, collector === undefined ? undefined : secret)
    undo.push(() => end(shop.process))
    const traffic = startTraffic(shop.url)
    undo.push(() => traffic.stop())

    say()
    say(collector === undefined ? `  sent to   ${options.to}` : `  viewer    ${collector.web}`)
    say(`  bookshop  ${shop.url}/api/books`)
    say()
    say('  Five consumers are calling: globex is slow, initech fails, umbrella is near its quota.')
    if (collector !== undefined) {
      say(
        "  The alerts on that arrive at the demo's own webhook and are printed here, the first in about half a minute.",
      )
    }
    say(
      options.seconds === undefined ? '  Ctrl-C stops everything.' : `  It all stops after ${options.seconds} seconds.`,
    )
    say()

    const early = await Promise.race([stopped, timeUp(options.seconds), shop.ended])
    if (early !== undefined) throw new Error(`the bookshop ended by itself: ${early}`)
    await traffic.stop()
    await end(shop.process)
    say()
    say(`  calls sent      ${traffic.sent}`)
    if (collector === undefined) return
    const { captured, stored } = await accounted(collector.web, traffic.sent)
    say(`  calls captured  ${captured}`)
    say(`  calls stored    ${stored}`)
    if (captured !== traffic.sent || stored !== traffic.sent) process.exitCode = 1
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

/** Resolves at Ctrl-C or SIGTERM. */
function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(undefined))
    process.once('SIGTERM', () => resolve(undefined))
  })
}

function timeUp(after: number | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    if (after !== undefined) setTimeout(() => resolve(undefined), after * 1000).unref()
  })
}

/** A collector with a store of its own that goes away with it, and a webhook that prints what it is told. */
async function startDemoCollector(secret: string, undo: (() => unknown)[]): Promise<Collector> {
  const data = mkdtempSync(join(tmpdir(), 'callsight-demo-'))
  undo.push(() => rmSync(data, { recursive: true, force: true }))
  const webhook = await startWebhook((line) => say(`  webhook  ${line}`))
  undo.push(() => webhook.close())
  // The same secret in collector and agent: so the one recognises the consumers that the other hashes.
  process.env.CALLSIGHT_KEY_SECRET = secret
  const file = fileURLToPath(new URL('../../demo/callsight.yaml', import.meta.url))
  const keys = Object.fromEntries(
    callers.map(({ id, key }) => [`DEMO_KEY_${id.toUpperCase()}`, `sha256:${digest(key)}`]),
  )
  const webhookSecret = `whsec_${randomBytes(24).toString('base64')}`
  const { config, faults } = readConfig(file, {
    ...keys,
    DEMO_WEBHOOK: webhook.url,
    DEMO_WEBHOOK_SECRET: webhookSecret,
  })
  if (config === undefined) throw new Error(faults.map(faultText).join('\n'))
  const listen = {
    otlp: await freeOr(defaultConfig.listen.otlp),
    grpc: await freeOr(defaultConfig.listen.grpc),
    web: await freeOr(defaultConfig.listen.web),
  }
  const embedded = { ...config, store: { ...config.store, url: `embedded:${data}` }, listen }
  const collector = await startCollector(embedded, openLog('warn'))
  undo.push(() => collector.stop())
  return collector
}

/** The usual port where it is free, else any: a demo should not fail because something else runs. */
async function freeOr(wanted: Address): Promise<Address> {
  const probe = createServer()
  const free = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(wanted.port, wanted.host, () => resolve(true))
  })
  if (free) await new Promise((resolve) => probe.close(resolve))
  return free ? wanted : { ...wanted, port: 0 }
}

/** Starts the bookshop with the agent loaded from outside, as one would start any program. */
async function startShop(
  otlp: string,
  secret: string | undefined,
): Promise<{ url: string; process: ChildProcess; ended: Promise<string> }> {
  const agent = createRequire(import.meta.url).resolve('@callsight/agent/register')
  const program = fileURLToPath(new URL('../demo/bookshop.js', import.meta.url))
  // A process group of its own: Ctrl-C reaches the demo alone, which then stops things in the right order.
  const shop = spawn(process.execPath, ['--require', agent, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    env: {
      ...process.env,
      PORT: '0',
      OTEL_SERVICE_NAME: 'bookshop',
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.0.0,deployment.environment.name=demo',
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      ...(secret === undefined ? {} : { OTEL_EXPORTER_OTLP_HEADERS: '', CALLSIGHT_KEY_SECRET: secret }),
    },
  })
  const ended = once(shop, 'exit').then(([code, signal]) => `exit code ${code ?? signal}`)
  const lines = createInterface({ input: shop.stdout })
  const listening = (async () => {
    for await (const line of lines) {
      const url = /listening on (\S+)/.exec(line)?.[1]
      if (url !== undefined) return url
    }
    return undefined
  })()
  const url = await listening
  if (url === undefined) throw new Error(`the bookshop did not start: ${await ended}`)
  return { url, process: shop, ended }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), limits.stopMs)
  await ended
  clearTimeout(force)
}

/** What the agent says it saw and what the store has, as soon as both agree with what was sent, or after a while. */
async function accounted(web: string, sent: number): Promise<{ captured: number; stored: number }> {
  const deadline = Date.now() + limits.stopMs
  for (;;) {
    const response = await fetch(`${web}/api/v1/agents`)
    const { agents } = (await response.json()) as { agents: { seen: number; stored: number }[] }
    const captured = agents.reduce((sum, { seen }) => sum + seen, 0)
    const stored = agents.reduce((sum, agent) => sum + agent.stored, 0)
    if ((captured === sent && stored === sent) || Date.now() > deadline) return { captured, stored }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('Write a number of seconds above 0.')
  return value
}
