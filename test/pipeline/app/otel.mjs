// A program with a stock OpenTelemetry SDK and nothing of Callsight.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { NodeSDK } = require('@opentelemetry/sdk-node')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const { trace } = require('@opentelemetry/api')
const { OTLPTraceExporter } = require(
  process.env.PROTOCOL === 'http/json'
    ? '@opentelemetry/exporter-trace-otlp-http'
    : '@opentelemetry/exporter-trace-otlp-proto',
)

const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter(), instrumentations: [new HttpInstrumentation()] })
sdk.start()
const http = require('node:http')

function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject)
  })
}

const server = http.createServer(async (request, response) => {
  if (request.url.startsWith('/hello')) {
    await trace.getTracer('app').startActiveSpan('look up', async (span) => {
      await get(process.env.UPSTREAM)
      span.end()
    })
    response.end('hello')
  } else {
    response.statusCode = 404
    response.end()
  }
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const own = `http://127.0.0.1:${server.address().port}`
for (let i = 0; i < 5; i++) await get(`${own}/hello/42?name=secret`)
for (let i = 0; i < 2; i++) await get(`${own}/nothing`)
server.close()
await sdk.shutdown()
