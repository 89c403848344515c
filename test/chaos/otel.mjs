// A program with a stock OpenTelemetry exporter. It exports batches one after the other; a batch that the exporter gives
// up is exported again, so that each ends as a success. Told to stop by its parent, it finishes and sends its account.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base')
const { resourceFromAttributes } = require('@opentelemetry/resources')
const { SpanKind } = require('@opentelemetry/api')
const { OTLPTraceExporter } = require(
  process.env.PROTOCOL === 'grpc'
    ? '@opentelemetry/exporter-trace-otlp-grpc'
    : '@opentelemetry/exporter-trace-otlp-proto',
)

const account = { spans: 0, batches: 0, repeated: 0, complaints: [] }
let ended = []
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME }),
  spanProcessors: [
    { onStart() {}, onEnd: (span) => ended.push(span), forceFlush: async () => {}, shutdown: async () => {} },
  ],
})
const tracer = provider.getTracer('chaos')
const exporter = new OTLPTraceExporter({ compression: 'gzip' })
/** Final by the specification: HTTP 400, 413 …, and INVALID_ARGUMENT of gRPC. */
const final = (error) => (error?.code >= 400 && error.code < 500 && error.code !== 429) || error?.code === 3

let stopped = false
process.once('message', () => {
  stopped = true
})
while (!stopped || ended.length > 0) {
  for (let n = stopped ? 0 : Math.ceil(Math.random() * 40); n > 0; n--) {
    const attributes = { 'http.request.method': 'GET', 'http.route': `/${n % 7}`, 'http.response.status_code': 200 }
    tracer.startSpan('GET', { kind: SpanKind.SERVER, attributes }).end()
  }
  const batch = ended
  ended = []
  account.batches++
  for (let done = false; !done; ) {
    const { code, error } = await new Promise((resolve) => exporter.export(batch, resolve))
    done = code === 0
    if (!done) account.repeated++
    if (final(error)) account.complaints.push(`${process.env.OTEL_SERVICE_NAME}: refused for good: ${error.message}`)
  }
  account.spans += batch.length
  await new Promise((resolve) => setTimeout(resolve, 100))
}
process.send(account, () => process.exit())
