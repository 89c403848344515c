import { createRequire } from 'node:module'
import { callOf, documentOf, randomFrom, services } from './mix.mjs'

/*
 * Request bodies, made once: as the agent sends them, by its own encoder; and as a stock SDK does, by OpenTelemetry's.
 */

const require = createRequire(import.meta.url)
const agent = (file) => require(`../../../agent/dist/${file}`)

export const kinds = ['agent', 'agent-payloads', 'stock']

/** `{ lean, rich, share }`: bodies, those whose calls all carry headers and bodies, and the share of calls in these. */
export function bodiesOf(kind, count) {
  const random = randomFrom(7)
  const make = kind === 'stock' ? stockBody : agentBody
  const lean = Array.from({ length: count }, (_, i) => make(services[i % services.length], i % 24, random, false))
  if (kind !== 'agent-payloads') return { lean, rich: [], share: 0 }
  const rich = Array.from({ length: count }, (_, i) => make(services[i % services.length], i % 24, random, true))
  return { lean, rich, share: 0.1 }
}

/**
 * The agent seals a batch at so many bytes, and keeps calls with detail in batches of their own: about 1,000 calls of
 * the one kind and 100 of the other.
 */
function agentBody(service, instance, random, detailed) {
  const { BATCH_BYTES } = agent('limits.js')
  const { Bytes } = agent('ship/bytes.js')
  const { encodeResource, encodeScope, encodeTraces } = agent('ship/otlp.js')
  const { writeCall, writeDetail } = agent('ship/record.js')
  const spans = new Bytes(BATCH_BYTES + 64 * 1024)
  const known = new Map()
  while (spans.length < BATCH_BYTES) {
    const made = callOf(service, random)
    const message = writeCall(spans, ...recordOf(made, known))
    if (detailed) writeDetail(spans, message, detailOf(made, random))
  }
  const resource = encodeResource({
    'service.name': service.name,
    'service.version': '1.4.2',
    'service.instance.id': `${service.name}-${instance}`,
    'deployment.environment.name': 'prod',
    'host.name': `host-${instance}`,
    'process.pid': 4711,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.distro.name': 'callsight',
    'telemetry.distro.version': '0.1.0',
  })
  return Buffer.from(encodeTraces(resource, [{ scope: encodeScope('@callsight/agent', '0.1.0'), spans }]))
}

/** What the agent's encoder takes: a call and its ending. */
function recordOf(made, known) {
  const { Call } = agent('call.js')
  const { Operation } = agent('capture/route.js')
  const { encodeAgent, encodeClient, encodeConsumer } = agent('ship/record.js')
  const { operation, consumer, status, outcome, path, requestBytes, responseBytes } = made
  const name = `${operation.method} ${operation.route}`
  if (!known.has(name)) known.set(name, new Operation(operation.method, operation.route, name, 'framework'))
  const kind = { direction: 'in', answerHeaders: () => ({}), answerHeader: () => undefined, end() {} }
  const call = new Call(kind, 0, operation.method, path, {})
  Object.assign(call, { status, requestBytes, responseBytes, peer: encodeClient(consumer.address) })
  const duration = Math.round(operation.median * 1000)
  const ending = {
    operation: known.get(name),
    outcome,
    duration,
    firstByte: Math.round(duration * 0.9),
    started: Date.now() * 1000,
    path,
    consumer: encodeConsumer({ id: consumer.id, name: consumer.name, plan: consumer.plan }, 'application'),
    agent: encodeAgent(consumer.agent),
  }
  return [call, ending]
}

function detailOf({ operation, requestBytes, responseBytes }, random) {
  const headers = [
    ['content-type', ['application/json']],
    ['accept', ['application/json']],
    ['x-request-id', [String(Math.floor(random() * 1e12))]],
  ]
  const json = (size) => Buffer.from(documentOf(random, size))
  return {
    reason: 'sampled',
    redaction: 'bench',
    query: '',
    requestHeaders: headers,
    answerHeaders: headers.slice(0, 1),
    requestBody: operation.method === 'GET' ? undefined : json(requestBytes),
    responseBody: json(responseBytes),
    requestTruncated: false,
    responseTruncated: false,
  }
}

/** What the batch processor of a stock SDK sends at a time by default. */
const SDK_BATCH = 512

function stockBody(service, instance, random) {
  const { ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer')
  const resource = {
    attributes: {
      'service.name': `${service.name}-otel`,
      'service.instance.id': `${service.name}-${instance}`,
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': '2.6.0',
    },
  }
  const instrumentationScope = { name: '@opentelemetry/instrumentation-http', version: '0.223.0' }
  const spans = Array.from({ length: SDK_BATCH }, (_, i) => ({
    ...spanOf(callOf(service, random), i),
    resource,
    instrumentationScope,
  }))
  return Buffer.from(ProtobufTraceSerializer.serializeRequest(spans))
}

/** A server span as `@opentelemetry/instrumentation-http` makes it under Express, with the user told by the application. */
function spanOf({ operation, consumer, status, path, responseBytes }, i) {
  const id = (i + 1).toString(16).padStart(16, '0')
  const seconds = Math.floor(Date.now() / 1000)
  return {
    name: `${operation.method} ${operation.route}`,
    kind: 1,
    spanContext: () => ({ traceId: `a000000000000000${id}`, spanId: id, traceFlags: 1 }),
    startTime: [seconds, 0],
    endTime: [seconds, operation.median * 1e6],
    status: { code: status >= 500 ? 2 : 0 },
    attributes: {
      'http.request.method': operation.method,
      'http.route': operation.route,
      'url.path': path,
      'url.scheme': 'http',
      'server.address': 'api.example.com',
      'server.port': 8080,
      'client.address': consumer.address,
      'network.protocol.version': '1.1',
      'user_agent.original': consumer.agent,
      'enduser.id': consumer.id,
      'http.response.status_code': status,
      'http.response.body.size': responseBytes,
    },
    links: [],
    events: [],
    duration: [0, operation.median * 1e6],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}
