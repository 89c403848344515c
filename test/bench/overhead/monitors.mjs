import { fileURLToPath } from 'node:url'

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const REGISTER = file('../../../agent/dist/register.js')
const start = (folder) => file(`../../monitors/${folder}/start.cjs`)

/** Callsight is preloaded and has all its settings from the environment, as in production. */
const callsight = (name, env = {}) => ({
  name,
  node: ['--require', REGISTER],
  env: (intake) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: intake, CALLSIGHT_KEY_SECRET: 'of the benchmark', ...env }),
})
const bodies = (share, env) => callsight(`callsight, ${share} of bodies`, { CALLSIGHT_TRACE_RATIO: '0', ...env })

const prometheus = { path: '/metrics', count: /^http_request_duration_seconds_count\{.*\} (\d+)$/gm }
const swaggerStats = { path: '/swagger-stats/metrics', count: /^api_all_request_total (\d+)$/gm }

/**
 * All that is compared: name in the tables, how it is loaded (arguments of node, or a module that the application puts into
 * itself), its environment (given the address of its intake), the applications it can be put into (all three unless told), and
 * where its count of requests is found when it sends nothing by itself.
 */
export const monitors = [
  { name: 'nothing' },
  callsight('callsight'),
  bodies('0 %', { CALLSIGHT_CAPTURE_BODIES: 'none' }),
  bodies('10 %', { CALLSIGHT_CAPTURE_BODIES: 'sampled', CALLSIGHT_BODY_SAMPLE: '0.1' }),
  bodies('100 %', { CALLSIGHT_CAPTURE_BODIES: 'all', CALLSIGHT_BODY_SAMPLE: '1' }),
  { name: 'express-prom-bundle', module: start('prometheus'), apps: ['express'], pull: prometheus },
  { name: 'prom-client', module: start('prometheus'), apps: ['fastify', 'http'], pull: prometheus },
  { name: 'swagger-stats', module: start('swagger-stats'), pull: swaggerStats },
  {
    name: 'opentelemetry',
    module: start('opentelemetry-2'),
    env: (intake) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: intake,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    }),
  },
  {
    name: 'apitally',
    module: start('apitally'),
    apps: ['express', 'fastify'],
    env: (intake) => ({ APITALLY_HUB_BASE_URL: intake }),
  },
  {
    name: 'apitally, bodies',
    module: start('apitally'),
    apps: ['express', 'fastify'],
    env: (intake) => ({ APITALLY_HUB_BASE_URL: intake, APITALLY_BODIES: '1' }),
  },
  { name: 'moesif-nodejs', module: start('moesif'), env: (intake) => ({ MOESIF_URL: intake }) },
  { name: 'elastic-apm-node', module: start('elastic'), env: (intake) => ({ ELASTIC_APM_SERVER_URL: intake }) },
  {
    name: 'dd-trace',
    module: start('datadog'),
    env: (intake) => ({ DD_TRACE_AGENT_URL: intake, DD_TRACE_STARTUP_LOGS: 'false' }),
  },
]

/** Those that an application can take, `only` these names and the base they are compared with. */
export function monitorsOf(app, only) {
  const unknown = only?.filter((name) => !monitors.some((monitor) => monitor.name === name)) ?? []
  if (unknown.length > 0)
    throw new Error(`no such monitor: ${unknown.join('; ')}; there are ${monitors.map(({ name }) => name).join('; ')}`)
  return monitors.filter(
    ({ name, apps }) =>
      (apps?.includes(app) ?? true) && (only === undefined || name === 'nothing' || only.includes(name)),
  )
}
