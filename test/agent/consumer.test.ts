import { createHash, createHmac } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run, serve, tally } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const keyed = (secret: string, key: string) =>
  `key_${createHmac('sha256', secret).update(sha256(key)).digest('hex').slice(0, 32)}`
const ids = () => receiver.calls.map((call) => call.attributes['callsight.consumer.id'])

test('keys from headers leave the process only as a keyed hash', async () => {
  const host = await serve('http.cjs', { collector: receiver.url, env: { CALLSIGHT_KEY_SECRET: 's3cret' } })
  const claims = (payload: object) =>
    `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`
  const asks: [Record<string, string>, string | undefined][] = [
    [{ 'x-consumer-id': 'acme', 'x-api-key': 'key-of-acme' }, 'acme'],
    [{ 'x-api-key': 'key-of-acme' }, 'key-of-acme'],
    [{ authorization: 'Bearer key-of-acme' }, 'key-of-acme'],
    [{ authorization: `Basic ${Buffer.from('user7:password').toString('base64')}` }, 'user7'],
    [{ authorization: `Bearer ${claims({ sub: 'subject', client_id: 'client' })}` }, 'client'],
    [{ authorization: `Bearer ${claims({ sub: 'subject' })}` }, 'subject'],
    [{}, undefined],
  ]
  for (const [headers] of asks) await (await fetch(`${host.url}/text`, { headers })).text()
  await host.stop()
  expect(ids()).toEqual(asks.map(([, key]) => key && keyed('s3cret', key)))
})

test('without a secret the ingest token stands in, as the collector expects', async () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20token7,x-tenant=a' }
  const host = await serve('http.cjs', { collector: receiver.url, env })
  await (await fetch(`${host.url}/text`, { headers: { 'x-api-key': 'k' } })).text()
  await host.stop()
  expect(ids()).toEqual([keyed(`token:${sha256('token7')}`, 'k')])
  expect(receiver.headers[0]).toMatchObject({ authorization: 'Bearer token7', 'x-tenant': 'a' })
})

test('without either the service name stands in, and that is said once', async () => {
  const host = await serve('http.cjs', { collector: receiver.url, env: { OTEL_SERVICE_NAME: 'shop' } })
  for (const key of ['k', 'other', 'k'])
    await (await fetch(`${host.url}/text`, { headers: { 'x-api-key': key } })).text()
  const { stderr } = await host.stop()
  expect(ids()).toEqual(['k', 'other', 'k'].map((key) => keyed('service:shop', key)))
  expect(stderr).toBe(
    '[callsight] consumer keys are hashed with the service name, which is no secret: set CALLSIGHT_KEY_SECRET\n',
  )
})

test.each(['0', '0.5'])('setConsumer across awaits under concurrency, trace ratio %s', async (ratio) => {
  const host = await serve('api.cjs', { collector: receiver.url, env: { CALLSIGHT_TRACE_RATIO: ratio } })
  await Promise.all(
    Array.from({ length: 90 }, async (_, i) => {
      const headers = { 'x-api-key': 'the header loses' }
      await (await fetch(`${host.url}/x?id=c${i % 9}`, { headers })).text()
    }),
  )
  await host.stop()
  expect(receiver.calls).toHaveLength(90)
  const each = Array.from({ length: 9 }, (_, i) => [`c${i}`, 10])
  expect(tally(receiver.calls, (call) => String(call.attributes['callsight.consumer.id']))).toEqual(
    Object.fromEntries(each),
  )
  expect(receiver.calls[0]!.attributes).toMatchObject({
    'callsight.consumer.plan': 'gold',
    'shop.cart': 3,
    'shop.vip': true,
  })
})

test('a consumer that cannot be looked at is ignored, however often, and said once', async () => {
  const host = await serve('api.cjs', { collector: receiver.url })
  for (let i = 0; i < 12; i++) await (await fetch(`${host.url}/lazy`)).text()
  await (await fetch(`${host.url}/x?id=a`)).text()
  const { stderr } = await host.stop()
  expect(stderr).toBe('[callsight] setConsumer needs an object with an id; ignored\n')
  expect(ids()).toEqual([...Array(12).fill(undefined), 'a'])
})

test('start(), flush(), stop() and start() again, in the application itself', async () => {
  const starts = JSON.stringify({
    endpoint: receiver.url,
    serviceName: 'shop',
    traceRatio: 0,
    bogus: 1,
    logLevel: 'warn',
  })
  const host = await serve('api.cjs', { env: { APP_STARTS: starts } })
  await (await fetch(`${host.url}/x?id=a`)).text()
  expect(await (await fetch(`${host.url}/flush`)).text()).toBe('true')
  expect(ids()).toContain('a')
  expect(receiver.calls[0]!.resource['service.name']).toBe('shop')
  await (await fetch(`${host.url}/stop`)).text()
  await (await fetch(`${host.url}/x?id=b`)).text()
  await (await fetch(`${host.url}/start`)).text()
  await (await fetch(`${host.url}/x?id=c`)).text()
  const end = await host.stop()
  expect(ids()).not.toContain('b')
  expect(ids()).toContain('c')
  const bogus = '[callsight] start({ bogus }): there is no such option; it is ignored\n'
  expect(end.stderr).toBe(bogus + bogus)
})

test('switched off, it does nothing at all', async () => {
  for (const env of [{ CALLSIGHT_ENABLED: 'false' }, { OTEL_SDK_DISABLED: 'true' }] as Record<string, string>[]) {
    const host = await serve('http.cjs', { collector: receiver.url, env })
    await (await fetch(`${host.url}/text`)).text()
    expect(await host.stop()).toMatchObject({ signal: 'SIGTERM', stderr: '' })
  }
  expect(receiver.bodies).toEqual([])
})

test('a bad value is said once, with its name and what is used instead', async () => {
  const env = { CALLSIGHT_TRACE_RATIO: 'lots', CALLSIGHT_LOG_LEVEL: 'loud', OTEL_EXPORTER_OTLP_HEADERS: 'nonsense' }
  const end = await run('ends.cjs', { collector: receiver.url, env }).ended
  expect(end.code).toBe(0)
  expect(end.stderr.trim().split('\n')).toEqual([
    '[callsight] OTEL_EXPORTER_OTLP_HEADERS: the value is not name=value pairs separated by commas; using the default',
    '[callsight] CALLSIGHT_TRACE_RATIO: "lots" is not a number from 0 to 1; using 0.1',
    '[callsight] CALLSIGHT_LOG_LEVEL: "loud" is not none, error, warn, info, debug; using "warn"',
  ])
  expect(receiver.calls).toHaveLength(10)
})
