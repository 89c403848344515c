import { propagation, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import { afterEach, expect, test, vi } from 'vitest'
import { readPropagator, readSpanLimits } from './otelenv.ts'

afterEach(() => vi.unstubAllEnvs())

const span: SpanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
const active = propagation.setBaggage(
  trace.setSpanContext(ROOT_CONTEXT, span),
  propagation.createBaggage({ tenant: { value: 'acme' } }),
)
const W3C = { traceparent: `00-${span.traceId}-${span.spanId}-01`, baggage: 'tenant=acme' }
const B3 = { b3: `${span.traceId}-${span.spanId}-1` }

test.each<[string, Record<string, string>]>([
  ['', W3C],
  ['tracecontext', { traceparent: W3C.traceparent }],
  ['baggage', { baggage: W3C.baggage }],
  ['b3', B3],
  ['tracecontext, b3, b3', { traceparent: W3C.traceparent, ...B3 }],
  ['b3multi', { 'x-b3-traceid': span.traceId, 'x-b3-spanid': span.spanId, 'x-b3-sampled': '1' }],
  ['jaeger', { 'uber-trace-id': `${span.traceId}:${span.spanId}:0:01`, 'uberctx-tenant': 'acme' }],
  ['tracecontext,constructor', { traceparent: W3C.traceparent }],
])('OTEL_PROPAGATORS=%s', (names, expected) => {
  vi.stubEnv('OTEL_PROPAGATORS', names)
  const carrier: Record<string, string> = {}
  readPropagator()!.inject(active, carrier, {
    set: (to, key, value) => Object.assign(to, { [key.toLowerCase()]: value }),
  })
  expect(carrier).toEqual(expected)
})

test.each(['none', 'tracecontext,none', 'unknown'])('OTEL_PROPAGATORS=%s: none at all', (names) => {
  vi.stubEnv('OTEL_PROPAGATORS', names)
  expect(readPropagator()).toBeUndefined()
})

test('limits of spans: their own variable, else the common one', () => {
  vi.stubEnv('OTEL_ATTRIBUTE_COUNT_LIMIT', '7')
  vi.stubEnv('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '100')
  vi.stubEnv('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', '50')
  vi.stubEnv('OTEL_SPAN_LINK_COUNT_LIMIT', '3')
  expect(readSpanLimits()).toEqual({
    attributeCountLimit: 7,
    attributeValueLengthLimit: 50,
    eventCountLimit: undefined,
    linkCountLimit: 3,
    attributePerEventCountLimit: undefined,
    attributePerLinkCountLimit: undefined,
  })
})
