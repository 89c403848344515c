import http from 'node:http'

/*
 * Other vendors' monitors in the same process. They replace `http.request`, in whatever order all are loaded, and trace
 * with the same `traceparent` header as OpenTelemetry does. What is looked at here is what each leaves for a second copy
 * of itself to find.
 */

const globals = globalThis as unknown as Record<PropertyKey, unknown>
const DATADOG = Symbol.for('dd-trace')

/**
 * Whether one of them writes `traceparent` into the application's requests: a second tracer would overwrite it, and its
 * owner's traces would fall apart.
 */
export function hasVendorTracer(): boolean {
  return globals[DATADOG] !== undefined || hasNewRelic() || hasElastic()
}

function hasNewRelic(): boolean {
  return (require.cache as Record<string, unknown>).__NR_cache !== undefined
}

function hasElastic(): boolean {
  const symbols = Object.getOwnPropertySymbols(globals)
  return symbols.some((symbol) => symbol.description === 'ElasticAPMAgentInitialized' && Boolean(globals[symbol]))
}

/**
 * Opens a request of the agent's own that nobody's instrumentation sees: this class is what `http.request` and
 * `https.request` come down to, and nobody replaces it. The agent in `options` decides between http and https.
 */
export function plainRequest(url: string, options: http.RequestOptions): http.ClientRequest {
  const Request = http.ClientRequest as unknown as new (url: string, options: http.RequestOptions) => http.ClientRequest
  return withoutDatadog(() => new Request(url, options))
}

interface DatadogStorage {
  run<T>(store: { noop: true }, run: () => T): T
}
let datadogStorage: DatadogStorage | null | undefined

/** dd-trace makes spans of connections and look-ups too, but for those that it makes itself, which it marks like this. */
function withoutDatadog<T>(run: () => T): T {
  if (globals[DATADOG] === undefined) return run()
  if (datadogStorage === undefined) datadogStorage = findDatadogStorage() ?? null
  return datadogStorage === null ? run() : datadogStorage.run({ noop: true }, run)
}

function findDatadogStorage(): DatadogStorage | undefined {
  const file = Object.keys(require.cache).find((name) => /datadog-core[\\/]src[\\/]storage\.js$/.test(name))
  const found = file === undefined ? undefined : require.cache[file]?.exports
  const storage = typeof found?.storage === 'function' ? found.storage('legacy') : found?.storage
  return typeof storage?.run === 'function' ? storage : undefined
}
