// Calls servers one call after the other: CALLS is a list of [URL, how often]. CLIENT is fetch or http. With STOCK a stock
// OpenTelemetry SDK tells of the calls, and of the headers of their answers that STOCK names.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { CALLS, CLIENT, STOCK } = process.env

let sdk
if (STOCK) {
  const { NodeSDK } = require('@opentelemetry/sdk-node')
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto')
  const headersToSpanAttributes = { client: { responseHeaders: STOCK.split(',') } }
  const instrumentations = [new HttpInstrumentation({ headersToSpanAttributes })]
  sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter(), instrumentations })
  sdk.start()
}
const http = require('node:http')

const clients = {
  fetch: async (url) => void (await (await fetch(url)).text()),
  http: (url) =>
    new Promise((resolve, reject) => {
      http.get(url, (response) => response.resume().on('end', resolve)).on('error', reject)
    }),
}
for (const [url, times] of JSON.parse(CALLS)) {
  for (let i = 0; i < times; i++) await clients[CLIENT](url)
}
await sdk?.shutdown()
