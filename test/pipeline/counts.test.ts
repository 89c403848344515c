import { createHash, createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { api, inStore, settled, startApp, startCollector } from '../program.ts'
import { until } from '../until.ts'

const secret = 'the same in agent and test'
const keys = ['key-ann', 'key-bob', 'key-cat', 'key-dan', 'key-eve']

/** What an agent must make of a key: half an HMAC-SHA-256 over its SHA-256. */
function consumerOf(key: string): string {
  const digest = createHash('sha256').update(key).digest('hex')
  return `key_${createHmac('sha256', secret).update(digest).digest('hex').slice(0, 32)}`
}

/** One of seven kinds of requests; kind and consumer run through all combinations. */
const kinds = [
  { method: 'GET', path: () => '/items', operation: 'GET /items', status: 200 },
  { method: 'GET', path: (n: number) => `/items/${n}`, operation: 'GET /items/:id', status: 200 },
  { method: 'GET', path: (n: number) => `/items/item-${n}?page=${n}`, operation: 'GET /items/:id', status: 200 },
  { method: 'POST', path: () => '/items', operation: 'POST /items', status: 201 },
  {
    method: 'GET',
    path: (n: number) => `/users/u${n}/orders/${n}`,
    operation: 'GET /users/:user/orders/:order',
    status: 200,
  },
  { method: 'GET', path: () => '/fail', operation: 'GET /fail', status: 500 },
  { method: 'GET', path: (n: number) => `/nowhere/${n}`, operation: 'GET (unmatched)', status: 404 },
]

function send(url: string, agent: Agent, method: string, key: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const body = method === 'POST' ? '{"a":1}' : undefined
    const headers = { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    request(url, { method, agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
      .on('error', reject)
      .end(body)
  })
}

describe.each(['express.mjs', 'fastify.mjs'])('2,000 requests to %s', (file) => {
  it('are exactly those rows in ClickHouse, by consumer, route and status, raw and rolled up', async () => {
    const collector = await startCollector()
    const app = await startApp(file, {
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp,
      CALLSIGHT_KEY_SECRET: secret,
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    const expected = new Map<string, number>()
    const work: Promise<void>[] = []
    for (let n = 0; n < 2000; n++) {
      const kind = kinds[n % kinds.length]!
      const key = keys[Math.floor(n / 3) % keys.length]!
      const row = `${consumerOf(key)} ${kind.operation} ${kind.status}`
      expected.set(row, (expected.get(row) ?? 0) + 1)
      work.push(
        send(`${app.url}${kind.path(n)}`, agent, kind.method, key).then((status) => expect(status).toBe(kind.status)),
      )
    }
    await Promise.all(work)
    agent.destroy()
    expect((await app.stop()).code).toBe(0)
    expect(app.stderr).toBe('')

    // The agent's own account closes: everything seen is stored, nothing dropped, nothing on its way.
    await settled(collector)
    const report = await until('closed account', async () => {
      const { agents } = await api<{ agents: { seen: number; stored: number }[] }>(collector, '/api/v1/agents')
      return agents[0]?.seen === 2000 && agents[0]
    })
    expect(report).toMatchObject({ service: 'shop', seen: 2000, sent: 2000, stored: 2000, in_flight: 0, dropped: {} })
    await collector.stop()

    await inStore(collector.data, async (store) => {
      const rows = (sql: string) =>
        store
          .query<{ consumer: string; operation: string; status: number; n: number }>(sql)
          .then(
            (found) =>
              new Map(found.map(({ consumer, operation, status, n }) => [`${consumer} ${operation} ${status}`, n])),
          )
      const by = 'GROUP BY consumer, operation, status'
      expect(await rows(`SELECT consumer, operation, status, count() AS n FROM calls ${by}`)).toEqual(expected)
      expect(await rows(`SELECT consumer, operation, status, sum(calls) AS n FROM calls_1m ${by}`)).toEqual(expected)
      expect(await rows(`SELECT consumer, operation, status, sum(calls) AS n FROM calls_15m ${by}`)).toEqual(expected)
      const [ids] = await store.query(
        "SELECT uniqExact(span_id) AS spans, countIf(direction = 'in') AS inbound FROM calls",
      )
      expect(ids).toEqual({ spans: 2000, inbound: 2000 })
      const [histogram] = await store.query('SELECT arraySum(mapValues(sumMap(hist))) AS n FROM calls_15m')
      expect(histogram).toEqual({ n: 2000 })
      // The raw keys are nowhere.
      const [leaks] = await store.query(
        "SELECT count() AS n FROM calls WHERE arrayExists(key -> position(toString(tuple(*)), key) > 0, ['key-ann','key-bob','key-cat','key-dan','key-eve'])",
      )
      expect(leaks).toEqual({ n: 0 })
    })
  })
})
