import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/* What outgoing capture does to its host when it fails, and over time. */

let receiver: Receiver
let upstream: Upstream

beforeEach(async () => {
  receiver = await startReceiver()
  upstream = await startUpstream()
})
afterEach(() => Promise.all([receiver.close(), upstream.close()]))

const SABOTAGE = fileURLToPath(new URL('app/outsabotage.cjs', import.meta.url))

const places = [
  'Upstreams.peerOf',
  'upstream.linkCall',
  'upstream.identifyCall',
  'failure.outcomeOfOutgoing',
  'failure.noteFailure',
  'Bodies.request',
  'Calls.begin',
  'Calls.end',
]

test.each(places)('%s throws: the application sees nothing of it, the feature switches itself off', async (place) => {
  for (const client of ['http', 'fetch', 'http2']) {
    const up = client === 'http2' ? await startUpstream('http2') : upstream
    const args = [client, up.origin, 'http://127.0.0.1:1']
    const plain = await run('outbound.cjs', { args }).ended
    const options = { args, collector: receiver.url, node: ['--require', SABOTAGE], env: { SABOTAGE: place } }
    const end = await run('outbound.cjs', options).ended
    expect([end.code, end.signal]).toEqual([plain.code, plain.signal])
    const strip = (out: string) => out.replace(/"ms":[\d.]+/g, '')
    expect(strip(end.stdout)).toBe(strip(plain.stdout))
    const feature = `outgoing ${client === 'fetch' ? 'undici' : client} calls`
    expect(end.stderr).toContain(`[callsight] fault in ${feature}, the application is not affected: Error: sabotage`)
    if (place === 'Upstreams.peerOf') {
      expect(end.stderr).toContain(`[callsight] 10 faults in ${feature} within a minute: it is switched off`)
    }
    if (client === 'http2') await up.close()
  }
})

test('reading of quotas throws: calls go without them, and after ten faults nobody reads them', async () => {
  const args = ['http', upstream.origin, ...Array.from({ length: 4 }, () => '/quota/github')]
  const env = { SABOTAGE: 'quota.quotaFields' }
  const end = await run('quotas.cjs', { args, collector: receiver.url, node: ['--require', SABOTAGE], env }).ended
  expect(JSON.parse(end.stdout)).toHaveLength(12)
  expect(end.stderr).toContain('[callsight] fault in quotas, the application is not affected: Error: sabotage')
  expect(end.stderr).toContain('[callsight] 10 faults in quotas within a minute: it is switched off')
  expect(receiver.calls).toHaveLength(12)
  expect(receiver.counts).toMatchObject({ seen: 12, sent: 12 })
})

test('10,000 calls, each to another path: memory stays flat, every call counts', async () => {
  const args = [upstream.origin, '10000']
  const options = { args, node: ['--expose-gc', '--max-semi-space-size=1'] }
  const end = await run('many.cjs', { ...options, collector: receiver.url }).ended
  expect(end.stderr).toBe('')
  expect(JSON.parse(end.stdout).grown).toBeLessThan(3_000_000)
  expect(receiver.counts).toEqual({ seen: 10_000, sent: 10_000 })
  const names = new Set(receiver.calls.map(({ name }) => name))
  expect(names.size).toBeLessThanOrEqual(1001)
  expect(names).toContain('GET _OTHER')
})
