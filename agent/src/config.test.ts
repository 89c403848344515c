import { expect, test } from 'vitest'
import { privateNames, readConfig } from './config.ts'

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
