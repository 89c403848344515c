// The application's own OpenTelemetry SDK, as its documentation says to start one. Prints the spans it would export.
const { NodeSDK } = require('@opentelemetry/sdk-node')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')

const printer = {
  onStart() {},
  onEnd: (span) => console.log(`span ${span.kind} ${span.name} ${span.spanContext().spanId}`),
  forceFlush: async () => {},
  shutdown: async () => {},
}
new NodeSDK({
  spanProcessors: [printer],
  instrumentations: [new HttpInstrumentation()],
  metricReaders: [],
  logRecordProcessors: [],
}).start()
