import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { api, callsightProgram, Program, startApp, startCollector } from '../program.ts'
import { until } from '../until.ts'

interface Notice {
  headers: IncomingHttpHeaders
  body: string
  document: {
    version: string
    status: string
    alerts: {
      status: string
      labels: Record<string, string>
      annotations: Record<string, string>
      fingerprint: string
    }[]
  }
}

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

async function startReceiver() {
  const notices: Notice[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      notices.push({ headers: request.headers, body, document: JSON.parse(body) })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { notices, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
}

/** Calls the app at a pace until it is told to stop. */
function keepCalling(url: string): () => Promise<void> {
  let stopped = false
  const work = (async () => {
    while (!stopped) {
      await fetch(url).then((response) => response.arrayBuffer())
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  })()
  const stop = () => {
    stopped = true
    return work
  }
  open.push(stop)
  return stop
}

it('a percentile alert fires and resolves, and each is delivered once to a webhook', async () => {
  const { notices, url } = await startReceiver()
  const secret = Buffer.from('0123456789abcdef0123456789abcdef')
  const collector = await startCollector({
    config: `
alerts:
  - { name: slow, service: shop, when: p95 > 80ms, over: 10s, for: 2s, min_calls: 5, group_by: [operation], severity: page, notify: [ops] }
channels:
  ops: { webhook: "${url}", secret: "whsec_${secret.toString('base64')}" }
`,
  })
  const app = await startApp('slow.mjs', { OTEL_SERVICE_NAME: 'shop', OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp })
  const stopFast = keepCalling(`${app.url}/fast`)
  const stopSlow = keepCalling(`${app.url}/slow`)

  await until('firing notice', () => notices.length > 0, 40_000)
  const states = await api<{ alerts: { labels: Record<string, string>; state: string }[] }>(collector, '/api/v1/alerts')
  expect(states.alerts.filter(({ state }) => state === 'firing')).toMatchObject([
    { labels: { operation: 'GET /slow' } },
  ])
  await stopSlow()
  await until('resolved notice', () => notices.length > 1, 60_000)
  await stopFast()
  await app.stop()
  await collector.stop()

  expect(notices.map(({ document }) => document.status)).toEqual(['firing', 'resolved'])
  for (const { headers, body, document } of notices) {
    expect(document.version).toBe('4')
    expect(document.alerts).toHaveLength(1)
    expect(document.alerts[0]!.labels).toMatchObject({ alertname: 'slow', operation: 'GET /slow', severity: 'page' })
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
  }
  expect(notices[0]!.document.alerts[0]!.fingerprint).toBe(notices[1]!.document.alerts[0]!.fingerprint)
  expect(notices[0]!.headers['webhook-id']).not.toBe(notices[1]!.headers['webhook-id'])
}, 120_000)

it('a rule added on the command line is judged, listed, and removed again', async () => {
  const { notices, url } = await startReceiver()
  const collector = await startCollector()
  const callsight = async (...args: string[]) => {
    const program = new Program([callsightProgram, 'alert', ...args, '--url', collector.web])
    const { code } = await program.ended
    return { code, out: program.stdout, err: program.stderr }
  }
  const added = await callsight(
    'add',
    'error_rate > 10%',
    '--service',
    'shop',
    '--over',
    '10s',
    '--min-calls',
    '3',
    '--name',
    'failing',
    '--notify',
    url,
  )
  expect(added, added.err).toMatchObject({ code: 0 })
  expect((await callsight('list')).out).toContain('failing')
  const bad = await callsight('add', 'p95 > fast', '--service', 'shop')
  expect(bad.code).toBe(2)
  expect(bad.err).toContain('p95 > fast')

  const app = await startApp('slow.mjs', { OTEL_SERVICE_NAME: 'shop', OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp })
  const stop = keepCalling(`${app.url}/fail`)
  await until('firing notice', () => notices.length > 0, 40_000)
  await stop()
  expect(notices[0]!.document).toMatchObject({ status: 'firing', alerts: [{ labels: { alertname: 'failing' } }] })
  expect((await callsight('remove', 'failing')).code).toBe(0)
  expect((await callsight('list')).out).not.toContain('failing')
  await until('resolved notice', () => notices.some(({ document }) => document.status === 'resolved'), 30_000)
  await app.stop()
  await collector.stop()
}, 120_000)
