import { existsSync, renameSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { api, inStore, settled, startApp, startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

it('eight kill -9 of the collector under traffic lose no call and count none twice', async () => {
  const data = join(temporaryFolder(), 'data')
  let collector = await startCollector({ data })
  const address = (url: string) => url.slice('http://'.length)
  const args = ['--otlp', address(collector.otlp), '--web', address(collector.web)]
  const app = await startApp('express.mjs', {
    OTEL_SERVICE_NAME: 'shop',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp,
    CALLSIGHT_KEY_SECRET: 'secret',
  })
  const agent = new Agent({ keepAlive: true })
  let sent = 0
  let stopped = false
  const caller = async () => {
    while (!stopped) {
      await new Promise<void>((resolve, reject) => {
        get(`${app.url}/items/${sent}`, { agent }, (response) => response.resume().on('end', resolve)).on(
          'error',
          reject,
        )
      })
      sent++
    }
  }
  const callers = [caller(), caller()]
  for (let round = 0; round < 8; round++) {
    // At a moment of its own each time: some segments are open, some half inserted, some requests not acknowledged yet.
    const enough = sent + 300 + 137 * round
    await until('more calls', () => sent > enough)
    await collector.kill()
    collector = await startCollector({ data, args })
  }
  stopped = true
  await Promise.all(callers)
  agent.destroy()
  await until(
    'closed account',
    async () => {
      const { agents } = await api<{ agents: { seen: number; sent: number }[] }>(collector, '/api/v1/agents')
      return agents[0]?.seen === sent && agents[0]?.sent === sent
      // After eight outages the agent may be in one of its longest pauses.
    },
    60_000,
  )
  await app.stop()
  await collector.stop()
  await inStore(data, async (store) => {
    expect(await store.query('SELECT count() AS n, uniqExact(span_id) AS ids FROM calls')).toEqual([
      { n: sent, ids: sent },
    ])
    expect(await store.query('SELECT sum(calls) AS n, arraySum(mapValues(sumMap(hist))) AS h FROM calls_1m')).toEqual([
      { n: sent, h: sent },
    ])
    expect(await store.query('SELECT sum(calls) AS n FROM calls_15m')).toEqual([{ n: sent }])
  })
}, 120_000)

it('a disk that takes nothing sends requests away with 503, and all is well when it does again', async () => {
  const collector = await startCollector()
  const spool = join(collector.data, 'spool')
  const body = JSON.stringify({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: 'ab'.repeat(16),
                spanId: 'cd'.repeat(8),
                kind: 2,
                startTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
                endTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
                attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
              },
            ],
          },
        ],
      },
    ],
  })
  const post = () =>
    fetch(`${collector.otlp}/v1/traces`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  expect(existsSync(spool)).toBe(true)
  renameSync(spool, `${spool}.away`)
  const refused = await post()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
  expect(((await refused.json()) as { message: string }).message).toMatch(/^the spool cannot be written: ENOENT/)
  expect(await fetch(`${collector.web}/readyz`).then((response) => response.status)).toBe(503)
  renameSync(`${spool}.away`, spool)
  // It finds that out by itself: nobody sends to a collector that is not ready.
  await until('ready', async () => (await fetch(`${collector.web}/readyz`)).status === 200)
  expect((await post()).status).toBe(200)
  await settled(collector)
  await collector.stop()
  await inStore(collector.data, async (store) => {
    expect(await store.query('SELECT count() AS n FROM calls')).toEqual([{ n: 1 }])
  })
})
