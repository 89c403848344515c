import { createHash } from 'node:crypto'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { inStore, Program, type RunningCollector, startCollector } from '../program.ts'

interface Outcome {
  results: Record<'traces' | 'metrics' | 'logs', { code: number; error?: string }[]>
  spans: {
    traceId: string
    spanId: string
    parentSpanId: string
    /** As in the API: 0 internal, 1 server, 2 client. */
    kind: number
    name: string
    startNs: string
    endNs: string
    attributes: Record<string, unknown>
  }[]
}

const config = `
tokens:
  - { name: stock, scope: ingest, env: staging, sha256: "${createHash('sha256').update('right').digest('hex')}" }
`

/** Runs the program with the SDK to its end. */
async function run(endpoint: string, protocol: string, env: Record<string, string> = {}): Promise<Outcome> {
  const program = new Program([fileURLToPath(new URL('sdk/javascript.mjs', import.meta.url))], {
    name: `the SDK over ${protocol}`,
    env: {
      PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer right',
      ...env,
    },
  })
  expect(await program.ended, program.stderr).toEqual({ code: 0, signal: null })
  return JSON.parse(program.stdout)
}

/** What the store must have of the spans of the program. */
function expectedRows(spans: Outcome['spans']) {
  const row = ({ traceId, spanId, parentSpanId, startNs, endNs }: Outcome['spans'][number]) => ({
    at: String(BigInt(startNs) / 1000n),
    duration_us: Number((BigInt(endNs) - BigInt(startNs)) / 1000n),
    trace_id: traceId,
    span_id: spanId,
    parent_span_id: parentSpanId,
    env: 'staging',
    service: 'stock',
  })
  const calls = spans
    .filter(({ kind }) => kind !== 0)
    .map((span) => ({
      ...row(span),
      ...(span.kind === 1
        ? {
            direction: 'in',
            operation: 'POST /orders/:id',
            path: span.attributes['url.path'],
            peer: '',
            status: span.attributes['http.response.status_code'],
            outcome: span.attributes['http.response.status_code'] === 500 ? 'server_error' : 'ok',
            request_bytes: span.attributes['http.request.body.size'],
            client_address: '10.0.0.1',
            user_agent: 'żółw 🐢',
          }
        : {
            direction: 'out',
            operation: 'GET /prices/{id}',
            path: '/prices/7',
            peer: 'prices.example',
            status: 200,
            outcome: 'ok',
            request_bytes: 0,
            client_address: '',
            user_agent: '',
          }),
    }))
  const inner = spans.filter(({ kind }) => kind === 0).map((span) => ({ ...row(span), name: 'work', kind: 'internal' }))
  const byId = (a: { span_id: string }, b: { span_id: string }) => (a.span_id < b.span_id ? -1 : 1)
  const logs = [0, 1, 2].map((i) => {
    return { service: 'stock', env: 'staging', severity_number: 9, body: `line ${i}`, attributes: { i: String(i) } }
  })
  return { calls: calls.sort(byId), spans: inner.sort(byId), logs }
}

async function storedRows(collector: RunningCollector) {
  await collector.stop()
  const common =
    'toString(toUnixTimestamp64Micro(ts)) AS at, duration_us, trace_id, span_id, parent_span_id, env, service'
  return inStore(collector.data, async (store) => ({
    calls: await store.query(
      `SELECT ${common}, direction, operation, path, peer, status, outcome, request_bytes, client_address, user_agent FROM calls ORDER BY span_id`,
    ),
    spans: await store.query(`SELECT ${common}, name, kind FROM spans ORDER BY span_id`),
    logs: await store.query('SELECT service, env, severity_number, body, attributes FROM logs ORDER BY body'),
  }))
}

describe.each([
  ['http/protobuf', 'none'],
  ['http/protobuf', 'gzip'],
  ['http/json', 'none'],
  ['http/json', 'gzip'],
  ['grpc', 'none'],
  ['grpc', 'gzip'],
])('the OpenTelemetry SDK for JavaScript over %s, compression %s', (protocol, compression) => {
  it('has every export acknowledged and every span stored exactly', async () => {
    const collector = await startCollector({ config })
    const endpoint = protocol === 'grpc' ? `http://${collector.grpc}` : collector.otlp
    const { results, spans } = await run(endpoint, protocol, {
      OTEL_EXPORTER_OTLP_COMPRESSION: compression,
      ROUNDS: '50',
    })
    expect(results).toEqual({
      traces: [{ code: 0 }, { code: 0 }, { code: 0 }],
      metrics: [{ code: 0 }],
      logs: [{ code: 0 }],
    })
    expect(spans).toHaveLength(150)
    expect(await storedRows(collector)).toEqual(expectedRows(spans))
  })
})

it('without the token it is told so, over every transport, and nothing is stored', async () => {
  const collector = await startCollector({ config })
  for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
    const endpoint = protocol === 'grpc' ? `http://${collector.grpc}` : collector.otlp
    const { results } = await run(endpoint, protocol, { OTEL_EXPORTER_OTLP_HEADERS: '' })
    const refused = {
      code: 1,
      error: expect.stringMatching(protocol === 'grpc' ? /16 UNAUTHENTICATED/ : /Unauthorized/),
    }
    expect(results).toEqual({ traces: [refused], metrics: [refused], logs: [refused] })
  }
  expect(await storedRows(collector)).toEqual({ calls: [], spans: [], logs: [] })
})

describe.each([429, 503])('the SDK, when an acknowledgement is lost and %i comes in its place', (status) => {
  it.each(['http/protobuf', 'http/json'])(
    'waits as Retry-After says, sends again over %s, and is counted once',
    async (protocol) => {
      const collector = await startCollector({ config })
      const proxy = await startProxy(collector.otlp, status)
      const { results, spans } = await run(proxy.url, protocol)
      expect(results).toEqual({ traces: [{ code: 0 }], metrics: [{ code: 0 }], logs: [{ code: 0 }] })
      proxy.close()
      // Each path: sent, refused, sent again a second later.
      expect(proxy.requests.map(({ path }) => path).sort()).toEqual([
        '/v1/logs',
        '/v1/logs',
        '/v1/metrics',
        '/v1/metrics',
        '/v1/traces',
        '/v1/traces',
      ])
      for (const path of ['/v1/logs', '/v1/metrics', '/v1/traces']) {
        const [first, second] = proxy.requests.filter((request) => request.path === path)
        expect(second!.at - first!.at).toBeGreaterThanOrEqual(990)
      }
      expect(await storedRows(collector)).toEqual(expectedRows(spans))
    },
  )
})

/** A way to the collector that keeps the first answer on each path for itself and gives `status` instead. */
async function startProxy(otlp: string, status: number) {
  const requests: { path: string; at: number }[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url!
    const first = !requests.some((earlier) => earlier.path === path)
    requests.push({ path, at: performance.now() })
    const onward = httpRequest(otlp + path, { method: 'POST', headers: request.headers }, (answer) => {
      if (!first) {
        response.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(response)
        return
      }
      answer.resume().on('end', () => {
        expect(answer.statusCode).toBe(200)
        response.writeHead(status, { 'retry-after': '1' }).end()
      })
    })
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, requests, close: () => server.close() }
}
