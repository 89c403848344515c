import fc from 'fast-check'

/*
 * Export requests as protobufjs takes them from plain objects, with what senders do and what they should not: old and
 * new names of the conventions, values of the wrong type, empty and huge texts, deep nesting.
 */

export type Pair = { key: string; value?: unknown }

const longText = 'long '.repeat(700)
const texts = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('', 'GET', 'POST', 'a', 'acme', '404', '500', '/books/42?x=1#y', '/a/b c') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('Żółw — 亀 🐢', longText, `${'x'.repeat(2047)}🐢`, 'ü'.repeat(1500), '\u0000\n\t'),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 40, unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 3, unit: 'binary' }) },
)
const urls = fc.constantFrom(
  'https://bob:hunter2@api.example.com:8443/v1/things/17?api_key=s#s',
  'http://example.com',
  'https://ünï.example/päth/1?x',
  '/only/a/path?x',
  'nothing',
  `https://example.com/${longText}`,
)
const integers = fc.oneof(
  fc.integer({ min: -5, max: 1200 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
)

const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    texts.map((stringValue) => ({ stringValue })),
    integers.map((intValue) => ({ intValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.double({ noNaN: true }).map((doubleValue) => ({ doubleValue })),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
    fc.constant({}),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => ({ arrayValue: { values } })),
    fc
      .array(fc.record({ key: texts, value: tie('value') }), { maxLength: 3 })
      .map((values) => ({ kvlistValue: { values } })),
  ),
}))

const said = (...values: string[]) => fc.constantFrom(...values).map((stringValue) => ({ stringValue }))
const number = fc.oneof(
  integers.map((intValue) => ({ intValue })),
  fc.integer({ min: 100, max: 599 }).map((intValue) => ({ intValue })),
  fc.constantFrom('404', '12', ' 7 ', '1e3', 'abc', '').map((stringValue) => ({ stringValue })),
  fc.double({ noNaN: true, min: -1, max: 1e6 }).map((doubleValue) => ({ doubleValue })),
)
const headers = fc.array(texts, { maxLength: 3 }).map((list) => ({
  arrayValue: { values: list.map((stringValue) => ({ stringValue })) },
}))
const fields = (...values: string[]) =>
  fc.oneof(
    said(...values),
    fc.array(fc.constantFrom(...values), { maxLength: 2 }).map((list) => ({
      arrayValue: { values: list.map((stringValue) => ({ stringValue })) },
    })),
  )
const anyText = texts.map((stringValue) => ({ stringValue }))
const url = urls.map((stringValue) => ({ stringValue }))

/** What is usual for an attribute, by its name. */
const usual: Record<string, fc.Arbitrary<unknown>> = {
  'http.request.method': said('GET', 'POST', ''),
  'http.method': said('PUT', 'GET'),
  'http.response.status_code': number,
  'http.status_code': number,
  'http.route': said('/books/:id', '/', ''),
  'url.template': said('/v1/{id}'),
  'url.path': anyText,
  'http.target': anyText,
  'url.full': url,
  'http.url': url,
  'url.query': said('page=2', ''),
  'url.scheme': said('https'),
  'client.address': said('10.0.0.1'),
  'http.client_ip': said('10.0.0.2'),
  'user_agent.original': anyText,
  'http.user_agent': anyText,
  'http.request.body.size': number,
  'http.request_content_length': number,
  'http.response.body.size': number,
  'http.response_content_length': number,
  'http.request.body.content': anyText,
  'http.response.body.content': anyText,
  'http.request.header.content-type': headers,
  'http.request.header.content_type': headers,
  'http.request.header.Authorization': headers,
  'http.response.header.set-cookie': headers,
  'http.response.header.Retry-After': said('2', 'Sat, 21 Nov 2026 10:00:00 GMT', 'later'),
  'http.response.header.retry_after': headers,
  'http.response.header.ratelimit': fields('"burst";r=50;t=30', '"burst";r=0;t=30', '"a";r=1', 'limit=9, remaining=3'),
  'http.response.header.ratelimit-policy': fields('"burst";q=100;w=60,"daily";q=1000;w=86400', '9;w=60', '"a'),
  'http.response.header.x-ratelimit-limit': fields('5000', '60', 'none'),
  'http.response.header.x-ratelimit-remaining': fields('0', '17', '-1'),
  'http.response.header.x-ratelimit-reset': fields('1795255200', '30', 'soon'),
  'http.response.header.x-ratelimit-resource': fields('core', 'search', ''),
  'http.request.headers': anyText,
  'server.address': said('api.example.com', ''),
  'net.peer.name': said('old.example.com'),
  'http.host': said('host.example.com:80'),
  'server.port': number,
  'net.peer.port': number,
  'rpc.system.name': said('grpc', 'jsonrpc', 'dubbo'),
  'rpc.system': said('grpc'),
  'rpc.method': said('Add', 'shop.Cart/Add', ''),
  'rpc.service': said('shop.Cart', ''),
  'rpc.response.status_code': said('OK', 'NOT_FOUND', '14', 'odd'),
  'rpc.grpc.status_code': number,
  'graphql.operation.type': said('query', ' ', ''),
  'graphql.operation.name': said('GetBook', ''),
  'error.type': said('TimeoutError', 'AbortError', '500', 'ECONNRESET', ''),
  'enduser.id': said('ann', ''),
  'user.id': said('bob'),
  'user.email': said('bob@example.com'),
  'callsight.consumer.id': said('acme', 'u1', 'u2', ''),
  'callsight.consumer.name': said('Ann', 'Ann Lee'),
  'callsight.consumer.plan': said('free', 'gold'),
  'callsight.consumer.source': said('jwt', 'api_key'),
  'callsight.consumer.verified': fc.boolean().map((boolValue) => ({ boolValue })),
  'callsight.consumer.group': said('emea'),
  'callsight.style': said('rest', 'graphql', 'grpc', 'soap'),
  'callsight.operation': said('GET /x', 'GetWeather', ''),
  'callsight.operation.source': said('guess', 'config'),
  'callsight.outcome': said('ok', 'client_error', 'server_error', 'timeout', 'aborted', 'odd'),
  'callsight.error.code': said('E1', ''),
  'callsight.ttfb_us': number,
  'callsight.loop_wait_us': number,
  'callsight.units': number,
  'callsight.detail': said('failed', 'sampled'),
  'callsight.redaction': said('r1', ''),
  'callsight.request.body.truncated': fc.boolean().map((boolValue) => ({ boolValue })),
  'http.server.request.duration': number,
  duration_ms: number,
  'event.duration': number,
  reason: anyText,
  feature: anyText,
}
const names = Object.keys(usual)

/** Names that JavaScript would sort ahead of others are left out: their order is the wire's. */
const oddKey = texts.filter((key) => !/^\d+$/.test(key) && key.length < 2000)
const pair: fc.Arbitrary<Pair> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(...names).chain((key) => fc.record({ key: fc.constant(key), value: usual[key]! })),
  },
  { weight: 1, arbitrary: fc.record({ key: fc.constantFrom(...names), value: anyValue }) },
  { weight: 1, arbitrary: fc.record({ key: oddKey, value: anyValue }, { requiredKeys: ['key'] }) },
)
export const attributes = fc.oneof(
  { weight: 9, arbitrary: fc.array(pair, { maxLength: 14 }) },
  { weight: 1, arbitrary: fc.array(pair, { minLength: 30, maxLength: 60 }) },
)

const resource = fc
  .record(
    {
      'service.name': anyText,
      'service.version': said('1.0'),
      'service.instance.id': said('i1'),
      'deployment.environment.name': said('prod', ''),
      'deployment.environment': said('old'),
      'telemetry.distro.name': said('callsight', 'other'),
      'telemetry.distro.version': said('0.1.0'),
      other: anyValue,
    },
    { requiredKeys: [] },
  )
  .map((values) => ({ attributes: Object.entries(values).map(([key, value]) => ({ key, value })) }))
const scope = fc.record({ name: fc.constantFrom('@callsight/agent', 'other', '') }, { requiredKeys: [] })
const id = (bytes: number) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.uint8Array({ minLength: bytes, maxLength: bytes }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
    { weight: 1, arbitrary: fc.constant(new Uint8Array(bytes)) },
  )

/** @param now milliseconds since 1970 */
const time = (now: number) =>
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc
        .bigInt({ min: -3_600_000_000_000n, max: 300_000_000_000n })
        .map((ns) => BigInt(now) * 1_000_000n + ns),
    },
    { weight: 1, arbitrary: fc.constantFrom(0n, 1n, 2n ** 64n - 1n, BigInt(now) * 1_000_000n + 600_000_000_000n) },
  )

const span = (now: number) =>
  fc.record(
    {
      traceId: id(16),
      spanId: id(8),
      parentSpanId: id(8),
      traceState: fc.constantFrom(
        '',
        'a=b',
        'ot=th:8',
        'a=b,ot=th:c;rv:0123456789abcd',
        'ot=th:0',
        'ot=rv:1',
        'ot=th:5555',
      ),
      name: texts,
      kind: fc.constantFrom(0, 1, 2, 2, 2, 3, 3, 4, 5),
      startTimeUnixNano: time(now).map(String),
      endTimeUnixNano: time(now).map(String),
      attributes,
      status: fc.record({ code: fc.constantFrom(0, 1, 2), message: texts }, { requiredKeys: [] }),
      events: fc.array(fc.record({ name: texts, attributes: fc.array(pair, { maxLength: 2 }) }), { maxLength: 1 }),
      flags: fc.constantFrom(1, 257),
      droppedAttributesCount: fc.integer({ min: 0, max: 9 }),
    },
    { requiredKeys: ['traceId', 'spanId', 'kind', 'startTimeUnixNano'] },
  )

const logRecord = (now: number) =>
  fc.record(
    {
      timeUnixNano: time(now).map(String),
      observedTimeUnixNano: time(now).map(String),
      severityNumber: fc.integer({ min: 0, max: 24 }),
      severityText: fc.constantFrom('', 'info', 'ERROR'),
      body: anyValue,
      attributes,
      traceId: id(16),
      spanId: id(8),
    },
    { requiredKeys: ['timeUnixNano', 'traceId', 'spanId'] },
  )

const point = (now: number) =>
  fc.record(
    {
      attributes: fc.array(pair, { maxLength: 3 }),
      startTimeUnixNano: time(now).map(String),
      timeUnixNano: time(now).map(String),
      asInt: integers.map(String),
      flags: fc.constantFrom(0, 0, 1),
    },
    { requiredKeys: ['timeUnixNano', 'asInt'] },
  )
const points = (now: number) => fc.record({ dataPoints: fc.array(point(now), { maxLength: 3 }) })
const metric = (now: number) =>
  fc.oneof(
    fc.record({ name: metricNames, sum: points(now) }),
    fc.record({ name: metricNames, gauge: points(now) }),
    fc.record({ name: metricNames, histogram: fc.constant({ dataPoints: [{ count: '3' }, { count: '4' }] }) }),
  )
const metricNames = fc.constantFrom(
  'callsight.agent.seen',
  'callsight.agent.sent',
  'callsight.agent.dropped',
  'callsight.agent.faults',
  'callsight.agent.disabled',
  'callsight.agent.work_us',
  'callsight.agent.something_new',
  'nodejs.eventloop.delay',
  'process.cpu.time',
  'http.server.duration',
  '',
)

const many = <T>(item: fc.Arbitrary<T>, most: number) => fc.array(item, { maxLength: most })

/** Requests of all three signals around a moment. */
export const requests = (now: number) => ({
  traces: fc.record({
    resourceSpans: many(
      fc.record(
        { resource, scopeSpans: many(fc.record({ scope, spans: many(span(now), 4) }, { requiredKeys: ['spans'] }), 2) },
        { requiredKeys: ['scopeSpans'] },
      ),
      3,
    ),
  }),
  logs: fc.record({
    resourceLogs: many(
      fc.record({ resource, scopeLogs: many(fc.record({ logRecords: many(logRecord(now), 4) }), 2) }),
      2,
    ),
  }),
  metrics: fc.record({
    resourceMetrics: many(
      fc.record({ resource, scopeMetrics: many(fc.record({ scope, metrics: many(metric(now), 5) }), 2) }),
      2,
    ),
  }),
})
