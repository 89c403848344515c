// OpenTelemetry as its documentation has it: HTTP instrumentation, every request traced, batches sent as protobuf.
const { NodeSDK, tracing } = require('@opentelemetry/sdk-node')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto')

new NodeSDK({
  serviceName: 'bench',
  traceExporter: new OTLPTraceExporter(),
  instrumentations: [new HttpInstrumentation()],
  metricReaders: [],
  logRecordProcessors: [],
  sampler: new tracing.AlwaysOnSampler(),
}).start()
