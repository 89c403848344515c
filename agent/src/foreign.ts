import type { SpanIds } from './call.ts'
import type { TraceParent } from './traceparent.ts'
import { hasVendorTracer } from './vendors.ts'

/*
 * OpenTelemetry's API is one object on the global that all its copies share; its keys are the API's own contract
 * between versions 1.x. Looking there needs no package, so it costs nothing where nobody traces.
 */

interface Context {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): Context
}
interface ApiGlobals {
  trace?: unknown
  context?: { active(): Context; with<T>(context: Context, run: () => T): T }
}
interface SpanLike {
  spanContext(): SpanIds & { traceFlags?: number }
  /** What follows is no part of the API, but of the SDKs' spans: 2.x and later, and before. */
  kind?: number
  parentSpanContext?: SpanIds
  parentSpanId?: string
}

const API = Symbol.for('opentelemetry.js.api.1')
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN')
const SUPPRESS = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
const RPC_METADATA = Symbol.for('OpenTelemetry SDK Context Key RPC_METADATA')

function api(): ApiGlobals | undefined {
  return (globalThis as Record<symbol, ApiGlobals | undefined>)[API]
}

/** Whether somebody else traces here: a tracer provider is registered, or another vendor's tracer is at work. */
export function hasProvider(): boolean {
  return api()?.trace !== undefined || hasVendorTracer()
}

/** The ids of the request's SERVER span where its SDK tells, else of the active span. */
export function activeSpan(): SpanIds | undefined {
  const active = api()?.context?.active()
  if (active === undefined) return undefined
  const server = (active.getValue(RPC_METADATA) as { span?: SpanLike } | undefined)?.span
  const span = server ?? (active.getValue(SPAN) as SpanLike | undefined)
  const ids = span?.spanContext()
  return ids !== undefined && isValid(ids) ? ids : undefined
}

const SPAN_KIND_CLIENT = 2

/**
 * The span on whose behalf an outgoing call is being made: the active one, or the one above it where the active span
 * stands for the outgoing call itself.
 */
export function spanAbove(): TraceParent | undefined {
  const span = api()?.context?.active().getValue(SPAN) as SpanLike | undefined
  if (span === undefined) return undefined
  const { traceId, spanId, traceFlags = 0 } = span.spanContext()
  const above = span.kind === SPAN_KIND_CLIENT ? (span.parentSpanContext?.spanId ?? span.parentSpanId) : spanId
  if (above === undefined || !isValid({ traceId, spanId: above })) return undefined
  return { traceId, spanId: above, sampled: (traceFlags & 1) === 1 }
}

/** Whether an SDK has asked not to be seen here, as exporters do for their own requests. */
export function isSuppressed(): boolean {
  return api()?.context?.active().getValue(SUPPRESS) === true
}

function isValid({ traceId, spanId }: SpanIds): boolean {
  return /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(spanId)
}

/** Runs the agent's own requests so that no instrumentation, whenever it was loaded, makes spans of them. */
export function withoutTracing<T>(run: () => T): T {
  const contexts = api()?.context
  return contexts === undefined ? run() : contexts.with(contexts.active().setValue(SUPPRESS, true), run)
}
