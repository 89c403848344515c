// Answers as the intakes of all these monitors would, so that they do all of their work.

const JSON_TYPE = { 'content-type': 'application/json' }
const json = (value, status = 200, headers = {}) => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify(value),
})

/** `data`: the requests that carry what a monitor has seen, unlike those for its settings. */
const intakes = [
  {
    path: /^\/v1\/(traces|metrics|logs)$/,
    data: true,
    answer: () => ({ status: 200, headers: { 'content-type': 'application/x-protobuf' }, body: '' }),
  },
  {
    path: /^\/v0\.[3-7]\/traces$/,
    data: true,
    answer: () => json({ rate_by_service: { 'service:,env:': 1 } }),
  },
  {
    path: /^\/info$/,
    answer: () =>
      json({
        version: '7.60.0',
        endpoints: ['/v0.3/traces', '/v0.4/traces', '/v0.5/traces', '/v0.6/stats'],
        client_drop_p0s: false,
      }),
  },
  { path: /^\/(v0\.6\/stats|telemetry\/proxy\/|profiling\/|debugger\/)/, answer: () => json({}) },
  {
    path: /^\/intake\/v2\/events/,
    data: true,
    answer: () => ({ status: 202, headers: {}, body: '' }),
  },
  {
    path: /^\/config\/v1\/agents/,
    answer: () => json({}, 200, { etag: '"1"', 'cache-control': 'max-age=300' }),
  },
  {
    path: /^\/$/,
    answer: () => json({ version: '8.15.0', build_date: '2024-08-01T00:00:00Z', build_sha: '0' }),
  },
  { path: /^\/v1\/events/, data: true, answer: () => json(true, 201) },
  { path: /^\/v1\/config/, answer: () => json({ app_id: 'a', sample_rate: 100 }) },
  { path: /^\/v1\/rules/, answer: () => json([]) },
  { path: /^\/v2\/[^/]+\/[^/]+\/(sync|log)/, data: true, answer: () => json({}, 202) },
  { path: /^\/v2\/[^/]+\/[^/]+\/startup/, answer: () => json({}, 202) },
  { path: /^\/api\/1\/envelope\//, data: true, answer: () => json({}) },
  {
    path: /^\/agent_listener\/invoke_raw_method.*method=(metric_data|analytic_event_data|span_event_data|transaction_sample_data|error_data|error_event_data)\b/,
    data: true,
    answer: () => json({ return_value: null }),
  },
  {
    path: /^\/agent_listener\/invoke_raw_method/,
    answer: (request) => json({ return_value: newRelic(request) }),
  },
]

function newRelic({ url, socket }) {
  if (url.includes('method=preconnect')) return { redirect_host: `localhost:${socket.localPort}` }
  if (url.includes('method=connect'))
    return {
      agent_run_id: '1',
      data_report_period: 1,
      event_harvest_config: {
        report_period_ms: 1000,
        harvest_limits: {
          analytic_event_data: 100,
          custom_event_data: 100,
          error_event_data: 100,
          span_event_data: 100,
        },
      },
    }
  return url.includes('method=get_agent_commands') ? [] : null
}

/** A request listener; `seen(body, request)` is told of every request that carries what a monitor has seen. */
exports.takeAll = (seen) => (request, response) => {
  const intake = intakes.find(({ path }) => path.test(request.url))
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    if (intake?.data) seen(Buffer.concat(chunks), request)
    const { status, headers, body } = intake?.answer(request) ?? { status: 404, headers: {}, body: '' }
    response.writeHead(status, headers).end(body)
  })
}
