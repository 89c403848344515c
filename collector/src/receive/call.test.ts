import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { callRow, isCall, originOf, spanRow } from './call.ts'
import { Consumers, keyId } from './consumer.ts'
import { fold, Operations } from './operation.ts'
import type { Attributes, Span } from './otlp.ts'
import { grpcOutcome, httpOutcome } from './outcome.ts'

const stock = originOf({ 'service.name': 'shop', 'deployment.environment.name': 'prod' }, undefined, '')
const ours = originOf({ 'service.name': 'shop', 'telemetry.distro.name': 'callsight' }, undefined, '')

function span(attributes: Attributes, more: Partial<Span> = {}): Span {
  return {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    parentSpanId: '',
    name: 'GET',
    kind: 2,
    startNs: 1_795_219_200_123_456_789n,
    endNs: 1_795_219_200_133_456_789n,
    attributes,
    statusCode: 0,
    statusMessage: '',
    ...more,
  }
}

function row(attributes: Attributes, more: Partial<Span> = {}, origin = stock) {
  return callRow(span(attributes, more), origin, new Operations(), new Consumers([], undefined))
}

describe('isCall', () => {
  it('takes our agent by its scope, and any other server or client span that speaks HTTP or RPC', () => {
    const http = { 'http.request.method': 'GET' }
    expect(isCall(span(http), '@callsight/agent', ours)).toBe(true)
    expect(isCall(span(http, { kind: 3 }), '@opentelemetry/instrumentation-http', ours)).toBe(false)
    expect(isCall(span(http), '@opentelemetry/instrumentation-http', stock)).toBe(true)
    expect(isCall(span({ 'http.method': 'GET' }, { kind: 3 }), 'x', stock)).toBe(true)
    expect(isCall(span({ 'rpc.system': 'grpc' }), 'x', stock)).toBe(true)
    expect(isCall(span({ 'db.system': 'postgresql' }, { kind: 3 }), 'x', stock)).toBe(false)
    expect(isCall(span(http, { kind: 1 }), 'x', stock)).toBe(false)
  })
})

describe('callRow', () => {
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
    const inner = spanRow(span({ 'url.full': 'https://x.test/?key=secret' }, { kind: 3 }), 'scope', ours)
    expect(JSON.stringify(inner)).not.toContain('secret')
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
    ).toMatchObject({
      style: 'grpc',
      operation: 'shop.Cart/Add',
      outcome: 'server_error',
    })
    expect(
      row({ 'rpc.system.name': 'grpc', 'rpc.method': 'shop.Cart/Add', 'rpc.response.status_code': 'NOT_FOUND' }),
    ).toMatchObject({
      operation: 'shop.Cart/Add',
      outcome: 'client_error',
    })
    expect(
      row({ 'http.request.method': 'POST', 'graphql.operation.type': 'query', 'graphql.operation.name': 'GetBook' }),
    ).toMatchObject({
      style: 'graphql',
      operation: 'query GetBook',
    })
  })

  it('survives values of the wrong kind', () => {
    expect(
      row({
        'http.request.method': ['GET'],
        'http.response.status_code': 'abc',
        'http.request.body.size': -5,
        'http.route': { a: 1 },
        'callsight.units': 1e300,
      }),
    ).toMatchObject({ method: '["GET"]', status: 0, request_bytes: 0, units: 0xffffffff })
    const half = row({
      'http.request.method': 'GET',
      'url.path': `/${'x'.repeat(limits.textChars - 2)}🐢`,
      lone: '\ud800',
    })
    expect(JSON.stringify(half)).not.toMatch(/\\ud8/)
  })

  it('keeps what has no column as an attribute, such as the consumer’s group', () => {
    expect(row({ 'http.request.method': 'GET', 'callsight.consumer.group': 'emea' }).attributes).toEqual({
      'callsight.consumer.group': 'emea',
    })
  })

  it('bounds the attributes it keeps', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`a${i}`, 'x']))
    expect(Object.keys(row({ 'http.request.method': 'GET', ...many }).attributes as object)).toHaveLength(
      limits.attributesPerCall,
    )
  })
})

describe('outcomes', () => {
  it.each([
    [200, '', false, 'ok'],
    [302, '', false, 'ok'],
    [404, '404', true, 'client_error'],
    [429, '', false, 'client_error'],
    [500, '500', true, 'server_error'],
    [504, '504', true, 'timeout'],
    [0, 'ECONNREFUSED', true, 'server_error'],
    [0, 'TimeoutError', true, 'timeout'],
    [0, 'AbortError', true, 'aborted'],
    [200, 'ECONNRESET', true, 'server_error'],
    [0, '', false, 'ok'],
  ] as const)('HTTP %s %s %s is %s', (status, type, failed, outcome) => {
    expect(httpOutcome(status, type, failed)).toBe(outcome)
  })

  it('reads gRPC statuses by number and by name', () => {
    expect([0, 1, 3, 4, 5, 13, 14, 16, 99].map(grpcOutcome)).toEqual([
      'ok',
      'aborted',
      'client_error',
      'timeout',
      'client_error',
      'server_error',
      'server_error',
      'client_error',
      'server_error',
    ])
    expect(['OK', 'DEADLINE_EXCEEDED', 'unavailable', 'odd'].map(grpcOutcome)).toEqual([
      'ok',
      'timeout',
      'server_error',
      'server_error',
    ])
  })
})

describe('operations', () => {
  it.each([
    ['/books', '/books'],
    ['/books/42/reviews', '/books/{id}/reviews'],
    ['/v1/users/6f1c9a50-8f0e-4c3b-9b77-0d1f3a2b4c5d', '/v1/users/{id}'],
    ['/blobs/deadbeef00', '/blobs/{id}'],
    ['/u/ann@example.com', '/u/{id}'],
    ['/days/2026-11-21', '/days/{id}'],
    ['/a/b/c/d/e/f/g/h/i/j', '/a/b/c/d/e/f/g/h/{rest}'],
    ['/', '/'],
  ])('folds %s to %s', (path, folded) => {
    expect(fold(path)).toBe(folded)
  })

  it('stops growing: 404 is one name, and guesses end at the limit', () => {
    const operations = new Operations()
    expect(operations.name('s', 'GET', '', '/wp-admin.php', true)).toBe('GET (unmatched)')
    const word = (i: number) => `/${[...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`
    const names = new Set(Array.from({ length: 5000 }, (_, i) => operations.name('s', 'GET', '', word(i), false)))
    expect(names.size).toBe(limits.guessedOperations + 1)
    expect(names).toContain('_OTHER')
    expect(operations.name('other service', 'GET', '', word(4999), false)).toBe(`GET ${word(4999)}`)
  })
})

describe('consumers', () => {
  const digest = createHash('sha256').update('raw-key').digest('hex')
  const acme = { id: 'acme', name: 'Acme Corp', plan: 'gold', keys: [digest], timeZone: 'UTC' }

  it('recognises a configured key behind the hash of any of the three secrets', () => {
    const consumers = new Consumers([acme], 'shared')
    const token = 'f'.repeat(64)
    for (const [secret, origin] of [
      ['shared', stock],
      [`token:${token}`, { ...stock, token }],
      ['service:shop', stock],
    ] as const) {
      expect(consumers.resolve(keyId(secret, digest), '', origin)).toEqual({
        id: 'acme',
        plan: 'gold',
        configured: true,
      })
    }
    const unknown = keyId('another secret', digest)
    expect(consumers.resolve(unknown, 'trial', stock)).toEqual({ id: unknown, plan: 'trial', configured: false })
  })

  it('takes the id of a configured consumer as one of its keys', () => {
    const own = createHash('sha256').update('acme').digest('hex')
    expect(new Consumers([acme], undefined).resolve(keyId('service:shop', own), '', stock).id).toBe('acme')
  })

  it('tells names once, and again when they change', () => {
    const consumers = new Consumers([acme], undefined)
    expect(consumers.takeNews()).toMatchObject([{ consumer: 'acme', name: 'Acme Corp', plan: 'gold' }])
    consumers.note('u1', 'Ann', 'free')
    consumers.note('u1', 'Ann', 'free')
    expect(consumers.takeNews()).toMatchObject([{ consumer: 'u1', name: 'Ann', plan: 'free' }])
    consumers.note('u1', 'Ann', 'free')
    expect(consumers.takeNews()).toEqual([])
    consumers.note('u1', 'Ann Lee', 'free')
    expect(consumers.takeNews()).toMatchObject([{ name: 'Ann Lee' }])
  })
})
