import { get } from 'node:http'
import { expect, it } from 'vitest'
import { api, type RunningCollector, settled, startCollector } from '../program.ts'

/** Twenty calls a minute ago: known durations, two consumers, one failing operation. */
const start = Math.floor((Date.now() - 60_000) / 1000) * 1000

function calls() {
  return Array.from({ length: 20 }, (_, i) => ({
    traceId: (i + 1).toString(16).padStart(32, '0'),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    kind: 2,
    startTimeUnixNano: String(BigInt(start + i) * 1_000_000n),
    endTimeUnixNano: String(BigInt(start + i + (i + 1) * 10) * 1_000_000n),
    attributes: Object.entries({
      'http.request.method': 'GET',
      'http.route': i < 15 ? '/books' : '/orders',
      'http.response.status_code': i === 19 ? 500 : 200,
      'enduser.id': i % 4 === 0 ? 'ann' : "o'neil",
      'callsight.consumer.name': i % 4 === 0 ? 'Ann' : '',
    }).map(([key, value]) => ({
      key,
      value: typeof value === 'number' ? { intValue: value } : { stringValue: value },
    })),
  }))
}

async function seed(collector: RunningCollector) {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
  const inner = {
    traceId: '1'.padStart(32, '0'),
    spanId: 'aa'.repeat(8),
    parentSpanId: '1'.padStart(16, '0'),
    name: 'query',
    kind: 1,
    startTimeUnixNano: String(BigInt(start) * 1_000_000n),
    endTimeUnixNano: String(BigInt(start + 5) * 1_000_000n),
    status: { code: 2, message: 'no such table' },
  }
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [...calls(), inner] }] }] })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${collector.otlp}/v1/traces`, { method: 'POST', body, headers })
  expect(await response.json()).toEqual({})
}

async function problem(collector: RunningCollector, path: string) {
  const response = await fetch(`${collector.web}${path}`)
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  const { status, detail } = (await response.json()) as { status: number; detail: string }
  expect(status).toBe(response.status)
  return [status, detail]
}

it('the API lists services, operations, consumers and calls, and says what is wrong with a question', async () => {
  const collector = await startCollector()
  await seed(collector)
  await settled(collector)

  const { services } = await api<{ services: Record<string, unknown>[] }>(collector, '/api/v1/services')
  expect(services).toMatchObject([{ service: 'shop', calls: 20, failed: 1, client_errors: 0, error_rate: 0.05 }])
  // The tenth and the nineteenth of 10, 20 … 200 ms, within the histogram's 2.2 %.
  expect(Math.abs(Number(services[0]!.p50_ms) / 100 - 1)).toBeLessThan(0.0221)
  expect(Math.abs(Number(services[0]!.p95_ms) / 190 - 1)).toBeLessThan(0.0221)

  const { operations } = await api<{ operations: Record<string, unknown>[] }>(
    collector,
    '/api/v1/operations?service=shop',
  )
  expect(operations.map(({ operation, calls, failed }) => [operation, calls, failed])).toEqual([
    ['GET /books', 15, 0],
    ['GET /orders', 5, 1],
  ])
  const { consumers } = await api<{ consumers: Record<string, unknown>[] }>(collector, '/api/v1/consumers')
  expect(consumers.map(({ id, name, calls }) => [id, name, calls])).toEqual([
    ["o'neil", '', 15],
    ['ann', 'Ann', 5],
  ])
  expect(await api(collector, "/api/v1/consumers/o'neil")).toMatchObject({ id: "o'neil", calls: 15, failed: 1 })

  // Newest first, in pages that neither repeat nor leave out.
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { calls: { id: string; duration_ms: number }[]; next: string | null } = await api(
      collector,
      `/api/v1/calls?limit=6${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    seen.push(...page.calls.map(({ id }) => id))
    cursor = page.next
  }
  expect(seen).toEqual(
    calls()
      .map(({ traceId, spanId }) => `${traceId}-${spanId}`)
      .reverse(),
  )
  const slow = await api<{ calls: { duration_ms: number }[] }>(
    collector,
    '/api/v1/calls?min_duration_ms=190&outcome=ok',
  )
  expect(slow.calls.map(({ duration_ms }) => duration_ms)).toEqual([190])
  const call = await api<{ spans: unknown[] }>(collector, `/api/v1/calls/${seen.at(-1)}`)
  expect(call).toMatchObject({
    ts: new Date(start).toISOString().replace('Z', '000Z'),
    operation: 'GET /books',
    duration_ms: 10,
    spans: [{ name: 'query', kind: 'internal', duration_ms: 5, failed: true, message: 'no such table' }],
  })

  expect(await problem(collector, '/api/v1/calls?limit=0')).toEqual([
    400,
    '"limit" is "0": write a number from 1 to 1000',
  ])
  expect(await problem(collector, '/api/v1/services?from=yesterday')).toEqual([
    400,
    '"from" is "yesterday": write RFC 3339, as 2026-11-21T10:00:00Z, or epoch milliseconds',
  ])
  expect(await problem(collector, '/api/v1/services?from=2000&to=1000')).toEqual([400, '"from" must be before "to"'])
  expect((await problem(collector, '/api/v1/calls/7'))[0]).toBe(400)
  expect((await problem(collector, `/api/v1/calls/${'0'.repeat(31)}f-${'0'.repeat(15)}e`))[0]).toBe(404)
  expect((await problem(collector, '/api/v1/nothing'))[0]).toBe(404)
  expect((await problem(collector, '/api/v1/consumers/nobody'))[0]).toBe(404)

  // What Prometheus reads, and what a load balancer asks.
  const metrics = await fetch(`${collector.web}/metrics`).then((response) => response.text())
  expect(metrics).toContain('callsight_stored_rows_total{table="calls"} 20')
  expect(metrics).toContain('callsight_otlp_requests_total{signal="traces",status="200"} 1')
  expect(await api(collector, '/healthz')).toEqual({ status: 'ok' })
  expect(await api(collector, '/readyz')).toMatchObject({ status: 'ok' })
  // A page elsewhere whose name points here learns nothing.
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const { port } = new URL(collector.web)
    get({ host: '127.0.0.1', port, path: '/api/v1/services', headers: { host: 'evil.example' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
  expect(status).toBe(403)
  await collector.stop()
})
