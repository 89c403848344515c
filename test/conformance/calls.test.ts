import { afterAll, describe, expect, it } from 'vitest'
import { limits } from '../../collector/src/limits.ts'
import { Decoder } from '../../collector/src/receive/decoder.ts'
import type { Row } from '../../collector/src/store/store.ts'
import { openEngine } from './engine.ts'
import {
  type Attributes,
  logsOf,
  NOW,
  OUR_SCOPE,
  ours,
  pairs,
  type SpanFields,
  START,
  span,
  stock,
  tracesOf,
} from './otlp.ts'

const engine = openEngine()
afterAll(() => engine.close())
const pastMs = 30 * 86_400_000
const about = { env: undefined, token: '' }

function decoder(): Decoder {
  return new Decoder({ consumers: [], keySecret: undefined, pastMs, now: () => NOW })
}

function rowsOf(body: Buffer, signal: 'traces' | 'logs' = 'traces', taking = decoder()): Record<string, Row[]> {
  taking.take(signal, 'protobuf', body, about)
  return engine.rowsOf(taking.drain())
}

function row(attributes: Attributes, more: SpanFields = {}, resource = stock): Row {
  const { calls } = rowsOf(tracesOf([span(attributes, more)], resource, resource === ours ? OUR_SCOPE : 'test'))
  expect(calls).toHaveLength(1)
  return calls![0]!
}

describe('what is a call', () => {
  const isCall = (attributes: Attributes, more: SpanFields, scope: string, resource: Attributes) =>
    rowsOf(tracesOf([span(attributes, more)], resource, scope)).calls?.length === 1

  it('takes our agent by its scope, and any other server or client span that speaks HTTP or RPC', () => {
    const http = { 'http.request.method': 'GET' }
    expect(isCall(http, {}, OUR_SCOPE, ours)).toBe(true)
    expect(isCall(http, { kind: 3 }, '@opentelemetry/instrumentation-http', ours)).toBe(false)
    expect(isCall(http, {}, '@opentelemetry/instrumentation-http', stock)).toBe(true)
    expect(isCall({ 'http.method': 'GET' }, { kind: 3 }, 'x', stock)).toBe(true)
    expect(isCall({ 'rpc.system': 'grpc' }, {}, 'x', stock)).toBe(true)
    expect(isCall({ 'db.system': 'postgresql' }, { kind: 3 }, 'x', stock)).toBe(false)
    expect(isCall(http, { kind: 1 }, 'x', stock)).toBe(false)
  })

  it('makes rows of spans of all others', () => {
    const inner = span({ 'db.system': 'postgresql' }, { kind: 3, name: 'SELECT', status: { code: 2, message: 'gone' } })
    expect(rowsOf(tracesOf([inner], stock, 'pg')).spans).toEqual([
      {
        ts: '2026-11-21 00:00:00.123456',
        env: 'prod',
        service: 'shop',
        trace_id: 'ab'.repeat(16),
        span_id: 'cd'.repeat(8),
        parent_span_id: '',
        name: 'SELECT',
        kind: 'client',
        scope: 'pg',
        duration_us: 10_000,
        failed: true,
        message: 'gone',
        attributes: { 'db.system': 'postgresql' },
      },
    ])
  })
})

describe('the row of a call', () => {
  it('means the same column by the old and the new names of the convention', () => {
    const fresh = row({
      'http.request.method': 'POST',
      'http.response.status_code': 201,
      'http.route': '/orders',
      'url.path': '/orders',
      'url.query': 'token=secret',
      'client.address': '10.0.0.1',
      'user_agent.original': 'curl/8',
      'http.request.body.size': 12,
      'http.response.body.size': 34,
    })
    const old = row({
      'http.method': 'POST',
      'http.status_code': 201,
      'http.route': '/orders',
      'http.target': '/orders?token=secret',
      'http.client_ip': '10.0.0.1',
      'http.user_agent': 'curl/8',
      'http.request_content_length': 12,
      'http.response_content_length': 34,
    })
    expect(old).toEqual(fresh)
    expect(fresh).toMatchObject({
      ts: '2026-11-21 00:00:00.123456',
      direction: 'in',
      env: 'prod',
      operation: 'POST /orders',
      path: '/orders',
      status: 201,
      outcome: 'ok',
      duration_us: 10_000,
      request_bytes: 12,
      response_bytes: 34,
      weight: 1,
      attributes: {},
    })
  })

  it('never keeps a query, a header, a body or a password of a URL', () => {
    const { attributes, path } = row(
      {
        'http.request.method': 'GET',
        'url.full': 'https://bob:hunter2@api.example.com/v1/things?api_key=secret#secret',
        'url.query': 'api_key=secret',
        'http.request.header.authorization': ['Bearer secret'],
        'http.response.header.set-cookie': ['sid=secret'],
        'http.request.body.content': 'secret',
        // No convention's names, and in use all the same.
        'http.request.body': 'secret',
        'http.response.headers': 'secret',
        'http.request.cookies.sid': 'secret',
        'server.address': 'api.example.com',
        'app.tenant': 'blue',
      },
      { kind: 3 },
    )
    expect(path).toBe('/v1/things')
    expect(attributes).toEqual({ 'app.tenant': 'blue' })
    const inner = rowsOf(tracesOf([span({ 'url.full': 'https://u:secret@x.test/?key=secret' }, { kind: 3 })], ours))
    expect(inner.spans).toMatchObject([{ attributes: { 'url.full': 'https://x.test/' } }])
  })

  it('takes the outgoing side, the peer and its template', () => {
    expect(
      row(
        {
          'http.request.method': 'GET',
          'url.template': '/v1/things/{id}',
          'server.address': 'api.example.com',
          'server.port': 8443,
          'http.response.status_code': 504,
        },
        { kind: 3 },
      ),
    ).toMatchObject({
      direction: 'out',
      peer: 'api.example.com',
      peer_port: 8443,
      operation: 'GET /v1/things/{id}',
      outcome: 'timeout',
    })
    const byUrl = { 'http.request.method': 'GET', 'url.full': 'https://API.example.com:8443/v1' }
    expect(row(byUrl, { kind: 3 })).toMatchObject({ peer: 'api.example.com', path: '/v1' })
  })

  it('believes an agent that names operation and outcome', () => {
    expect(
      row(
        {
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'callsight.outcome': 'aborted',
          'callsight.operation': 'GET /x',
          'callsight.ttfb_us': 77,
        },
        {},
        ours,
      ),
    ).toMatchObject({ outcome: 'aborted', operation: 'GET /x', ttfb_us: 77, status: 200 })
  })

  it('takes what an agent tells of how it knows, and repeats none of it as an attribute', () => {
    const told = {
      'http.request.method': 'GET',
      'url.path': '/x/1',
      'callsight.operation': 'GET /x/{id}',
      'callsight.operation.source': 'guess',
      'callsight.consumer.id': 'acme',
      'callsight.consumer.source': 'jwt',
      'callsight.consumer.verified': false,
      'callsight.error.code': 'truncated',
      'callsight.outcome': 'server_error',
      'callsight.loop_wait_us': 4200,
      'callsight.detail': 'failed',
      'callsight.redaction': 'r1',
      'callsight.request.body.truncated': true,
      'callsight.response.body.truncated': true,
    }
    expect(row(told, {}, ours)).toMatchObject({
      operation_source: 'guess',
      consumer_source: 'jwt',
      consumer_verified: false,
      error_code: 'truncated',
      loop_wait_us: 4200,
      detail: 'failed',
      attributes: {},
    })
    const { 'callsight.operation.source': _, ...plain } = told
    expect(row(plain, {}, ours)).toMatchObject({ operation_source: 'framework' })
  })

  it('says where a stock SDK’s operation and consumer come from', () => {
    const get = { 'http.request.method': 'GET', 'url.path': '/x/1' }
    expect(row({ ...get, 'http.route': '/x/:id', 'enduser.id': 'ann' })).toMatchObject({
      operation_source: 'framework',
      consumer_source: 'application',
      consumer_verified: true,
    })
    expect(row(get)).toMatchObject({ operation_source: 'guess', consumer_source: '', peer_port: 0 })
  })

  it('names RPC and GraphQL operations', () => {
    expect(
      row({ 'rpc.system': 'grpc', 'rpc.service': 'shop.Cart', 'rpc.method': 'Add', 'rpc.grpc.status_code': 14 }),
    ).toMatchObject({ style: 'grpc', operation: 'shop.Cart/Add', outcome: 'server_error' })
    expect(
      row({ 'rpc.system.name': 'grpc', 'rpc.method': 'shop.Cart/Add', 'rpc.response.status_code': 'NOT_FOUND' }),
    ).toMatchObject({ operation: 'shop.Cart/Add', outcome: 'client_error' })
    expect(
      row({ 'http.request.method': 'POST', 'graphql.operation.type': 'query', 'graphql.operation.name': 'GetBook' }),
    ).toMatchObject({ style: 'graphql', operation: 'query GetBook' })
  })

  it('survives values of the wrong kind', () => {
    expect(
      row({
        'http.request.method': ['GET'],
        'http.response.status_code': 'abc',
        'http.request.body.size': -5,
        'http.response.body.size': 2n ** 63n - 1n,
        'http.route': { a: 1 },
        'callsight.units': 1e300,
      }),
    ).toMatchObject({
      method: '["GET"]',
      status: 0,
      request_bytes: 0,
      response_bytes: Number.MAX_SAFE_INTEGER,
      units: 0xffffffff,
    })
    const { path } = row({ 'http.request.method': 'GET', 'url.path': `/${'x'.repeat(limits.textChars - 2)}🐢` })
    expect(path).toBe(`/${'x'.repeat(limits.textChars - 2)}\ufffd`)
  })

  it('keeps integers exact up to 64 bits, negative ones too', () => {
    const exact = [
      '0',
      '-1',
      '127',
      '128',
      '9007199254740991',
      '-9007199254740991',
      '9223372036854775807',
      '-9223372036854775808',
    ]
    const numbers = Object.fromEntries(exact.map((text) => [`n${text}`, BigInt(text)]))
    expect(row({ 'http.request.method': 'GET', ...numbers }).attributes).toEqual(
      Object.fromEntries(exact.map((text) => [`n${text}`, text])),
    )
  })

  it('keeps what has no column as an attribute, such as the consumer’s group and one named __proto__', () => {
    const group = { 'http.request.method': 'GET', 'callsight.consumer.group': 'emea' }
    expect(row(group).attributes).toEqual({ 'callsight.consumer.group': 'emea' })
    const odd = span({ 'http.request.method': 'GET' })
    ;(odd.attributes as unknown[]).push({ key: '__proto__', value: { stringValue: 'x' } })
    const { calls } = rowsOf(tracesOf([odd]))
    expect(Object.entries(calls![0]!.attributes as object)).toEqual([['__proto__', 'x']])
  })

  it('bounds the attributes it keeps', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, 'x']))
    expect(Object.keys(row({ 'http.request.method': 'GET', ...many }).attributes as object)).toHaveLength(
      limits.attributesPerCall,
    )
  })

  it('goes by the environment of the token, whatever the sender says', () => {
    const taking = decoder()
    taking.take('traces', 'protobuf', tracesOf([span({ 'http.method': 'GET' })]), {
      env: 'staging',
      token: 'f'.repeat(64),
    })
    expect(engine.rowsOf(taking.drain()).calls).toMatchObject([{ env: 'staging' }])
  })

  it('counts a sampled call as many, and one of our agent as one', () => {
    const call = (traceState: string, resource = stock) =>
      row({ 'http.request.method': 'GET' }, { traceState }, resource)
    expect(call('a=b,ot=th:c;rv:0123456789abcd').weight).toBe(4)
    expect(call('ot=p:3').weight).toBe(8)
    expect(call('ot=th:c', ours).weight).toBe(1)
    expect([2, 1]).toContain(call('ot=th:5555').weight)
  })
})

describe('access logs', () => {
  const record = (attributes: Attributes, more: object = {}) => ({
    timeUnixNano: String(START),
    severityNumber: 9,
    body: { stringValue: 'GET /books 200' },
    attributes: pairs(attributes),
    ...more,
  })
  const request = { 'http.request.method': 'GET', 'url.path': '/books', 'http.response.status_code': 200 }

  it('are calls when they tell method, and status or path', () => {
    const { calls, logs } = rowsOf(logsOf([record({ ...request, duration_ms: 12.5 })]), 'logs')
    expect(logs).toBeUndefined()
    expect(calls).toMatchObject([
      { direction: 'in', service: 'shop', operation: 'GET /books', status: 200, duration_us: 12_500, weight: 1 },
    ])
    for (const [attributes, micros] of [
      [{ 'http.server.request.duration': 0.25 }, 250_000],
      [{ 'event.duration': 7_000_000 }, 7000],
      [{ duration_ms: '3' }, 3000],
      [{ duration_ms: -1 }, 0],
    ] as const) {
      const found = rowsOf(logsOf([record({ ...request, ...attributes })]), 'logs')
      expect(found.calls).toMatchObject([{ duration_us: micros }])
    }
    expect(rowsOf(logsOf([record({ 'http.request.method': 'GET' })]), 'logs').calls).toBeUndefined()
  })

  it('have ids of their own making that are the same when they are sent again, and never those of another record', () => {
    const body = logsOf([record(request), record(request)])
    const ids = (rows: Row[] | undefined) => rows!.map(({ trace_id, span_id }) => `${trace_id} ${span_id}`)
    const first = ids(rowsOf(body, 'logs').calls)
    expect(ids(rowsOf(body, 'logs').calls)).toEqual(first)
    expect(new Set(first).size).toBe(2)
    expect(first[0]).toMatch(/^[0-9a-f]{32} [0-9a-f]{16}$/)
    const traced = record(request, { traceId: Buffer.alloc(16, 7).toString('base64') })
    expect(rowsOf(logsOf([traced]), 'logs').calls).toMatchObject([{ trace_id: '07'.repeat(16) }])
  })

  it('leave all other records as they are', () => {
    const ids = { traceId: Buffer.alloc(16, 7).toString('base64'), spanId: Buffer.alloc(8, 9).toString('base64') }
    const longer = { stringValue: 'x'.repeat(limits.logBodyChars + 5) }
    const { logs } = rowsOf(
      logsOf([
        record({ 'log.file': 'a.log', 'user.email': 'a@b.c' }, ids),
        record({}, { body: longer, severityText: 'info' }),
      ]),
      'logs',
    )
    expect(logs).toEqual([
      {
        ts: '2026-11-21 00:00:00.123456',
        env: 'prod',
        service: 'shop',
        instance: '',
        trace_id: '07'.repeat(16),
        span_id: '09'.repeat(8),
        severity_number: 9,
        severity: 'INFO',
        body: 'GET /books 200',
        attributes: { 'log.file': 'a.log' },
      },
      expect.objectContaining({ severity: 'info', trace_id: '', body: 'x'.repeat(limits.logBodyChars) }),
    ])
  })
})
