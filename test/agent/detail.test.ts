import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Host, serve, tally } from './host.ts'
import { type Attributes, type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const app = (env: Record<string, string>) => serve('detail.cjs', { collector: receiver.url, env })
const answer = '{"hello":"wörld","list":[1,2,3]}'
const json = { 'content-type': 'application/json' }

async function ask(host: Host, path: string, init: RequestInit = {}): Promise<void> {
  await fetch(host.url + path, init)
    .then((response) => response.arrayBuffer())
    .catch(() => {})
}

/** The attributes of the calls of one operation. */
function of(name: string): Attributes[] {
  return receiver.calls.filter((call) => call.name === name).map(({ attributes }) => attributes)
}

const REASON = 'callsight.detail'
const REQUEST = 'http.request.body.content'
const ANSWER = 'http.response.body.content'

test('all: headers and bodies of both sides, as they were', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'all' })
  await ask(host, '/echo?page=2', { method: 'POST', headers: json, body: '{"name":"Ünal","n":1}' })
  await host.stop()
  const [call] = of('POST /echo')
  expect(call).toMatchObject({
    [REASON]: 'sampled',
    [REQUEST]: '{"name":"Ünal","n":1}',
    [ANSWER]: '{"name":"Ünal","n":1}',
    'url.query': 'page=2',
    'url.path': '/echo',
    'http.request.header.content-type': ['application/json'],
    'http.response.header.x-answer': ['a', 'b'],
  })
  expect(call).not.toHaveProperty(['callsight.request.body.truncated'])
  expect(call).toHaveProperty(['callsight.redaction'], expect.stringMatching(/^[\w.:-]{4,}$/))
  expect(receiver.vitals.payloads_kept).toBe(1)
})

test('none: no header, no body, no query of anything, failed or not', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'none' })
  await ask(host, '/fail?a=1', { method: 'POST', headers: json, body: '{"a":1}' })
  await ask(host, '/echo', { method: 'POST', headers: json, body: '{"a":1}' })
  await host.stop()
  const keys = receiver.calls.flatMap(({ attributes }) => Object.keys(attributes))
  expect(keys.filter((key) => /header|content|query|detail/.test(key))).toEqual([])
})

test('failed: the failed and the slow ones, and no others', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'failed', CALLSIGHT_SLOW_MS: '100' })
  await ask(host, '/fail', { method: 'POST', headers: json, body: '{"why":"x"}' })
  await ask(host, '/slow')
  await ask(host, '/echo', { method: 'POST', headers: json, body: '{}' })
  await ask(host, '/no/such/path')
  await ask(host, '/broken')
  await host.stop()
  expect(Object.fromEntries(receiver.calls.map(({ name, attributes }) => [name, attributes[REASON]]))).toEqual({
    'POST /fail': 'failed',
    'GET /slow': 'slow',
    'POST /echo': undefined,
    'GET (unmatched)': undefined,
    'GET /broken': 'failed',
  })
  expect(of('POST /fail')[0]).toMatchObject({ [REQUEST]: '{"why":"x"}', [ANSWER]: answer })
  expect(of('GET /broken')[0]).toMatchObject({
    'callsight.outcome': 'server_error',
    'callsight.error.code': 'truncated',
    'callsight.response.body.truncated': true,
  })
})

test('sampled: the first of each operation, then the set share', async () => {
  const none = await app({ CALLSIGHT_BODY_SAMPLE: '0' })
  for (let i = 0; i < 5; i++) await ask(none, '/echo', { method: 'POST', headers: json, body: '{}' })
  for (let i = 0; i < 5; i++) await ask(none, '/gzip')
  await none.stop()
  expect(tally(receiver.calls, (call) => `${call.name} ${call.attributes[REASON]}`)).toEqual({
    'POST /echo new': 1,
    'POST /echo undefined': 4,
    'GET /gzip new': 1,
    'GET /gzip undefined': 4,
  })
  receiver.calls.length = 0
  const some = await app({ CALLSIGHT_BODY_SAMPLE: '0.3' })
  for (let i = 0; i < 200; i++) await ask(some, '/gzip')
  await some.stop()
  // 199 times 0.3: four standard deviations around 60.
  const sampled = receiver.calls.filter(({ attributes }) => attributes[REASON] === 'sampled').length
  expect(sampled).toBeGreaterThan(33)
  expect(sampled).toBeLessThan(86)
  expect(receiver.calls).toHaveLength(200)
})

test('content codings are taken off; a bomb and garbage do no harm', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'all', CALLSIGHT_BODY_LIMIT: '1000' })
  for (const path of ['/gzip', '/deflate', '/br', '/bomb', '/garbage']) await ask(host, path)
  const packed = gzipSync('{"packed":true}')
  await ask(host, '/fail', { method: 'POST', headers: { ...json, 'content-encoding': 'gzip' }, body: packed })
  await host.stop()
  for (const path of ['/gzip', '/deflate', '/br']) expect(of(`GET ${path}`)[0]?.[ANSWER]).toBe(answer)
  expect(of('POST /fail')[0]).toMatchObject({ [REQUEST]: '{"packed":true}', 'http.request.body.size': packed.length })
  const [bomb] = of('GET /bomb')
  expect(bomb?.['callsight.response.body.truncated']).toBe(true)
  expect(String(bomb?.[ANSWER] ?? '').length).toBeLessThanOrEqual(1000)
  expect(of('GET /garbage')[0]).not.toHaveProperty([ANSWER])
  expect(receiver.vitals['payloads_dropped undecodable']).toBe(1)
  expect(receiver.counts).toEqual({ seen: 6, sent: 6 })
})

test('a body is cut at the limit, and says so', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'all', CALLSIGHT_BODY_LIMIT: '100' })
  const body = JSON.stringify({ words: 'und '.repeat(1000) })
  await ask(host, '/echo', { method: 'POST', headers: json, body })
  await host.stop()
  const [call] = of('POST /echo')
  expect(String(call?.[REQUEST]).length).toBeLessThanOrEqual(120)
  expect(call).toMatchObject({
    'callsight.request.body.truncated': true,
    'callsight.response.body.truncated': true,
    'http.request.body.size': body.length,
    'http.response.body.size': body.length,
  })
})

test('no files, no streams, nothing that was never sent', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'all' })
  await ask(host, '/events')
  await ask(host, '/image')
  await ask(host, '/echo', { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: 'raw' })
  await new Promise<void>((resolve) => {
    request(`${host.url}/gzip`, { method: 'HEAD' }, (response) => response.resume().on('end', resolve)).end()
  })
  await host.stop()
  expect(receiver.calls).toHaveLength(4)
  for (const { attributes } of receiver.calls) {
    expect(attributes).not.toHaveProperty([ANSWER])
    expect(attributes).not.toHaveProperty([REQUEST])
    expect(attributes[REASON]).toBe('sampled')
  }
})

test('ten thousand bodies at once: the memory for them is bounded', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'failed' })
  const open = Array.from({ length: 2500 }, async () => {
    const outgoing = request(`${host.url}/fail`, { method: 'POST', headers: json })
    outgoing.on('error', () => {})
    outgoing.write(`{"text":"${'x'.repeat(15_000)}`)
    await new Promise((resolve) => outgoing.once('socket', (socket) => socket.once('connect', resolve)))
    return outgoing
  })
  const requests = await Promise.all(open)
  await Promise.all(
    requests.map(
      (outgoing) =>
        new Promise<void>((resolve) => {
          outgoing.once('response', (response) => response.resume().on('end', resolve))
          outgoing.end('"}')
        }),
    ),
  )
  await host.stop()
  expect(receiver.counts).toEqual({ seen: 2500, sent: 2500 })
  expect(receiver.calls).toHaveLength(2500)
  const lost = Object.entries(receiver.vitals).filter(([name]) => name.startsWith('payloads_dropped'))
  const sum = lost.reduce((all, [, count]) => all + count, 0)
  // 16 MiB hold about a thousand of them, and fewer can be redacted in the time; what is left out has been counted.
  expect(sum).toBeGreaterThan(1000)
  expect(sum + (receiver.vitals.payloads_kept ?? 0)).toBeGreaterThanOrEqual(2500)
})

test('what is to be ignored is neither recorded nor counted', async () => {
  const host = await app({ CALLSIGHT_IGNORE: '/gzip,/internal/*', CALLSIGHT_TRACE_RATIO: '1' })
  for (const path of ['/gzip', '/internal/a/b', '/br', '/gzip?x=1']) await ask(host, path)
  // An agent that sends to this very process would otherwise never come to rest.
  for (const path of ['/v1/traces', '/collector/v1/metrics']) {
    await ask(host, path, { method: 'POST', headers: { 'user-agent': 'callsight-agent/1.0.0' } })
  }
  await host.stop()
  expect(receiver.calls.map(({ name }) => name)).toEqual(['GET /br'])
  expect(receiver.counts).toEqual({ seen: 1, sent: 1 })
})

test.each(['0', '1'])('secrets in any place of a call stay in the process, trace ratio %s', async (ratio) => {
  const secrets = ['hunter2-hunter2', '4111111111111111', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'carol@example.com']
  const [password, card, key, mail] = secrets as [string, string, string, string]
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'all', CALLSIGHT_TRACE_RATIO: ratio })
  const headers = {
    ...json,
    authorization: `Bearer ${key}`,
    cookie: `session=${password}`,
    'x-note': `from ${mail}`,
    'user-agent': `robot of ${mail}, key ${key}`,
  }
  const body = JSON.stringify({
    user: { password },
    text: `pay with ${card} or ${key}`,
    nested: JSON.stringify({ mail }),
  })
  await ask(host, `/echo?token=${key}&q=${card}`, { method: 'POST', headers, body })
  await ask(host, `/users/${mail}/reset/${key}`, { headers })
  const form = `password=${password}&card=${card}&mail=${encodeURIComponent(mail)}`
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  await ask(host, '/fail', { method: 'POST', headers: { ...headers, ...type }, body: form })
  await host.stop()
  expect(receiver.calls).toHaveLength(3)
  const wire = receiver.contents.map((sent) => sent.toString('latin1')).join()
  for (const secret of [...secrets, encodeURIComponent(mail)]) expect(wire).not.toContain(secret)
  expect(of('POST /echo')[0]?.[REQUEST]).toContain('[redacted]')
})

test('a user agent that is too long to be redacted whole is left out, as any header is', async () => {
  const host = await app({ CALLSIGHT_CAPTURE_BODIES: 'all' })
  for (const length of [8192, 8193]) {
    await ask(host, '/echo', { method: 'POST', headers: { ...json, 'user-agent': 'x'.repeat(length) }, body: '{}' })
  }
  await host.stop()
  const told = of('POST /echo').flatMap((call) =>
    ['user_agent.original', 'http.request.header.user-agent'].map((key) => call[key] !== undefined),
  )
  expect(told).toEqual([true, true, false, false])
})
