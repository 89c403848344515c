import { randomBytes } from 'node:crypto'

/** An ExportTraceServiceRequest as OTLP/JSON with server spans of its own, a millisecond each. */
export function tracesOf(service: string, count = 1, overrides: object = {}) {
  const startNs = BigInt(Date.now()) * 1_000_000n
  const spans = Array.from({ length: count }, () => ({
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'GET',
    kind: 2,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + 1_000_000n),
    attributes: [
      { key: 'http.request.method', value: { stringValue: 'GET' } },
      { key: 'http.route', value: { stringValue: '/books/:id' } },
      { key: 'http.response.status_code', value: { intValue: '200' } },
    ],
    ...overrides,
  }))
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] }
}

/** The same for generated code, whose bytes are bytes: ids are base64 there. */
export function asProtobuf<T>(request: T): T {
  return JSON.parse(JSON.stringify(request), (key, value) =>
    key === 'traceId' || key === 'spanId' || key === 'parentSpanId'
      ? Buffer.from(value, 'hex').toString('base64')
      : value,
  )
}
