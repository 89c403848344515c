// As its documentation has it: HTTP instrumentations, every request traced, batches over OTLP protobuf.
// OTEL_EXPORTER_OTLP_ENDPOINT says where to. `require` is that of the folder with the version to use.
module.exports = (require) => {
  const { NodeSDK } = require('@opentelemetry/sdk-node')
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
  const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici')
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto')

  new NodeSDK({
    serviceName: 'monitored',
    traceExporter: new OTLPTraceExporter(),
    instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()],
  }).start()
}
