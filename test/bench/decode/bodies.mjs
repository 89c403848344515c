// Requests as our agent and as a stock OpenTelemetry SDK send them.
import { createRequire } from 'node:module'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'

const require = createRequire(import.meta.url)
const agent = (part) => require(`../../../agent/dist/${part}.js`)
const { Bytes } = agent('ship/bytes')
const { encodeResource, encodeScope, encodeTraces } = agent('ship/otlp')
const { encodeAgent, encodeClient, encodeConsumer, writeCall, writeDetail } = agent('ship/record')
const { VERSION } = agent('resource')

const routes = ['/books', '/books/:id', '/books/:id/reviews', '/orders', '/orders/:id', '/users/:id/cart', '/search']
const methods = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'GET']
const statuses = [200, 200, 200, 200, 200, 200, 201, 204, 304, 404, 500]
const browsers = Array.from(
  { length: 20 },
  (_, i) => `Mozilla/5.0 (X11; Linux x86_64; rv:${100 + i}.0) Gecko/20100101 Firefox/${100 + i}.0`,
)
const outcomeOf = (status) => (status >= 500 ? 'server_error' : status >= 400 ? 'client_error' : 'ok')
const pick = (list, i) => list[i % list.length]
const mixed = (i, most) => (Math.imul(i + 1, 2654435761) >>> 8) % most

/** @param detailed one call of so many carries headers and bodies; 0 for none */
export function agentBody(count, seed, now, detailed = 0) {
  const operations = routes.map((route, i) => ({
    name: `${methods[i]} ${route}`,
    method: methods[i],
    route,
    source: 'framework',
    shapes: new Map(),
  }))
  const spans = new Bytes(1 << 20)
  for (let n = 0; n < count; n++) {
    const i = seed * count + n
    const status = pick(statuses, mixed(i, 1000))
    const operation = pick(operations, mixed(i + 7, 1000))
    const call = {
      kind: { direction: 'in' },
      status,
      span: undefined,
      parent: undefined,
      requestBytes: operation.method === 'GET' ? 0 : 300 + mixed(i, 900),
      responseBytes: 200 + mixed(i, 20_000),
      loopWait: 0,
      peer: encodeClient(`10.0.${mixed(i, 30)}.${mixed(i, 200)}`),
      errorCode: undefined,
      attributes: undefined,
    }
    const ending = {
      operation,
      outcome: outcomeOf(status),
      duration: 500 + mixed(i, 90_000),
      firstByte: 400 + mixed(i, 60_000),
      started: now * 1000 - mixed(i, 5_000_000),
      path: operation.route.replace(':id', String(mixed(i, 100_000))),
      consumer: encodeConsumer({ id: `consumer-${mixed(i, 300)}` }, 'api_key'),
      agent: encodeAgent(pick(browsers, mixed(i, 500))),
    }
    const message = writeCall(spans, call, ending)
    if (detailed > 0 && n % detailed === 0) writeDetail(spans, message, detail(i))
  }
  const resource = encodeResource({
    'service.name': 'checkout',
    'service.version': '1.4.2',
    'service.instance.id': '6f1c9a50-8f0e-4c3b-9b77-0d1f3a2b4c5d',
    'deployment.environment.name': 'production',
    'host.name': 'web-1',
    'process.pid': 4711,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.distro.name': 'callsight',
    'telemetry.distro.version': VERSION,
  })
  return Buffer.from(encodeTraces(resource, [{ scope: encodeScope('@callsight/agent', VERSION), spans }]))
}

function detail(i) {
  const item = { id: i, title: 'The name of the book', price: 12.5, tags: ['novel', 'classic'], available: true }
  return {
    reason: 'sampled',
    redaction: 'r1',
    query: 'page=2&limit=20',
    requestHeaders: [
      ['host', ['api.example.com']],
      ['accept', ['application/json']],
      ['content-type', ['application/json']],
      ['authorization', ['***']],
      ['user-agent', [pick(browsers, i)]],
    ],
    answerHeaders: [
      ['content-type', ['application/json; charset=utf-8']],
      ['content-length', ['1532']],
      ['etag', ['W/"5fc-abc"']],
    ],
    requestBody: Buffer.from(JSON.stringify(item)),
    responseBody: Buffer.from(JSON.stringify(Array.from({ length: 12 }, () => item))),
    requestTruncated: false,
    responseTruncated: false,
  }
}

/** Twelve attributes, as @opentelemetry/instrumentation-http 0.223 writes them for an incoming request. */
export function stockBody(count, seed, now, wire = 'protobuf') {
  const resource = {
    attributes: {
      'service.name': 'checkout',
      'service.version': '1.4.2',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': '2.9.0',
      'process.pid': 4711,
      'host.name': 'web-1',
    },
  }
  const scope = { name: '@opentelemetry/instrumentation-http', version: '0.223.0' }
  const time = (ms) => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
  const hex = (i, length) => (Math.imul(i + 1, 2654435761) >>> 0).toString(16).padStart(length, 'a1b2c3d4e5f60718')
  const spans = Array.from({ length: count }, (_, n) => {
    const i = seed * count + n
    const route = pick(routes, mixed(i + 7, 1000))
    const method = pick(methods, mixed(i + 7, 1000))
    const status = pick(statuses, mixed(i, 1000))
    const started = now - mixed(i, 5000)
    return {
      name: `${method} ${route}`,
      kind: 1,
      spanContext: () => ({ traceId: hex(i, 32), spanId: hex(i + 1, 16), traceFlags: 1 }),
      parentSpanContext: undefined,
      startTime: time(started),
      endTime: time(started + 1 + mixed(i, 90)),
      status: { code: status >= 500 ? 2 : 0 },
      attributes: {
        'http.request.method': method,
        'url.scheme': 'https',
        'url.path': route.replace(':id', String(mixed(i, 100_000))),
        'http.route': route,
        'server.address': 'api.example.com',
        'server.port': 443,
        'client.address': `10.0.${mixed(i, 30)}.${mixed(i, 200)}`,
        'user_agent.original': pick(browsers, mixed(i, 500)),
        'network.peer.address': `10.0.0.${mixed(i, 9)}`,
        'network.peer.port': 30_000 + mixed(i, 20_000),
        'network.protocol.version': '1.1',
        'http.response.status_code': status,
      },
      links: [],
      events: [],
      duration: [0, 0],
      ended: true,
      resource,
      instrumentationScope: scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    }
  })
  const serializer = wire === 'json' ? JsonTraceSerializer : ProtobufTraceSerializer
  return Buffer.from(serializer.serializeRequest(spans))
}
