import { isSuppressed } from '../foreign.ts'
import { OWN_AGENT } from '../own.ts'

/*
 * Requests in which another monitor reports, or looks where it is, are no calls of the application. One row for each
 * product: by the host it reports to (asked once for each server), by a path that nobody else has, or by its user agent.
 * Hosts are those of the intakes: an application that uses the product's public API makes calls like any other.
 */

interface Intake {
  product: string
  host?: RegExp
  /** The port of its agent, on whatever host that runs. */
  port?: number
  path?: RegExp
  userAgent?: RegExp
}

const INTAKES: Intake[] = [
  {
    // https://opentelemetry.io/docs/specs/otlp/: the gRPC services; the paths over HTTP are in OTLP below.
    product: 'OpenTelemetry',
    host: /^otlp[\w-]*\./,
    path: /^\/opentelemetry\.proto\.collector\./,
    userAgent: /^OTel-OTLP-Exporter/i,
  },
  {
    // The agent's API, and intakes of all sites: https://docs.datadoghq.com/agent/configuration/network/
    product: 'Datadog',
    host: /(^|[.-])(intake|agent)[\w.-]*\.(datadoghq\.(com|eu)|ddog-gov\.com)$/,
    port: 8126,
    path: /^\/(v0\.[1-9]\/(traces|stats|config|pipeline_stats)$|telemetry\/proxy\/|evp_proxy\/|debugger\/v\d\/|profiling\/v\d\/input)/,
  },
  {
    // https://develop.sentry.dev/sdk/data-model/envelopes/, self-hosted ones as well
    product: 'Sentry',
    path: /^\/api\/\d+\/(envelope|store|minidump)\//,
    userAgent: /^sentry\./,
  },
  {
    // https://docs.newrelic.com/docs/new-relic-solutions/get-started/networks/
    product: 'New Relic',
    host: /(^collector[\w.-]*\.newrelic\.com|\.nr-data\.net|^(log|metric|trace|event)-api\.(eu\.)?newrelic\.com)$/,
    path: /^\/agent_listener\/invoke_raw_method/,
    userAgent: /^NewRelic-/,
  },
  {
    // https://www.elastic.co/guide/en/observability/current/apm-api.html
    product: 'Elastic APM',
    path: /^\/(intake\/v2\/(rum\/)?(events|profile)|config\/v1\/(rum\/)?agents)/,
    userAgent: /^(apm-agent-|elastic-apm-)/i,
  },
  {
    product: 'Apitally',
    host: /(^|\.)apitally\.io$/,
    path: /^\/v2\/[0-9a-f]{8}-[0-9a-f-]{27}\/[\w-]+\/(startup|sync|log)\b/,
  },
  { product: 'Moesif', host: /(^|\.)moesif\.(net|com)$/, userAgent: /^moesif/i },
  { product: 'Treblle', host: /(^|\.)treblle\.com$/ },
  { product: 'ReadMe', host: /^metrics\.readme\.io$/ },
  { product: 'Instana', host: /\.instana\.io$/, port: 42699, path: /^\/com\.instana\.(plugin|agent)\./ },
  { product: 'Dynatrace', host: /\.(live|apps)\.dynatrace\.com$/ },
  { product: 'AppDynamics', host: /\.saas\.appdynamics\.com$/ },
  { product: 'Splunk', host: /^ingest\.[\w.-]+\.(signalfx\.com|observability\.splunkcloud\.com)$/ },
  { product: 'Honeycomb', host: /^api\.(eu1\.)?honeycomb\.io$/ },
  { product: 'Lightstep', host: /^ingest\.([\w-]+\.)?lightstep\.com$/ },
  { product: 'Azure Monitor', host: /(\.applicationinsights\.azure\.com|^dc\.services\.visualstudio\.com)$/ },
  { product: 'AWS X-Ray', host: /^xray\.[\w-]+\.amazonaws\.com$/, path: /^\/(GetSamplingRules|SamplingTargets)$/ },
  { product: 'Bugsnag', host: /^(notify|sessions)\.bugsnag\.com$/ },
  { product: 'Rollbar', host: /^api\.rollbar\.com$/ },
  { product: 'Honeybadger', host: /^(eu-)?api\.honeybadger\.io$/ },
  { product: 'Callsight', userAgent: new RegExp(`^${OWN_AGENT}`) },
  {
    // No monitor, but asked by most of them and by cloud SDKs: what the machine tells a process about itself, its
    // credentials among it, at addresses that mean nothing beyond the machine.
    product: 'cloud metadata',
    host: /^(169\.254\.(169\.(253|254)|170\.(2|23))|100\.100\.100\.200|168\.63\.129\.16|\[?fd00:ec2::(254|23)]?|metadata\.(google\.internal|goog|azure\.internal)|metadata)\.?$/,
  },
]

/** Paths that exporters share with any API: theirs are sent with their SDK suppressed, or name themselves. */
const OTLP = /\/v1(development)?\/(traces|metrics|logs|profiles)$|^\/api\/v[12]\/spans$/

const HOST = either('host')
const PORTS = new Set(INTAKES.flatMap(({ port }) => port ?? []))
const PATH = either('path')
const USER_AGENT = either('userAgent')

/** Whether nothing but a monitor's intake lives there. */
export function isIntakeHost(host: string, port: number): boolean {
  return PORTS.has(port) || HOST.test(host)
}

/**
 * Whether this one request reports to a monitor. OpenTelemetry's suppression alone tells nothing: it is also how an SDK
 * that ignores an incoming request hides everything that the request does.
 */
export function isIntakeRequest(path: string, userAgent: unknown): boolean {
  if (PATH.test(path) || (typeof userAgent === 'string' && USER_AGENT.test(userAgent))) return true
  return OTLP.test(path) && (/otel|opentelemetry|otlp/i.test(String(userAgent)) || isSuppressed())
}

function either(field: 'host' | 'path' | 'userAgent'): RegExp {
  const sources = INTAKES.flatMap((intake) => intake[field]?.source ?? [])
  return new RegExp(sources.join('|'), field === 'path' ? '' : 'i')
}
