import { DiagConsoleLogger, diag, type TextMapPropagator } from '@opentelemetry/api'
import {
  CompositePropagator,
  diagLogLevelFromString,
  getNumberFromEnv,
  getStringFromEnv,
  getStringListFromEnv,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'

/*
 * What the environment may say to OpenTelemetry's SDK, as far as it concerns a tracer whose sampler, processor and
 * resource are the agent's own. `@opentelemetry/sdk-node` reads the same variables, but loads every exporter there is:
 * 6 MB of heap and 150 ms in front of the first request.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */

/** Lets OpenTelemetry speak up where `OTEL_LOG_LEVEL` asks for it. */
export function followLogLevel(): void {
  const level = getStringFromEnv('OTEL_LOG_LEVEL')
  if (level !== undefined) diag.setLogger(new DiagConsoleLogger(), { logLevel: diagLogLevelFromString(level)! })
}

// The last three are rare; each is loaded where it is asked for.
const PROPAGATORS: Record<string, () => TextMapPropagator> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new (b3().B3Propagator)(),
  b3multi: () => new (b3().B3Propagator)({ injectEncoding: b3().B3InjectEncoding.MULTI_HEADER }),
  jaeger: () =>
    new (
      require('@opentelemetry/propagator-jaeger') as typeof import('@opentelemetry/propagator-jaeger')
    ).JaegerPropagator(),
}

function b3(): typeof import('@opentelemetry/propagator-b3') {
  return require('@opentelemetry/propagator-b3')
}

/** The propagator of `OTEL_PROPAGATORS`; the W3C's two by default; undefined: none. */
export function readPropagator(): TextMapPropagator | undefined {
  const names = new Set(getStringListFromEnv('OTEL_PROPAGATORS') ?? ['tracecontext', 'baggage'])
  if (names.has('none')) return undefined
  const propagators: TextMapPropagator[] = []
  for (const name of names) {
    const make = Object.hasOwn(PROPAGATORS, name) ? PROPAGATORS[name] : undefined
    if (make === undefined) diag.warn(`Propagator "${name}" requested through environment variable is unavailable.`)
    else propagators.push(make())
  }
  return propagators.length === 0 ? undefined : new CompositePropagator({ propagators })
}

/** How much of a span is kept, where the environment says so. */
export function readSpanLimits(): Record<string, number | undefined> {
  const either = (name: string) => getNumberFromEnv(`OTEL_SPAN_${name}`) ?? getNumberFromEnv(`OTEL_${name}`)
  return {
    attributeCountLimit: either('ATTRIBUTE_COUNT_LIMIT'),
    attributeValueLengthLimit: either('ATTRIBUTE_VALUE_LENGTH_LIMIT'),
    eventCountLimit: getNumberFromEnv('OTEL_SPAN_EVENT_COUNT_LIMIT'),
    linkCountLimit: getNumberFromEnv('OTEL_SPAN_LINK_COUNT_LIMIT'),
    attributePerEventCountLimit: getNumberFromEnv('OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT'),
    attributePerLinkCountLimit: getNumberFromEnv('OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT'),
  }
}
