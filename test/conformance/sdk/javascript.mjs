// A program with the stock OpenTelemetry SDK for JavaScript: traces, metrics and logs over PROTOCOL. It prints the spans
// it made and how each export ended.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { context, SpanKind, SpanStatusCode } = require('@opentelemetry/api')
const { resourceFromAttributes } = require('@opentelemetry/resources')
const { BasicTracerProvider, SimpleSpanProcessor, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base')
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks')
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics')
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs')

const kind = { 'http/protobuf': 'proto', 'http/json': 'http', grpc: 'grpc' }[process.env.PROTOCOL]
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${kind}`)
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${kind}`)
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`)

const results = { traces: [], metrics: [], logs: [] }
/** Notes how each export ended. */
function watched(signal, exporter) {
  const { export: send } = exporter
  exporter.export = (items, done) =>
    send.call(exporter, items, (result) => {
      results[signal].push({ code: result.code, ...(result.error && { error: String(result.error) }) })
      done(result)
    })
  return exporter
}

const made = []
const keeper = {
  export(spans, done) {
    made.push(...spans)
    done({ code: 0 })
  },
}

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const resource = resourceFromAttributes({
  'service.name': 'stock',
  'service.version': '9',
  'service.instance.id': 'i-1',
})
const tracing = new BasicTracerProvider({
  resource,
  spanProcessors: [
    new BatchSpanProcessor(watched('traces', new OTLPTraceExporter()), {
      maxExportBatchSize: 64,
      scheduledDelayMillis: 60_000,
    }),
    new SimpleSpanProcessor(keeper),
  ],
})
const tracer = tracing.getTracer('stock', '1.0')
const reader = new PeriodicExportingMetricReader({
  exporter: watched('metrics', new OTLPMetricExporter()),
  exportIntervalMillis: 60_000,
})
const metering = new MeterProvider({ resource, readers: [reader] })
const logging = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: watched('logs', new OTLPLogExporter()) })],
})

const rounds = Number(process.env.ROUNDS ?? '5')
for (let round = 0; round < rounds; round++) {
  tracer.startActiveSpan(
    'POST /orders/:id',
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/orders/:id',
        'url.path': `/orders/${round}`,
        'http.response.status_code': round % 2 === 0 ? 201 : 500,
        'http.request.body.size': 1000 + round,
        'client.address': '10.0.0.1',
        'user_agent.original': 'żółw 🐢',
        list: ['a', 'b'],
        share: 0.5,
        first: round === 0,
      },
    },
    (server) => {
      if (round % 2 === 1) server.setStatus({ code: SpanStatusCode.ERROR, message: 'it broke' })
      tracer.startActiveSpan('work', { attributes: { step: round } }, (inner) => {
        inner.addEvent('half', { at: 'once' })
        tracer
          .startSpan('GET', {
            kind: SpanKind.CLIENT,
            attributes: {
              'http.request.method': 'GET',
              'url.full': 'http://prices.example:8080/prices/7?key=secret',
              'server.address': 'prices.example',
              'http.response.status_code': 200,
            },
          })
          .end()
        inner.end()
      })
      server.end()
    },
  )
}
const meter = metering.getMeter('stock')
meter.createCounter('orders').add(3, { kind: 'new' })
meter.createHistogram('sizes').record(7.5)
meter.createObservableGauge('load').addCallback((result) => result.observe(0.25))
const logger = logging.getLogger('stock')
for (let i = 0; i < 3; i++) logger.emit({ severityNumber: 9, body: `line ${i}`, attributes: { i } })

await tracing.forceFlush().catch(() => {})
await metering.forceFlush().catch(() => {})
await logging.forceFlush().catch(() => {})
const ns = ([seconds, nanoseconds]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds))
const spans = made.map((span) => ({
  ...{ traceId: span.spanContext().traceId, spanId: span.spanContext().spanId },
  parentSpanId: span.parentSpanContext?.spanId ?? '',
  kind: span.kind,
  name: span.name,
  startNs: ns(span.startTime),
  endNs: ns(span.endTime),
  attributes: span.attributes,
}))
console.log(JSON.stringify({ results, spans }))
// Not by a shutdown, which would send the metrics once more.
process.exit()
