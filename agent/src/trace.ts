import type { EventEmitter } from 'node:events'
import {
  type Context,
  type ContextManager,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  type ReadableSpan as EndedSpan,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type SpanLimits,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { CALL, type Call } from './call.ts'
import { type Scope, scopes } from './context.ts'
import { randomHex } from './ids.ts'
import { followLogLevel, readPropagator, readSpanLimits } from './otelenv.ts'
import type { Resource } from './resource.ts'
import type { ReadableSpan, Value } from './ship/otlp.ts'

/*
 * OpenTelemetry, wired here and nowhere else; this file is loaded only when calls are traced.
 *
 * A traced call and its SERVER span are one thing: the span is begun and ended with the call, the call takes its ids
 * and what the application has set on it, and the span itself is not sent. It is the same with the CLIENT span of a
 * call that a traced call makes: it gives its ids to the outgoing call. All other spans are inner spans and travel with
 * the calls.
 *
 * The incoming half of the HTTP instrumentation stays off: it would wrap every request, traced or not, and spend most of
 * its time on attributes that the call carries already. Measured at ratio 1: 71 µs added to a call with it, 50 without.
 */

type SpanSink = (scope: string, version: string | undefined, span: ReadableSpan) => void

export interface Tracing {
  /** Begins the SERVER span of a call and makes it the active one of the call's scope. */
  begin(call: Call): void
  /** Ends it. Returns the attributes that the application has set on it. */
  end(call: Call): Record<string, Value>
  stop(): Promise<void>
}

/** Starts a tracer for the calls that are given to `begin`. `own` is the scope of their spans, which are not shipped. */
export function startTracing(resource: Resource, own: string, ship: SpanSink): Tracing {
  const untraced = () => scopes.getStore()?.call?.traced !== true
  const sampler = new CallSampler()
  followLogLevel()
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resource),
    sampler,
    idGenerator: new FastIds(),
    spanProcessors: [new Processor(own, ship)],
    spanLimits: readSpanLimits() as SpanLimits,
  })
  context.setGlobalContextManager(new ScopeContextManager())
  const propagator = readPropagator()
  if (propagator !== undefined) propagation.setGlobalPropagator(propagator)
  trace.setGlobalTracerProvider(provider)
  // They switch themselves on.
  const http = new HttpInstrumentation({
    disableIncomingRequestInstrumentation: true,
    ignoreOutgoingRequestHook: untraced,
    requireParentforOutgoingSpans: true,
  })
  const undici = new UndiciInstrumentation({ requireParentforSpans: true, ignoreRequestHook: untraced })
  // The instrumentation patches a built-in when it is next required; the application may have done so already.
  require('node:http')
  require('node:https')
  const tracer = trace.getTracer(own)
  const open = new WeakMap<Call, Span>()
  return {
    begin(call) {
      const { method, headers } = call
      const above = propagation.extract(ROOT_CONTEXT, headers)
      sampler.callBegins = true
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, above)
      sampler.callBegins = false
      open.set(call, span)
      call.span = span.spanContext()
      call.scope = { call, context: trace.setSpan(above, span) }
    },
    end(call) {
      const span = open.get(call)
      span?.end()
      return (span as { attributes?: Record<string, Value> } | undefined)?.attributes ?? {}
    },
    async stop() {
      http.disable()
      undici.disable()
      await provider.shutdown()
      trace.disable()
      context.disable()
      propagation.disable()
    },
  }
}

/** The SERVER spans of traced calls, and whatever happens beneath a span that is recorded. Nothing else. */
class CallSampler implements Sampler {
  callBegins = false

  shouldSample(parent: Context): SamplingResult {
    if (this.callBegins) return RECORD
    const above = trace.getSpanContext(parent)
    return above !== undefined && above.isRemote !== true && (above.traceFlags & 1) === 1 ? RECORD : DROP
  }
  toString(): string {
    return 'callsight'
  }
}

const RECORD: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED }
const DROP: SamplingResult = { decision: SamplingDecision.NOT_RECORD }

/** Their spans are outgoing calls, which the agent captures itself; they are begun for the sake of the header only. */
const CLIENTS = new Set(['@opentelemetry/instrumentation-http', '@opentelemetry/instrumentation-undici'])

class Processor implements SpanProcessor {
  readonly #own: string
  readonly #ship: SpanSink

  constructor(own: string, ship: SpanSink) {
    this.#own = own
    this.#ship = ship
  }
  onStart(): void {}
  onEnd(span: EndedSpan): void {
    const { name, version } = span.instrumentationScope
    if (name !== this.#own && !CLIENTS.has(name)) this.#ship(name, version, span as unknown as ReadableSpan)
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

/**
 * OpenTelemetry's contexts in the agent's own AsyncLocalStorage. It does less than the stock manager: request and
 * response of a call need no binding, since their whole asynchronous flow already carries the call's scope; other
 * emitters get one wrapped `emit` instead of eight methods and a wrapper for each listener.
 */
class ScopeContextManager implements ContextManager {
  active(): Context {
    return (scopes.getStore()?.context as Context | undefined) ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    inner: Context,
    run: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const call = scopes.getStore()?.call
    return scopes.run({ call, context: inner }, () => run.apply(self, args))
  }

  bind<T>(inner: Context, target: T): T {
    if (typeof target === 'function') return bindFunction(scopeOf(inner), target as unknown as AnyFunction) as T
    const emitter = target as { [CALL]?: Call } & EventEmitter
    if (typeof emitter?.emit !== 'function' || emitter[CALL] !== undefined) return target
    const emit = emitter.emit
    const scope = scopeOf(inner)
    emitter.emit = function (this: EventEmitter, ...args: Parameters<typeof emit>) {
      return scopes.run(scope, () => emit.apply(this, args))
    }
    return target
  }

  enable(): this {
    return this
  }
  disable(): this {
    return this
  }
}

function scopeOf(inner: Context): Scope {
  return { call: scopes.getStore()?.call, context: inner }
}

type AnyFunction = (...args: unknown[]) => unknown

function bindFunction(scope: Scope, target: AnyFunction): AnyFunction {
  const bound = function (this: unknown, ...args: unknown[]): unknown {
    return scopes.run(scope, () => target.apply(this, args))
  }
  Object.defineProperty(bound, 'length', { value: target.length, configurable: true })
  return bound
}

class FastIds {
  generateTraceId(): string {
    return randomHex(32)
  }
  generateSpanId(): string {
    return randomHex(16)
  }
}
