import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { inStore, Program, startCollector } from '../program.ts'

describe.each(['http/protobuf', 'http/json'])('a stock OpenTelemetry SDK over %s', (protocol) => {
  it('gives calls, in and out, and inner spans', async () => {
    const upstream = createServer((_request, response) => response.end('ok'))
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const collector = await startCollector()
    const program = new Program([fileURLToPath(new URL('app/otel.mjs', import.meta.url))], {
      name: 'otel.mjs',
      env: {
        PROTOCOL: protocol,
        UPSTREAM: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/prices/7?key=secret`,
        OTEL_SERVICE_NAME: 'stock',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp,
      },
    })
    expect(await program.ended, program.stderr).toEqual({ code: 0, signal: null })
    upstream.close()
    await collector.stop()
    await inStore(collector.data, async (store) => {
      const calls = await store.query(
        'SELECT direction, operation, path, status, outcome, count() AS n FROM calls GROUP BY ALL ORDER BY direction, operation',
      )
      expect(calls).toEqual([
        { direction: 'in', operation: 'GET (unmatched)', path: '/nothing', status: 404, outcome: 'client_error', n: 2 },
        { direction: 'in', operation: 'GET /hello/{id}', path: '/hello/42', status: 200, outcome: 'ok', n: 5 },
        { direction: 'out', operation: 'GET /hello/{id}', path: '/hello/42', status: 200, outcome: 'ok', n: 5 },
        { direction: 'out', operation: 'GET /nothing', path: '/nothing', status: 404, outcome: 'client_error', n: 2 },
        { direction: 'out', operation: 'GET /prices/{id}', path: '/prices/7', status: 200, outcome: 'ok', n: 5 },
      ])
      const spans = await store.query('SELECT name, kind, count() AS n FROM spans GROUP BY ALL')
      expect(spans).toEqual([{ name: 'look up', kind: 'internal', n: 5 }])
      const joined = await store.query(
        "SELECT count() AS n FROM spans INNER JOIN calls ON spans.trace_id = calls.trace_id AND spans.parent_span_id = calls.span_id WHERE calls.direction = 'in'",
      )
      expect(joined).toEqual([{ n: 5 }])
      const [secrets] = await store.query("SELECT countIf(position(toString(tuple(*)), 'secret') > 0) AS n FROM calls")
      expect(secrets).toEqual({ n: 0 })
    })
  })
})
