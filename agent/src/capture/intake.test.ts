import { expect, test } from 'vitest'
import { isIntakeHost, isIntakeRequest } from './intake.ts'

test.each([
  'instrumentation-telemetry-intake.datadoghq.com',
  'trace.agent.datadoghq.eu',
  'http-intake.logs.us5.datadoghq.com',
  'collector.newrelic.com',
  'collector.eu01.nr-data.net',
  'log-api.eu.newrelic.com',
  'hub.apitally.io',
  'api.moesif.net',
  'ingress.treblle.com',
  'otlp-gateway-prod-eu-west-2.grafana.net',
  'serverless-blue-saas.instana.io',
  'westeurope-5.in.applicationinsights.azure.com',
  '169.254.169.254',
  '169.254.170.2',
  '[fd00:ec2::254]',
  'metadata.google.internal.',
])('%s is an intake', (host) => expect(isIntakeHost(host, 443)).toBe(true))

test('the port of a monitor’s agent is an intake', () => {
  expect(isIntakeHost('localhost', 8126)).toBe(true)
  expect(isIntakeHost('localhost', 8080)).toBe(false)
})

test.each([
  'api.datadoghq.com',
  'api.newrelic.com',
  'api.example.com',
  'sentry.io',
  'agent.example.com',
  'localhost',
  'metadata.shop',
  '10.169.254.169',
])('%s may be called', (host) => expect(isIntakeHost(host, 443)).toBe(false))

test.each([
  ['/api/42/envelope/?sentry_key=x', undefined],
  ['/v0.5/traces', undefined],
  ['/telemetry/proxy/api/v2/apmtelemetry', undefined],
  ['/intake/v2/events?flushed=true', undefined],
  ['/', 'apm-agent-nodejs/4.10.0 (shop)'],
  ['/agent_listener/invoke_raw_method?method=connect', undefined],
  ['/v1/traces', 'OTel-OTLP-Exporter-JavaScript/0.223.0'],
  ['/otlp/v1/metrics', 'my opentelemetry exporter'],
  ['/opentelemetry.proto.collector.trace.v1.TraceService/Export', 'grpc-node-js/1.10'],
  ['/anything', 'callsight-agent/0.1.0'],
])('%s by %s reports to a monitor', (path, userAgent) => expect(isIntakeRequest(path, userAgent)).toBe(true))

test.each([
  ['/v1/traces', undefined],
  ['/v1/logs', 'node'],
  ['/info', undefined],
  ['/api/users/envelope', 'node'],
  ['/v2/orders', 'axios/1.7'],
])('%s by %s is a call', (path, userAgent) => expect(isIntakeRequest(path, userAgent)).toBe(false))
