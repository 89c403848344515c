import type { Consumer } from './call.ts'
import { GATEWAY_HEADERS } from './capture/gateway.ts'
import { Trust } from './capture/proxy.ts'
import { BODY_LIMIT_MOST, HOPS } from './limits.ts'
import { LEVELS, type Level } from './log.ts'
import type { Compression } from './ship/queue.ts'

/** One option: where it is read from, what it is when nobody says, and what a good value looks like. */
interface Option<T> {
  /** Undefined: it can only be given to `start()`. */
  env?: string
  fallback: T
  expected: string
  /** Returns undefined for a value it cannot accept. */
  read(raw: unknown): T | undefined
  /** The value may be a secret and is not repeated in a message. */
  secret?: true
}

const CAPTURES = ['none', 'failed', 'sampled', 'all'] as const
const CLIENT_ADDRESSES = ['full', 'truncated', 'hashed', 'off'] as const
const REDACT_MODES = ['metadata', 'schema', 'masked', 'allow', 'full'] as const

const OPTIONS = {
  enabled: option({ env: 'CALLSIGHT_ENABLED', fallback: true, expected: 'true or false', read: truth }),
  disabled: option({ env: 'OTEL_SDK_DISABLED', fallback: false, expected: 'true or false', read: truth }),
  endpoint: option({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    fallback: 'http://127.0.0.1:4318',
    expected: 'an http:// or https:// address',
    read: address,
  }),
  headers: option({
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    fallback: {} as Record<string, string>,
    expected: 'name=value pairs separated by commas',
    read: headerPairs,
    secret: true,
  }),
  serviceName: option({ env: 'OTEL_SERVICE_NAME', fallback: '', expected: 'a name', read: text }),
  resourceAttributes: option({
    env: 'OTEL_RESOURCE_ATTRIBUTES',
    fallback: {} as Record<string, string>,
    expected: 'name=value pairs separated by commas',
    read: pairs,
  }),
  consumerHeader: option({
    env: 'CALLSIGHT_CONSUMER_HEADER',
    fallback: ['x-consumer-id', 'x-api-key', 'authorization'],
    expected: 'header names separated by commas',
    read: headerNames,
  }),
  consumerClaim: option({
    env: 'CALLSIGHT_CONSUMER_CLAIM',
    fallback: ['client_id', 'azp', 'sub'],
    expected: 'claim names separated by commas',
    read: list,
  }),
  consumerQuery: option({
    env: 'CALLSIGHT_CONSUMER_QUERY',
    fallback: ['api_key', 'apikey', 'api-key', 'subscription-key', 'access_token'],
    expected: 'names of query parameters separated by commas, or none',
    read: listOrNone,
  }),
  consumer: option({
    fallback: undefined as ConsumerFunction | undefined,
    expected: 'a function',
    read: (raw) => (typeof raw === 'function' ? (raw as ConsumerFunction) : undefined),
  }),
  trustedProxies: option({
    env: 'CALLSIGHT_TRUSTED_PROXIES',
    fallback: [] as string[],
    expected: `addresses, network/prefix, loopback, private and linklocal separated by commas, a number of hops from 1 to ${HOPS}, or none`,
    read: proxies,
  }),
  forwardedHeader: option({
    env: 'CALLSIGHT_FORWARDED_HEADER',
    fallback: ['x-forwarded-for', 'forwarded', 'x-real-ip'],
    expected: 'header names separated by commas',
    read: headerNames,
  }),
  gatewayHeaders: option({
    env: 'CALLSIGHT_GATEWAY_HEADERS',
    fallback: GATEWAY_HEADERS,
    expected: 'header names separated by commas, or none',
    read: (raw) => (isNone(raw) ? [] : headerNames(raw)),
  }),
  clientAddress: option({
    env: 'CALLSIGHT_CLIENT_ADDRESS',
    fallback: 'full' as ClientAddress,
    expected: 'full, truncated, hashed or off',
    read: (raw) => CLIENT_ADDRESSES.find((mode) => mode === String(raw).trim().toLowerCase()),
  }),
  captureBodies: option({
    env: 'CALLSIGHT_CAPTURE_BODIES',
    fallback: 'sampled' as Capture,
    expected: 'none, failed, sampled or all',
    read: (raw) => CAPTURES.find((mode) => mode === String(raw).trim().toLowerCase()),
  }),
  bodyLimit: option({
    env: 'CALLSIGHT_BODY_LIMIT',
    fallback: 16_384,
    expected: `a number of bytes from 0 to ${BODY_LIMIT_MOST}`,
    read: (raw) => whole(raw, BODY_LIMIT_MOST),
  }),
  bodySample: option({ env: 'CALLSIGHT_BODY_SAMPLE', fallback: 0.1, expected: 'a number from 0 to 1', read: share }),
  slow: option({
    env: 'CALLSIGHT_SLOW_MS',
    fallback: 1000,
    expected: 'a number of milliseconds',
    read: (raw) => whole(raw, Number.MAX_SAFE_INTEGER),
  }),
  redact: option({
    env: 'CALLSIGHT_REDACT',
    fallback: [] as string[],
    expected: 'field names separated by commas',
    read: list,
  }),
  redactMode: option({
    env: 'CALLSIGHT_REDACT_MODE',
    fallback: 'masked' as RedactMode,
    expected: 'metadata, schema, masked, allow or full',
    read: (raw) => REDACT_MODES.find((mode) => mode === String(raw).trim().toLowerCase()),
  }),
  redactPaths: option({
    env: 'CALLSIGHT_REDACT_PATHS',
    fallback: [] as string[],
    expected: 'JSON paths separated by commas',
    read: list,
  }),
  redactAllow: option({
    env: 'CALLSIGHT_REDACT_ALLOW',
    fallback: [] as string[],
    expected: 'field names or JSON paths separated by commas',
    read: list,
  }),
  routes: option({
    env: 'CALLSIGHT_ROUTES',
    fallback: [] as string[],
    expected: 'path templates such as /users/:id separated by commas',
    read: templates,
  }),
  ignore: option({
    env: 'CALLSIGHT_IGNORE',
    fallback: [] as string[],
    expected: 'path templates such as /healthz separated by commas',
    read: templates,
  }),
  compression: option({
    env: 'OTEL_EXPORTER_OTLP_COMPRESSION',
    fallback: 'auto' as 'auto' | 'gzip' | 'none',
    expected: 'auto, gzip or none',
    read: (raw) => (['auto', 'gzip', 'none'] as const).find((coding) => coding === String(raw).trim().toLowerCase()),
  }),
  traceRatio: option({ env: 'CALLSIGHT_TRACE_RATIO', fallback: 0.1, expected: 'a number from 0 to 1', read: share }),
  keySecret: option({ env: 'CALLSIGHT_KEY_SECRET', fallback: '', expected: 'a text', read: text, secret: true }),
  logLevel: option({
    env: 'CALLSIGHT_LOG_LEVEL',
    fallback: 'warn' as Level,
    expected: LEVELS.join(', '),
    read: (raw) => LEVELS.find((level) => level === String(raw).trim().toLowerCase()),
  }),
}

/** Which calls keep their headers and bodies. `failed`: failed and slow ones. `sampled`: those, new operations, and a share. */
export type Capture = (typeof CAPTURES)[number]
/** How the address of a client is sent: as it is, only its network (/24, /48), as a keyed hash, or not at all. */
export type ClientAddress = (typeof CLIENT_ADDRESSES)[number]
/** Names the consumer of a call that has ended. Gets the request as the framework has it. */
// biome-ignore lint/suspicious/noExplicitAny: the request of whatever framework the application uses
export type ConsumerFunction = (request: any) => Consumer | string | undefined
export type RedactMode = (typeof REDACT_MODES)[number]

type Value<O> = O extends Option<infer T> ? T : never
export type Config = { readonly [K in keyof typeof OPTIONS]: Value<(typeof OPTIONS)[K]> }

/** What `start()` accepts: each option of the environment under its own name. Lists may be arrays or comma-separated. */
export interface Options {
  /** `false`: the agent does nothing at all (`CALLSIGHT_ENABLED`). */
  enabled?: boolean
  /** Where calls are sent (`OTEL_EXPORTER_OTLP_ENDPOINT`); `/v1/traces` is appended. */
  endpoint?: string
  /** Headers of every request to the collector (`OTEL_EXPORTER_OTLP_HEADERS`). */
  headers?: Record<string, string> | string
  /** `OTEL_SERVICE_NAME`; default: the name in the package.json of the main script. */
  serviceName?: string
  /** `OTEL_RESOURCE_ATTRIBUTES`. */
  resourceAttributes?: Record<string, string> | string
  /** Headers tried in turn for the consumer (`CALLSIGHT_CONSUMER_HEADER`). */
  consumerHeader?: string[] | string
  /** JWT claims tried in turn (`CALLSIGHT_CONSUMER_CLAIM`). */
  consumerClaim?: string[] | string
  /** Query parameters that carry a consumer's key, tried after the headers (`CALLSIGHT_CONSUMER_QUERY`); `none`: no such. */
  consumerQuery?: string[] | string
  /** Names the consumer of each call when it has ended; wins over everything else. Must be quick, is never awaited. */
  consumer?: ConsumerFunction
  /**
   * Peers that may speak for others: addresses, `network/prefix`, `loopback`, `private`, `linklocal`, or a number of hops
   * (`CALLSIGHT_TRUSTED_PROXIES`). Default: none.
   */
  trustedProxies?: string[] | string | number
  /** Where trusted proxies write the client's address; the first that is present counts (`CALLSIGHT_FORWARDED_HEADER`). */
  forwardedHeader?: string[] | string
  /** Where trusted gateways name the consumer (`CALLSIGHT_GATEWAY_HEADERS`); `none`: nowhere. */
  gatewayHeaders?: string[] | string
  /** `full`, `truncated`, `hashed` or `off` (`CALLSIGHT_CLIENT_ADDRESS`). */
  clientAddress?: ClientAddress
  /** Which calls keep their headers and bodies: `none`, `failed`, `sampled`, `all` (`CALLSIGHT_CAPTURE_BODIES`). */
  captureBodies?: Capture
  /** Bytes kept of each body (`CALLSIGHT_BODY_LIMIT`). */
  bodyLimit?: number
  /** Share of ordinary calls that keep their bodies, 0...1 (`CALLSIGHT_BODY_SAMPLE`). */
  bodySample?: number
  /** Milliseconds after which a call is slow and keeps its detail (`CALLSIGHT_SLOW_MS`). */
  slow?: number
  /** More field names to mask (`CALLSIGHT_REDACT`). */
  redact?: string[] | string
  /** What is left of bodies and headers (`CALLSIGHT_REDACT_MODE`). */
  redactMode?: RedactMode
  /** JSON paths to mask, such as `$.user.address` (`CALLSIGHT_REDACT_PATHS`). */
  redactPaths?: string[] | string
  /** What survives in mode `allow` (`CALLSIGHT_REDACT_ALLOW`). */
  redactAllow?: string[] | string
  /** Path templates of an application whose framework does not tell its routes (`CALLSIGHT_ROUTES`). */
  routes?: string[] | string
  /** Path templates of incoming calls that are not recorded at all, such as `/healthz` (`CALLSIGHT_IGNORE`). */
  ignore?: string[] | string
  /** `gzip`, `none`, or `auto`: by where the collector is (`OTEL_EXPORTER_OTLP_COMPRESSION`). */
  compression?: 'auto' | 'gzip' | 'none'
  /** Share of calls that are also traced, 0...1 (`CALLSIGHT_TRACE_RATIO`). */
  traceRatio?: number
  /** Secret of the keyed hash that stands for a consumer's key (`CALLSIGHT_KEY_SECRET`). */
  keySecret?: string
  /** `none`, `error`, `warn`, `info` or `debug` (`CALLSIGHT_LOG_LEVEL`). */
  logLevel?: Level
}

/** Where proxies write who the client is. */
const CLIENT_HEADERS = [
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'cf-connecting-ip',
  'true-client-ip',
]

/**
 * Names of fields that are never to be sent as they are: those that carry consumers' keys, and, where client addresses
 * are not wanted in full, those that carry addresses.
 */
export function privateNames(
  config: Pick<Config, 'consumerHeader' | 'consumerQuery' | 'forwardedHeader' | 'clientAddress'>,
): string[] {
  const keys = [...config.consumerHeader, ...config.consumerQuery]
  return config.clientAddress === 'full' ? keys : [...keys, ...config.forwardedHeader, ...CLIENT_HEADERS]
}

/** Over the loopback interface bytes cost less than to make fewer of them. */
export function compressionOf({ compression, endpoint }: Config): Compression {
  if (compression !== 'auto') return compression
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1])$/i.test(new URL(endpoint).hostname) ? 'waiting' : 'gzip'
}

/**
 * Reads every option: `start()` wins over the environment, and that over the default. Never throws: a value that is no
 * good becomes one sentence in `faults`, and the default is used.
 */
export function readConfig(options: Options, env: NodeJS.ProcessEnv): { config: Config; faults: string[] } {
  const faults: string[] = []
  const config: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(OPTIONS) as [string, Option<unknown>][]) {
    config[name] = spec.fallback
    const told = (options as Record<string, unknown>)[name]
    const raw = told ?? (spec.env === undefined ? undefined : env[spec.env])
    // An empty variable counts as unset, as OpenTelemetry's specification has it.
    if (raw === undefined || raw === '') continue
    const value = spec.read(raw)
    if (value !== undefined) config[name] = value
    else faults.push(fault(told === undefined ? spec.env! : `start({ ${name} })`, raw, spec))
  }
  for (const name of Object.keys(options)) {
    if (!(name in OPTIONS)) faults.push(`start({ ${name} }): there is no such option; it is ignored`)
  }
  return { config: config as Config, faults }
}

function fault(name: string, raw: unknown, spec: Option<unknown>): string {
  const shown = spec.secret ? 'the value' : JSON.stringify(String(raw).slice(0, 80))
  const unnamed = spec.secret || spec.fallback === '' || spec.fallback === undefined
  const used = unnamed ? 'the default' : JSON.stringify(spec.fallback)
  return `${name}: ${shown} is not ${spec.expected}; using ${used}`
}

function option<T>(spec: Option<T>): Option<T> {
  return spec
}

function truth(raw: unknown): boolean | undefined {
  const said = String(raw).trim().toLowerCase()
  return said === 'true' || said === '1' ? true : said === 'false' || said === '0' ? false : undefined
}

function text(raw: unknown): string | undefined {
  return typeof raw === 'string' && raw.trim() !== '' ? raw.trim() : undefined
}

function share(raw: unknown): number | undefined {
  const value = typeof raw === 'number' ? raw : typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : Number.NaN
  return value >= 0 && value <= 1 ? value : undefined
}

function whole(raw: unknown, most: number): number | undefined {
  const value = typeof raw === 'number' ? raw : typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : Number.NaN
  return Number.isInteger(value) && value >= 0 && value <= most ? value : undefined
}

function list(raw: unknown): string[] | undefined {
  if (!Array.isArray(raw) && typeof raw !== 'string') return undefined
  const names = (Array.isArray(raw) ? raw.map(String) : raw.split(',')).map((name) => name.trim()).filter(Boolean)
  return names.length > 0 ? names : undefined
}

function isNone(raw: unknown): boolean {
  return (Array.isArray(raw) && raw.length === 0) || String(raw).trim().toLowerCase() === 'none'
}

function listOrNone(raw: unknown): string[] | undefined {
  return isNone(raw) ? [] : list(raw)
}

function proxies(raw: unknown): string[] | undefined {
  const names = listOrNone(typeof raw === 'number' ? String(raw) : raw)
  if (names?.join() === '0') return []
  return names === undefined || names.length === 0 || Trust.read(names) !== undefined ? names : undefined
}

function templates(raw: unknown): string[] | undefined {
  const found = list(raw)
  return found?.every((template) => template.startsWith('/')) ? found : undefined
}

function headerNames(raw: unknown): string[] | undefined {
  const names = list(raw)?.map((name) => name.toLowerCase())
  return names?.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) ? names : undefined
}

/** `http://host:port/base`, without a trailing slash. */
function address(raw: unknown): string | undefined {
  try {
    const url = new URL(String(raw).trim())
    const plain = url.protocol === 'http:' || url.protocol === 'https:'
    return plain ? url.origin + url.pathname.replace(/\/+$/, '') : undefined
  } catch {
    return undefined
  }
}

/** `a=1,b=2` with percent-encoded values, as OpenTelemetry writes lists in variables (W3C Baggage format). */
function pairs(raw: unknown): Record<string, string> | undefined {
  const found: Record<string, string> = {}
  if (typeof raw === 'object' && raw !== null) {
    for (const [name, value] of Object.entries(raw)) found[name] = String(value)
    return found
  }
  try {
    for (const part of String(raw).split(',')) {
      if (part.trim() === '') continue
      const cut = part.indexOf('=')
      if (cut <= 0) return undefined
      found[decodeURIComponent(part.slice(0, cut).trim())] = decodeURIComponent(part.slice(cut + 1).trim())
    }
    return found
  } catch {
    return undefined
  }
}

function headerPairs(raw: unknown): Record<string, string> | undefined {
  const found = pairs(raw)
  if (found === undefined) return undefined
  const lower: Record<string, string> = {}
  for (const [name, value] of Object.entries(found)) {
    // Node refuses such a header when the request is made: refuse it here, where it can be said.
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) return undefined
    lower[name.toLowerCase()] = value
  }
  return lower
}
