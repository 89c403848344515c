import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from './host.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'
import { startUpstream, type Upstream } from './upstream.ts'

/* What answers say of quotas travels with every outgoing call that has it, by every client. */

const NEWER = Number.parseInt(process.versions.node, 10) >= 22
const CLIENTS = [
  'http',
  'fetch',
  'undici-6',
  'undici-7',
  ...(NEWER ? ['undici-8'] : []),
  'http2',
  'undici-7 over http2',
]
const PATHS = ['github', 'lists', 'openai', 'others', 'secrets'].map((name) => `/quota/${name}`)

function quotaHeaders({ attributes }: ReceivedSpan): Record<string, unknown> {
  const prefix = 'http.response.header.'
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([key]) => key.startsWith(prefix) && /rate-?limit|retry|limit/.test(key))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  )
}

describe.each(CLIENTS)('%s', (client) => {
  let receiver: Receiver
  let upstream: Upstream

  beforeAll(async () => {
    receiver = await startReceiver()
    upstream = await startUpstream(client === 'http2' ? 'http2' : client.endsWith('http2') ? 'https2' : 'http')
    const origin = client.endsWith('over http2') ? `https://localhost:${upstream.port}` : upstream.origin
    const args = [client, origin, ...PATHS, '/text']
    const env = { CALLSIGHT_CAPTURE_BODIES: 'none' }
    const end = await run('quotas.cjs', { args, collector: receiver.url, env }).ended
    expect(end.stderr.replace(/.*ExperimentalWarning.*\n|.*--trace-warnings.*\n|.*UNDICI-\w+.*\n/g, '')).toBe('')
    expect(JSON.parse(end.stdout)).toEqual([...PATHS.flatMap(() => [200, 200, 429]), 200, 200, 200])
  })
  afterAll(() => Promise.all([receiver.close(), upstream.close()]))

  const of = (path: string) => receiver.calls.filter(({ attributes }) => attributes['url.path'] === path)

  test('every call carries the fields as they were sent, and only these', () => {
    const each = (path: string, fields: Record<string, string[]>) =>
      expect(of(`/quota/${path}`).map(quotaHeaders)).toEqual([fields, fields, fields])
    each('github', {
      'x-ratelimit-limit': ['5000'],
      'x-ratelimit-remaining': ['4987'],
      'x-ratelimit-reset': ['1795269000'],
      'x-ratelimit-used': ['13'],
      'x-ratelimit-resource': ['core'],
    })
    each('openai', { 'x-ratelimit-limit-tokens': ['150000'], 'x-ratelimit-reset-tokens': ['6m0s'] })
    each('others', {
      'x-shopify-shop-api-call-limit': ['32/40'],
      'sforce-limit-info': ['api-usage=18/5000'],
      'x-ms-retry-after-ms': ['1200'],
    })
    for (const { attributes } of receiver.calls) {
      expect(Object.keys(attributes).filter((key) => /header\.(x-re|x-p|date|content)/.test(key))).toEqual([])
    }
    for (const call of of('/text')) expect(quotaHeaders(call)).toEqual({})
  })

  test('lists come with their names and without the partition, which is the caller’s', () => {
    for (const call of of('/quota/lists')) {
      const { 'ratelimit-policy': policies, ...fields } = quotaHeaders(call)
      // Some clients join the lines of a field, as they may.
      expect((policies as string[]).join(', ')).toBe('"burst";q=100;w=60, "daily";q=1000;w=86400')
      expect(fields).toEqual({ ratelimit: ['"burst";r=50;t=30'], 'retry-after': ['Sat, 21 Nov 2026 10:00:00 GMT'] })
    }
    for (const content of receiver.contents) expect(content.includes('c2VjcmV0')).toBe(false)
  })

  test('what could be a secret or is too long is left out, and nothing is lost beside it', () => {
    const fields = { 'x-ratelimit-remaining': ['7'] }
    expect(of('/quota/secrets').map(quotaHeaders)).toEqual([fields, fields, fields])
    for (const content of receiver.contents) {
      expect(content.includes('ann@example') || content.includes('eyJhbGciOi')).toBe(false)
    }
  })
})

test('a call that keeps its detail tells these fields once, in modes that mask all values, too', async () => {
  const receiver = await startReceiver()
  const upstream = await startUpstream()
  for (const mode of ['masked', 'allow', 'schema']) {
    const env = { CALLSIGHT_CAPTURE_BODIES: 'all', CALLSIGHT_REDACT_MODE: mode }
    const args = ['http', upstream.origin, `/quota/github?${mode}`]
    expect((await run('quotas.cjs', { args, collector: receiver.url, env }).ended).stderr).toBe('')
  }
  expect(receiver.calls).toHaveLength(9)
  for (const call of receiver.calls) {
    expect(call.attributes['callsight.detail']).toBeDefined()
    expect(quotaHeaders(call)).toMatchObject({ 'x-ratelimit-limit': ['5000'], 'x-ratelimit-resource': ['core'] })
  }
  // The receiver keeps the last of two attributes of one name, so their number is in the bytes.
  for (const content of receiver.contents) {
    const calls = content.toString('latin1').split('http.response.header.x-ratelimit-limit').length - 1
    const spans = content.toString('latin1').split('callsight.detail').length - 1
    expect(calls).toBe(spans)
  }
  await Promise.all([receiver.close(), upstream.close()])
})
