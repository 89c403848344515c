import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Agent, get } from 'node:https'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { serve, tally } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const SECRET = 's3cret'
const keyed = (key: string) => {
  const digest = createHash('sha256').update(key).digest('hex')
  return `key_${createHmac('sha256', SECRET).update(digest).digest('hex').slice(0, 32)}`
}
const token = (payload: object, signature: string) =>
  `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.${signature}`

/** `source:id` of every call, with `?` when it is not verified; `-` where nobody is named. */
const named = () =>
  receiver.calls.map(({ attributes: a }) => {
    const id = a['callsight.consumer.id']
    if (id === undefined) return '-'
    return `${a['callsight.consumer.source']}:${id}${a['callsight.consumer.verified'] === false ? '?' : ''}`
  })

test('the host’s own verification, Express', async () => {
  const host = await serve('users.cjs', { collector: receiver.url, env: { CALLSIGHT_KEY_SECRET: SECRET } })
  const key = { 'x-api-key': 'k' }
  const asks: [Record<string, string>, string][] = [
    [{ ...key, 'x-login': 'user-7' }, 'host:user-7'],
    [{ ...key, 'x-login': 'ann@example.com' }, `host:${keyed('ann@example.com')}`],
    [{ authorization: `Bearer ${token({ sub: 'claimed' }, 'good')}` }, 'host:verified-subject'],
    [{ authorization: `Bearer ${token({ sub: 'claimed' }, 'unchecked')}` }, `jwt:${keyed('claimed')}?`],
    [{ authorization: `Bearer ${token({ sub: 'claimed' }, 'bad')}` }, '-'],
    [{ authorization: `Bearer ${token({ sub: 'claimed' }, 'bad')}`, ...key }, `api_key:${keyed('k')}`],
    [key, `api_key:${keyed('k')}`],
    [{}, '-'],
  ]
  for (const [headers] of asks) await (await fetch(`${host.url}/whoami`, { headers })).text()
  const end = await host.stop()
  expect(named()).toEqual(asks.map(([, expected]) => expected))
  expect(receiver.calls[4]!.attributes['http.response.status_code']).toBe(401)
  expect(end.stderr).toBe('')
})

test('the host’s own verification, Fastify; setConsumer with its request', async () => {
  const env = { CALLSIGHT_KEY_SECRET: SECRET, APP_LOADS_AGENT: '1' }
  const host = await serve('users-fastify.cjs', { collector: receiver.url, env })
  for (const [path, login] of [
    ['whoami', 'f7'],
    ['whoami', ''],
    ['told', 'f7'],
  ] as const) {
    await (await fetch(`${host.url}/${path}`, { headers: { 'x-login': login, 'x-api-key': 'k' } })).text()
  }
  await host.stop()
  expect(named()).toEqual(['host:f7', `api_key:${keyed('k')}`, 'application:told with the request'])
})

test('setConsumer finds a call by its request where the asynchronous flow does not', async () => {
  const env = { APP_LOADS_AGENT: '1' }
  const host = await serve('users.cjs', { collector: receiver.url, env })
  await (await fetch(`${host.url}/pool`, { headers: { 'x-login': 'u' } })).text()
  await host.stop()
  expect(named()).toEqual(['application:from the pool'])
})

test('the application’s own function wins, and may have nothing to say', async () => {
  const env = { APP_LOADS_AGENT: '1', APP_FUNCTION: 'quick', APP_COLLECTOR: receiver.url }
  const host = await serve('users.cjs', { env })
  for (const tenant of ['acme', '']) {
    await (await fetch(`${host.url}/whoami`, { headers: { 'x-tenant': tenant, 'x-login': 'u' } })).text()
  }
  await host.stop()
  expect(named()).toEqual(['application:acme', 'host:u'])
  expect(receiver.calls[0]!.attributes['callsight.consumer.plan']).toBe('gold')
})

test.each([
  ['async', 'the function returned a promise, which nobody waits for; return { id }, a text or undefined'],
  ['throws', 'Error: on purpose'],
])('a function that is no good (%s) harms nobody, and is switched off alone', async (which, message) => {
  const env = { APP_LOADS_AGENT: '1', APP_FUNCTION: which, APP_COLLECTOR: receiver.url }
  const host = await serve('users.cjs', { env })
  for (let i = 0; i < 12; i += 1) {
    const answer = await fetch(`${host.url}/whoami`, { headers: { 'x-login': 'u', 'x-tenant': 't' } })
    expect(await answer.text()).toBe('ok')
  }
  const { stderr } = await host.stop()
  expect(tally(named(), (name) => name)).toEqual({ 'host:u': 12 })
  expect(stderr).toContain('[callsight] fault in consumer function, the application is not affected: ')
  expect(stderr).toContain(message)
  expect(stderr).toContain('10 faults in consumer function within a minute: it is switched off in this process\n')
  expect(stderr.match(/\[callsight\]/g)).toHaveLength(2)
  expect(receiver.vitals).toMatchObject({ 'faults consumer function': 10, 'disabled consumer function': 1 })
})

test('client certificates: verified ones name the caller, once a connection', async () => {
  const host = await serve('mtls.cjs', { collector: receiver.url, env: { CALLSIGHT_KEY_SECRET: SECRET } })
  const pem = (name: string) => readFileSync(new URL(`app/certs/mtls-${name}.pem`, import.meta.url))
  const ask = (agent: Agent, path: string) =>
    new Promise<string>((resolve, reject) => {
      const options = { agent, headers: { 'x-api-key': 'k', 'x-consumer-id': '' } }
      get(`https://127.0.0.1:${host.port}${path}`, options, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve(text)
      }).on('error', reject)
    })
  for (const name of ['spiffe', 'name', 'mail', 'bare', 'stranger', undefined]) {
    const own = name === undefined ? {} : { key: pem(name), cert: pem(name) }
    const agent = new Agent({ ...own, ca: pem('ca'), keepAlive: true, maxSockets: 1 })
    await ask(agent, '/count')
    expect(await ask(agent, '/again')).toBe('0')
    agent.destroy()
  }
  await host.stop()
  const bare = createHash('sha256')
    .update(der(pem('bare').toString()))
    .digest('hex')
  const expected = [
    'mtls:spiffe://example.org/orders',
    'mtls:billing',
    `mtls:${keyed('ann@example.com')}`,
    `mtls:sha256:${bare}`,
    `api_key:${keyed('k')}`,
    `api_key:${keyed('k')}`,
  ]
  expect(named()).toEqual(expected.flatMap((name) => [name, name]))
})

function der(pem: string): Buffer {
  return Buffer.from(/BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem)![1]!, 'base64')
}

const addresses = () => receiver.calls.map(({ attributes }) => attributes['client.address'])

test.each<[trusted: string, headers: Record<string, string>, address: string]>([
  ['', { 'x-forwarded-for': '203.0.113.9' }, '127.0.0.1'],
  ['10.0.0.0/8', { 'x-forwarded-for': '203.0.113.9' }, '127.0.0.1'],
  ['loopback', { 'x-forwarded-for': '1.1.1.1, 203.0.113.9' }, '203.0.113.9'],
  ['127.0.0.1', { 'x-forwarded-for': '203.0.113.9, 127.0.0.1' }, '203.0.113.9'],
  ['1', { 'x-forwarded-for': '1.1.1.1, 203.0.113.9' }, '203.0.113.9'],
  ['loopback', { 'x-forwarded-for': 'nonsense' }, '127.0.0.1'],
  ['loopback', { forwarded: 'for="[2001:db8::9]:1"' }, '2001:db8::9'],
  ['loopback', { 'x-real-ip': '203.0.113.9' }, '203.0.113.9'],
  ['loopback', { 'x-real-ip': '1.1.1.1', forwarded: 'for=1.1.1.1', 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9'],
  ['loopback', {}, '127.0.0.1'],
])('with trusted proxies "%s", %o comes from %s', async (trusted, headers, address) => {
  const host = await serve('http.cjs', { collector: receiver.url, env: { CALLSIGHT_TRUSTED_PROXIES: trusted } })
  const gateway = { ...headers, 'x-consumer-username': 'acme' }
  for (const each of [gateway, gateway]) await (await fetch(`${host.url}/text`, { headers: each })).text()
  const { stderr } = await host.stop()
  expect(addresses()).toEqual([address, address])
  // The same trust decides whether a gateway's word counts.
  expect(named()[0]).toBe(['', '10.0.0.0/8'].includes(trusted) ? '-' : 'gateway:acme')
  expect(stderr).toBe('')
})

test.each([
  ['truncated', /^127\.0\.0\.0$/],
  ['hashed', /^ip_[0-9a-f]{32}$/],
  ['off', undefined],
])('client address %s', async (mode, expected) => {
  const env = { CALLSIGHT_CLIENT_ADDRESS: mode, CALLSIGHT_KEY_SECRET: SECRET }
  const host = await serve('http.cjs', { collector: receiver.url, env })
  for (let i = 0; i < 2; i += 1) {
    await new Promise<void>((resolve) => {
      const headers = { host: 'shop', 'x-forwarded-for': '203.0.113.9', 'cf-connecting-ip': '203.0.113.9' }
      httpRequest(`${host.url}/text`, { headers }, (response) => response.resume().on('end', resolve)).end()
    })
  }
  await host.stop()
  expect(addresses()).toEqual(Array(2).fill(expected === undefined ? undefined : expect.stringMatching(expected)))
  if (mode !== 'off') expect(new Set(addresses()).size).toBe(1)
  expect(receiver.calls[0]?.attributes['http.request.header.host']).toEqual(['shop'])
  for (const body of receiver.contents) expect(body.toString('latin1')).not.toMatch(/127\.0\.0\.1|203\.0\.113/)
})

test('a caller that leaves in the middle is still named', async () => {
  const host = await serve('http.cjs', { collector: receiver.url, env: { CALLSIGHT_TRUSTED_PROXIES: 'loopback' } })
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-consumer-username': 'acme' }
  await new Promise<void>((resolve) => {
    const request = httpRequest(`${host.url}/part`, { headers }, (response) => {
      response.once('data', () => request.destroy())
      response.on('error', () => {})
      response.on('close', () => resolve())
    })
    request.on('error', () => {})
    request.end()
  })
  const aborted = await until('the aborted call', () =>
    receiver.calls.find(({ attributes }) => attributes['callsight.outcome'] === 'aborted'),
  )
  await host.stop()
  expect(aborted.attributes).toMatchObject({
    'client.address': '203.0.113.9',
    'callsight.consumer.id': 'acme',
    'callsight.consumer.source': 'gateway',
  })
})

test.each(['0', '1'])('no raw key is ever on the wire, trace ratio %s', async (ratio) => {
  const env = { CALLSIGHT_KEY_SECRET: SECRET, CALLSIGHT_TRACE_RATIO: ratio, CALLSIGHT_CAPTURE_BODIES: 'all' }
  const host = await serve('users.cjs', { collector: receiver.url, env })
  const raw = 'rawkey4711'
  const pair = Buffer.from(`${raw}:pass4711`).toString('base64')
  const claims = token({ sub: `${raw}-sub` }, 'unchecked')
  const asks: [string, Record<string, string>][] = [
    ['', { 'x-api-key': raw }],
    ['', { 'x-consumer-id': raw }],
    ['', { authorization: `Bearer ${raw}` }],
    ['', { authorization: `Basic ${pair}` }],
    ['', { authorization: `Bearer ${claims}` }],
    [`?api_key=${raw}`, {}],
    [`?access_token=${claims}`, {}],
    ['', { 'x-login': `${raw}@example.com` }],
  ]
  for (const [query, headers] of asks) await (await fetch(`${host.url}/whoami${query}`, { headers })).text()
  await (await fetch(`${host.url}/nowhere?api_key=${raw}`)).text()
  await host.stop()
  expect(receiver.calls).toHaveLength(asks.length + 1)
  expect(named().every((name) => /:key_[0-9a-f]{32}\??$/.test(name))).toBe(true)
  // The same key is the same consumer, wherever it stands.
  expect(new Set([0, 1, 2, 3, 5, 8].map((i) => named()[i]))).toEqual(new Set([`api_key:${keyed(raw)}`]))
  const wire = Buffer.concat(receiver.contents)
  for (const secret of [raw, 'pass4711', pair, claims.split('.')[1]!]) expect(wire.includes(secret)).toBe(false)
})

test('bad values are said once, and the defaults used', async () => {
  const env = {
    CALLSIGHT_TRUSTED_PROXIES: 'everybody',
    CALLSIGHT_FORWARDED_HEADER: 'not a header',
    CALLSIGHT_GATEWAY_HEADERS: 'no, good one',
    CALLSIGHT_CLIENT_ADDRESS: 'some',
  }
  const host = await serve('http.cjs', { collector: receiver.url, env })
  await (await fetch(`${host.url}/text`, { headers: { 'x-forwarded-for': '203.0.113.9' } })).text()
  const { stderr } = await host.stop()
  expect(addresses()).toEqual(['127.0.0.1'])
  expect(stderr.trim().split('\n')).toEqual([
    '[callsight] CALLSIGHT_TRUSTED_PROXIES: "everybody" is not addresses, network/prefix, loopback, private and linklocal separated by commas, a number of hops from 1 to 16, or none; using []',
    '[callsight] CALLSIGHT_FORWARDED_HEADER: "not a header" is not header names separated by commas; using ["x-forwarded-for","forwarded","x-real-ip"]',
    '[callsight] CALLSIGHT_GATEWAY_HEADERS: "no, good one" is not header names separated by commas, or none; using ["x-consumer-custom-id","x-consumer-id","x-consumer-username","x-credential-identifier","x-amzn-oidc-identity","x-ms-client-principal-id","x-goog-authenticated-user-id","x-auth-request-user"]',
    '[callsight] CALLSIGHT_CLIENT_ADDRESS: "some" is not full, truncated, hashed or off; using "full"',
  ])
})
