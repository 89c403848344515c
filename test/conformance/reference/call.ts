import { limits } from '../../../collector/src/limits.ts'
import type { Consumers } from '../../../collector/src/receive/consumer.ts'
import type { Operations } from '../../../collector/src/receive/operation.ts'
import type { Attributes, Value } from '../../../collector/src/receive/otlp.ts'
import { grpcOutcome, httpOutcome, type Outcome } from '../../../collector/src/receive/outcome.ts'
import { clip } from '../../../collector/src/receive/value.ts'
import type { Row } from '../../../collector/src/store/store.ts'
import { microText } from '../../../collector/src/store/time.ts'
import type { Span } from './otlp.ts'
import { count, text } from './value.ts'
import { weightOf } from './weight.ts'

/** What is the same for all spans of one resource. */
export interface Origin {
  env: string
  service: string
  version: string
  instance: string
  /** The resource is one of our agents. */
  ours: boolean
  /** SHA-256 of the token the request came with, empty without one. */
  token: string
}

const SERVER = 2
const CLIENT = 3
const OUR_SCOPE = '@callsight/agent'

export function originOf(resource: Attributes, tokenEnv: string | undefined, token: string): Origin {
  return {
    env: tokenEnv ?? text(resource['deployment.environment.name'] ?? resource['deployment.environment']),
    service: text(resource['service.name']) || 'unknown_service',
    version: text(resource['service.version']),
    instance: text(resource['service.instance.id']),
    ours: resource['telemetry.distro.name'] === 'callsight',
    token,
  }
}

/** True when our agent itself made the span, and not an instrumentation beside it. */
export function isOurs(scope: string, origin: Origin): boolean {
  return origin.ours && scope === OUR_SCOPE
}

/**
 * True when the span is a call. Our agent marks its calls by their scope, and its other spans are what happened inside
 * them; of anyone else, every server or client span that speaks HTTP or RPC is a call.
 */
export function isCall(span: Span, scope: string, origin: Origin): boolean {
  if (span.kind !== SERVER && span.kind !== CLIENT) return false
  if (origin.ours) return isOurs(scope, origin)
  const a = span.attributes
  return (
    a['http.request.method'] !== undefined ||
    a['http.method'] !== undefined ||
    a['rpc.system.name'] !== undefined ||
    a['rpc.system'] !== undefined
  )
}

/** Maps a span to a row of `calls`. Old and new names of the semantic conventions mean the same column. */
export function callRow(span: Span, origin: Origin, operations: Operations, consumers: Consumers): Row {
  const a = span.attributes
  const direction = span.kind === CLIENT ? 'out' : 'in'
  const method = text(a['http.request.method'] ?? a['http.method'])
  const status = statusOf(a)
  const route = text(a['http.route'] ?? a['url.template'])
  const path = pathOf(a) || (direction === 'in' && route === '' ? pathOfName(span.name, method) : '')
  const consumer = consumerOf(a, origin, consumers)
  const style = styleOf(a)
  const named = text(a['callsight.operation']) || operationName(a, style)
  return {
    ts: microText(span.startNs),
    direction,
    env: origin.env,
    service: origin.service,
    version: origin.version,
    instance: origin.instance,
    consumer: consumer.id,
    consumer_source: text(a['callsight.consumer.source']) || userSource(a),
    consumer_verified: a['callsight.consumer.verified'] !== false,
    plan: consumer.plan,
    style,
    operation: clip(
      named || operations.name(origin.service, method, route, path, direction === 'in' && status === 404),
    ),
    operation_source: text(a['callsight.operation.source']) || (named === '' && route === '' ? 'guess' : 'framework'),
    method,
    route,
    path,
    peer: direction === 'out' ? peerOf(a) : '',
    peer_port: direction === 'out' ? portOf(a) : 0,
    status,
    outcome: outcomeOf(a, span, status, style),
    error_code: errorCode(a),
    duration_us: durationOf(span),
    ttfb_us: count(a['callsight.ttfb_us']),
    loop_wait_us: count(a['callsight.loop_wait_us']),
    request_bytes: count(a['http.request.body.size'] ?? a['http.request_content_length']),
    response_bytes: count(a['http.response.body.size'] ?? a['http.response_content_length']),
    units: a['callsight.units'] === undefined ? 1 : Math.min(count(a['callsight.units']), 0xffffffff),
    weight: weightOf(span),
    client_address: text(a['client.address'] ?? a['http.client_ip'] ?? (direction === 'in' ? otherEnd(a) : undefined)),
    user_agent: text(a['user_agent.original'] ?? a['http.user_agent']),
    detail: text(a['callsight.detail']),
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId.length === 16 ? span.parentSpanId : '',
    attributes: otherAttributes(a, direction === 'out' ? peerTaken : undefined),
  }
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

/** Maps any other span to a row of `spans`. */
export function spanRow(span: Span, scope: string, origin: Origin): Row {
  return {
    ts: microText(span.startNs),
    env: origin.env,
    service: origin.service,
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId.length === 16 ? span.parentSpanId : '',
    name: clip(span.name),
    kind: kinds[span.kind] ?? 'unspecified',
    scope: clip(scope),
    duration_us: durationOf(span),
    failed: span.statusCode === 2,
    message: clip(span.statusMessage),
    attributes: otherAttributes(span.attributes),
  }
}

function consumerOf(a: Attributes, origin: Origin, consumers: Consumers): { id: string; plan: string } {
  const id = text(a['callsight.consumer.id'] ?? a['enduser.id'] ?? a['user.id'])
  const name = text(a['callsight.consumer.name'])
  const plan = text(a['callsight.consumer.plan'])
  const found = consumers.resolve(id, plan, origin)
  if (id !== '' && !found.configured && (name !== '' || plan !== '')) consumers.note(id, name, plan)
  return found
}

/** Microseconds, at most 2^53. */
function durationOf({ startNs, endNs }: Span): number {
  return endNs > startNs ? Math.min(Number((endNs - startNs) / 1000n), Number.MAX_SAFE_INTEGER) : 0
}

/** OpenTelemetry's own attributes of a user are set by the application. */
function userSource(a: Attributes): string {
  return a['callsight.consumer.id'] === undefined && (a['enduser.id'] ?? a['user.id']) !== undefined
    ? 'application'
    : ''
}

function styleOf(a: Attributes): string {
  const own = text(a['callsight.style'])
  if (own !== '') return own
  if (a['graphql.operation.type'] !== undefined || a['graphql.operation.name'] !== undefined) return 'graphql'
  const rpc = text(a['rpc.system.name'] ?? a['rpc.system'])
  return rpc === 'grpc' || rpc === 'jsonrpc' ? rpc : 'rest'
}

function operationName(a: Attributes, style: string): string {
  if (style === 'graphql') return `${text(a['graphql.operation.type'])} ${text(a['graphql.operation.name'])}`.trim()
  const method = text(a['rpc.method'])
  const service = text(a['rpc.service'])
  return method !== '' && service !== '' && !method.includes('/') ? `${service}/${method}` : method
}

function outcomeOf(a: Attributes, span: Span, status: number, style: string): Outcome {
  const own = text(a['callsight.outcome'])
  if (own === 'ok' || own === 'client_error' || own === 'server_error' || own === 'timeout' || own === 'aborted')
    return own
  if (style === 'grpc')
    return grpcOutcome(a['rpc.response.status_code'] ?? a['rpc.status_code'] ?? a['rpc.grpc.status_code'])
  return httpOutcome(status, text(a['error.type']), span.statusCode === 2)
}

function errorCode(a: Attributes): string {
  const own = text(a['callsight.error.code'])
  if (own !== '') return own
  const type = text(a['error.type'])
  // The convention puts the HTTP status there as well, which has a column of its own.
  return /^\d{3}$/.test(type) ? '' : type
}

function statusOf(a: Attributes): number {
  const status = count(a['http.response.status_code'] ?? a['http.status_code'])
  return status <= 999 ? status : 0
}

function pathOfName(name: string, method: string): string {
  return method !== '' && name.startsWith(`${method} /`) ? clip(withoutQuery(name.slice(method.length + 1))) : ''
}

function otherEnd(a: Attributes): Value | undefined {
  return a['network.peer.address'] ?? a['net.sock.peer.addr'] ?? a['net.peer.ip']
}

function pathOf(a: Attributes): string {
  const path = text(a['url.path'] ?? a['http.target'])
  if (path !== '') return withoutQuery(path)
  const url = text(a['url.full'] ?? a['http.url'])
  const start = url.indexOf('/', url.indexOf('://') + 3)
  return url === '' ? '' : start === -1 ? '/' : withoutQuery(url.slice(start))
}

function peerOf(a: Attributes): string {
  const name = text(a['server.address'] ?? a['net.peer.name'] ?? a['http.host'])
  if (name !== '') return name
  const url = text(a['url.full'] ?? a['http.url'])
  return URL.canParse(url) ? new URL(url).hostname : ''
}

function portOf(a: Attributes): number {
  const port = count(a['server.port'] ?? a['net.peer.port'])
  return port <= 65_535 ? port : 0
}

/** Attributes that have a column, or that may carry what people send and so do not belong beside the counts. */
const taken =
  /^(http\.(method|status_code|route|target|url|host|user_agent|client_ip|flavor|scheme|server_name|status_text|request_content_length|response_content_length)|http\.re(quest|sponse)\.(method|status_code|(body|headers?|cookies?)(\..*)?)|url\.(path|query|template|scheme)|client\.address|user_agent\.original|callsight\.(consumer\.(id|name|plan|source|verified)|style|operation|operation\.source|outcome|error\.code|ttfb_us|loop_wait_us|units|detail|redaction|re(quest|sponse)\.body\.truncated)|enduser\..*|user\..*|error\.type)$/s
/** The same of outgoing calls, whose peer has columns. */
const peerTaken = /^(server\.(address|port)|net\.peer\.(name|port)|url\.full)$/

export function otherAttributes(a: Attributes, alsoTaken?: RegExp): Record<string, string> {
  const kept: Record<string, string> = {}
  let number = 0
  for (const [key, value] of Object.entries(a)) {
    if (taken.test(key) || alsoTaken?.test(key) === true) continue
    if (number++ === limits.attributesPerCall) break
    // The query of a URL is where keys and tokens stand.
    kept[clip(key)] = key === 'url.full' ? withoutQuery(withoutUser(text(value))) : text(value)
  }
  return kept
}

function withoutQuery(path: string): string {
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1')
}
