import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Config, compressionOf, type Options, privateNames, readConfig } from './config.ts'

test('start() wins over the environment, and that over the default', () => {
  const env = { CALLSIGHT_TRACE_RATIO: '0.5', OTEL_SERVICE_NAME: 'shop', CALLSIGHT_CONSUMER_HEADER: 'X-Tenant, x-key' }
  const { config, faults } = readConfig({ traceRatio: 0.2 }, env)
  expect(faults).toEqual([])
  expect(config).toMatchObject({
    traceRatio: 0.2,
    serviceName: 'shop',
    consumerHeader: ['x-tenant', 'x-key'],
    endpoint: 'http://127.0.0.1:4318',
  })
})

test('an empty variable is no variable', () => {
  expect(readConfig({}, { CALLSIGHT_TRACE_RATIO: '', OTEL_EXPORTER_OTLP_ENDPOINT: '' }).faults).toEqual([])
})

test('every fault names its variable, and a secret is not repeated', () => {
  const { config, faults } = readConfig({ consumerHeader: 'not a header', nonsense: 1 } as object, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318',
    OTEL_EXPORTER_OTLP_HEADERS: 'x=s3cret\u0000',
    OTEL_RESOURCE_ATTRIBUTES: 'just words',
    CALLSIGHT_ENABLED: 'perhaps',
    CALLSIGHT_TRACE_RATIO: '1.5',
  })
  expect(faults).toEqual([
    'CALLSIGHT_ENABLED: "perhaps" is not true or false; using true',
    'OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" is not an http:// or https:// address; using "http://127.0.0.1:4318"',
    'OTEL_EXPORTER_OTLP_HEADERS: the value is not name=value pairs separated by commas; using the default',
    'OTEL_RESOURCE_ATTRIBUTES: "just words" is not name=value pairs separated by commas; using {}',
    'start({ consumerHeader }): "not a header" is not header names separated by commas; using ["x-consumer-id","x-api-key","authorization"]',
    'CALLSIGHT_TRACE_RATIO: "1.5" is not a number from 0 to 1; using 0.1',
    'start({ nonsense }): there is no such option; it is ignored',
  ])
  expect(config.headers).toEqual({})
})

test('headers and attributes are percent-decoded', () => {
  const { config } = readConfig(
    {},
    {
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20abc, x-b=1=2',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,team=a%2Cb',
    },
  )
  expect(config.headers).toEqual({ authorization: 'Bearer abc', 'x-b': '1=2' })
  expect(config.resourceAttributes).toEqual({ 'deployment.environment.name': 'prod', team: 'a,b' })
})

test('who may speak for whom: lists, a number, none, and a function that no variable can give', () => {
  const ask = () => 'acme'
  const { config, faults } = readConfig(
    { trustedProxies: 2, consumerQuery: [], gatewayHeaders: 'none', clientAddress: 'hashed', consumer: ask },
    { CALLSIGHT_FORWARDED_HEADER: 'CF-Connecting-IP' },
  )
  expect(faults).toEqual([])
  expect(config).toMatchObject({
    trustedProxies: ['2'],
    consumerQuery: [],
    gatewayHeaders: [],
    clientAddress: 'hashed',
    consumer: ask,
    forwardedHeader: ['cf-connecting-ip'],
  })
  const text = 'loopback, 10.0.0.0/8,fd00::/8'
  expect(readConfig({}, { CALLSIGHT_TRUSTED_PROXIES: text }).config.trustedProxies).toHaveLength(3)
  for (const none of ['0', 'none', 0])
    expect(readConfig({ trustedProxies: none }, {}).config.trustedProxies).toEqual([])
  expect(readConfig({ consumer: 'acme' } as object, { consumer: 'x' }).faults).toEqual([
    'start({ consumer }): "acme" is not a function; using the default',
  ])
})

test('whatever carries a key is known by name', () => {
  const { config } = readConfig({ consumerHeader: 'X-Key', consumerQuery: 'token' }, {})
  expect(privateNames(config)).toEqual(['x-key', 'token'])
})

/** Rows of the table of options in docs/agent.md: variables, names in `start()`, the default. */
function documented(): { env: string[]; name: string; fallback: string }[] {
  const page = readFileSync(new URL('../../docs/agent.md', import.meta.url), 'utf8')
  const table = page.slice(page.indexOf('## Options'), page.indexOf('## Which calls'))
  return [...table.matchAll(/^\| ([^|]*)\| `(\w+)` \| .* \| ?([^|]*)\|$/gm)].map(([, env, name, fallback]) => ({
    env: [...env!.matchAll(/`(\w+)`/g)].map(([, variable]) => variable!),
    name: name!,
    fallback: fallback!.replaceAll('`', '').trim(),
  }))
}

test('the page tells every option, by the names it has', () => {
  const { config } = readConfig({}, {})
  const known = Object.keys(config).filter((name) => name !== 'disabled')
  expect(
    documented()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(known.sort())
  // A symbol is a good value for nothing: each variable that is read complains of it.
  const bad = Symbol('bad') as unknown as string
  for (const { env, name } of documented()) {
    for (const variable of env) expect(readConfig({}, { [variable]: bad }).faults.join()).toContain(`${variable}: `)
    expect(readConfig({ [name]: bad }, {}).faults.join()).toContain(`start({ ${name} }): `)
  }
})

test('the page tells the default of every option', () => {
  const { config } = readConfig({}, {})
  const described = /^(the name in|version from|see below|none$|from the token|$)/
  const plain = documented().filter(({ fallback }) => !described.test(fallback))
  expect(plain.length).toBeGreaterThan(12)
  for (const { name, fallback } of plain) expect([name, String(config[name as keyof Config])]).toEqual([name, fallback])
})

test('every option has its type', () => {
  // Neither more nor fewer names than there are: anything else does not compile.
  const names: Record<Exclude<keyof Config, 'disabled'>, true> extends Record<keyof Options, true> ? true : false = true
  const back: Record<keyof Options, true> extends Record<Exclude<keyof Config, 'disabled'>, true> ? true : false = true
  expect([names, back]).toEqual([true, true])
})

test.each([
  ['http://localhost:4318', {}, 'waiting'],
  ['http://127.0.0.1:4318', {}, 'waiting'],
  ['https://[::1]:4318/', {}, 'waiting'],
  ['https://collector.example.com', {}, 'gzip'],
  ['http://127.example.com', {}, 'gzip'],
  ['http://localhost:4318', { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, 'gzip'],
  ['https://collector.example.com', { OTEL_EXPORTER_OTLP_COMPRESSION: 'none' }, 'none'],
])('compression towards %s with %o: %s', (endpoint, env, expected) => {
  const { config, faults } = readConfig({ endpoint }, env)
  expect(faults).toEqual([])
  expect(compressionOf(config)).toBe(expected)
})
