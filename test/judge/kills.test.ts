import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inStore, type RunningCollector, startCollector, temporaryFolder } from '../program.ts'
import { randomly } from '../random.ts'
import { until } from '../until.ts'

interface Delivery {
  id: string
  body: string
  status: number
}

/** A receiver that fails now and then: before it has read anything into its books, after, or by hanging up. */
class Receiver {
  readonly deliveries: Delivery[] = []
  readonly server: Server
  /** Until the end, when all is let through. */
  failing = true

  constructor(random: () => number) {
    this.server = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      const fate = this.failing ? random() : 1
      if (fate < 0.1) return void response.writeHead(503).end()
      const status = fate < 0.2 ? 500 : 200
      this.deliveries.push({ id: String(request.headers['webhook-id']), body, status })
      // The notice was taken, and the sender does not learn it.
      if (fate > 0.2 && fate < 0.3) return void request.socket.destroy()
      response.writeHead(status).end()
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`
  }
}

/** Calls of one operation, all of them failed or none, that end now. */
async function send(collector: RunningCollector, operation: string, failed: boolean): Promise<void> {
  const attribute = (key: string, value: unknown) => ({ key, value })
  const nowNs = BigInt(Date.now()) * 1_000_000n
  const spans = Array.from({ length: 20 }, () => ({
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: `GET ${operation}`,
    kind: 2,
    startTimeUnixNano: String(nowNs - 2_000_000n),
    endTimeUnixNano: String(nowNs),
    attributes: [
      attribute('http.request.method', { stringValue: 'GET' }),
      attribute('http.route', { stringValue: operation }),
      attribute('http.response.status_code', { intValue: failed ? 500 : 200 }),
    ],
  }))
  const body = {
    resourceSpans: [
      {
        resource: { attributes: [attribute('service.name', { stringValue: 'shop' })] },
        scopeSpans: [{ spans }],
      },
    ],
  }
  const response = await fetch(`${collector.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
}

test('kills at random moments: every change of state is in exactly one notice to each receiver', async () => {
  const long = process.env.CALLSIGHT_LONG_TESTS === '1'
  const kills = long ? 60 : 8
  const seed = Number(process.env.CALLSIGHT_SEED ?? Date.now() % 1_000_000)
  const random = randomly(seed)
  console.log(`seed ${seed}`)
  const receivers = { first: new Receiver(random), second: new Receiver(random) }
  const [first, second] = [await receivers.first.listen(), await receivers.second.listen()]
  const data = join(temporaryFolder(), 'data')
  const config = `
alerts:
  - { name: failing, when: error_rate > 50%, over: 10s, min_calls: 1, group_by: [operation], severity: page, notify: [first, second] }
  - { name: failing-too, when: error_rate > 20%, over: 10s, for: 5s, min_calls: 1, group_by: [operation], notify: [second] }
grouping: { by: [alertname], interval: 1s, repeat: 1m }
channels: { first: { webhook: "${first}" }, second: { webhook: "${second}" } }
`
  let collector = await startCollector({ config, data })
  try {
    // Each operation fails for a while, once: more often would be flapping.
    let operations = 0
    for (let kill = 0; kill < kills; kill++) {
      const lastMs = Date.now() + 300 + random() * 3000
      while (Date.now() < lastMs) {
        await send(collector, `/kill${kill}/${operations % 3}`, true)
        operations++
        await new Promise((resolve) => setTimeout(resolve, 100 + random() * 300))
      }
      await collector.kill()
      collector = await startCollector({ config, data })
    }
    for (const receiver of Object.values(receivers)) receiver.failing = false
    // The last calls are in no window any more, and nothing has happened since.
    const restMs = Date.now() + 20_000
    await until(
      'end of all alerts',
      async () => {
        const metrics = await (await fetch(`${collector.web}/metrics`)).text()
        const judged = /^callsight_judge_last_success_timestamp_seconds\{what="alerts"\} (\S+)$/m.exec(metrics)?.[1]
        if (!(Number(judged) * 1000 > restMs)) return false
        const response = await fetch(`${collector.web}/api/v1/alerts`)
        return ((await response.json()) as { alerts: unknown[] }).alerts.length === 0
      },
      60_000,
    )
    await until(
      'delivery of every notice',
      async () => {
        const metrics = await (await fetch(`${collector.web}/metrics`)).text()
        return /^callsight_notices_waiting 0$/m.test(metrics)
      },
      60_000,
    )
    await collector.stop()
  } finally {
    for (const { server } of Object.values(receivers)) server.close()
  }

  const stored = await inStore(data, async (store) => ({
    events: await store.query<{ id: string; receivers: string[] }>(
      "SELECT id, receivers FROM alert_events WHERE state IN ('firing', 'resolved') ORDER BY ts, id",
    ),
    notices: await store.query<{ id: string; channel: string; event_ids: string[]; muted: string }>(
      'SELECT id, channel, event_ids, muted FROM alert_notices ORDER BY made_at, id',
    ),
    twice: await store.query('SELECT id, count() AS n FROM alert_events GROUP BY id HAVING n > 1'),
  }))
  expect(stored.twice).toEqual([])
  expect(stored.events.length, `seed ${seed}`).toBeGreaterThan(kills)
  expect(stored.events.some(({ receivers }) => receivers.length === 2)).toBe(true)
  for (const [channel, { deliveries }] of Object.entries(receivers)) {
    const bodies = new Map<string, Set<string>>()
    for (const { id, body } of deliveries) bodies.set(id, (bodies.get(id) ?? new Set()).add(body))
    const taken = new Set(deliveries.filter(({ status }) => status === 200).map(({ id }) => id))
    const made = stored.notices.filter((notice) => notice.channel === channel && notice.muted === '')
    // Each notice arrived, nothing else did, and what came twice was the same.
    expect([...taken].sort(), `seed ${seed}, ${channel}`).toEqual(made.map(({ id }) => id).sort())
    for (const [id, different] of bodies) expect([...different], `seed ${seed}, ${channel}, ${id}`).toHaveLength(1)
    // Each change of state is in one of them.
    const told = made.flatMap(({ event_ids }) => event_ids)
    const owed = stored.events.filter(({ receivers }) => receivers.includes(channel)).map(({ id }) => id)
    expect(told.sort(), `seed ${seed}, ${channel}`).toEqual(owed.sort())
  }
}, 900_000)
