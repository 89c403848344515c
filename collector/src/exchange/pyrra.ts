import { type Fault, quoted, Unreadable } from '../config/fault.ts'
import { listOf, mapOf } from '../config/part.ts'
import { type Indicator, indicatorOfErrors, indicatorOfSuccess, latencyText } from './indicator.ts'
import { attempt, type Imported, type Source, textOf, written } from './source.ts'

export function isPyrra({ value }: Source): boolean {
  return value.kind === 'ServiceLevelObjective'
}

/** The objective of a Pyrra file, a Kubernetes resource ServiceLevelObjective of pyrra.dev/v1alpha1. */
export function readPyrra(source: Source): Imported {
  const faults: Fault[] = []
  const spec = mapOf(source.value.spec)
  const value = attempt(source, ['spec', 'indicator'], faults, () => {
    const { indicator, per } = indicatorOf(mapOf(spec.indicator))
    return written({
      name: textOf(mapOf(source.value.metadata).name, 'metadata.name'),
      ...indicator,
      per,
      target: `${Number(textOf(spec.target, 'target'))}%`,
      window: textOf(spec.window, 'window'),
    })
  })
  return { objectives: value === undefined ? [] : [{ value, source, path: ['spec'] }], alerts: [], faults }
}

function indicatorOf({ ratio, latency, latencyNative, bool_gauge }: Readonly<Record<string, unknown>>): {
  indicator: Indicator
  per: 'consumer' | undefined
} {
  if (ratio !== undefined) {
    const { errors, total, grouping } = mapOf(ratio)
    return { indicator: indicatorOfErrors(metricOf(errors, 'errors'), metricOf(total, 'total')), per: perOf(grouping) }
  }
  if (latency !== undefined) {
    const { success, total, grouping } = mapOf(latency)
    return {
      indicator: indicatorOfSuccess(metricOf(success, 'success'), metricOf(total, 'total')),
      per: perOf(grouping),
    }
  }
  if (latencyNative !== undefined) {
    // A native histogram has no bucket to select: the latency stands beside it.
    const native = mapOf(latencyNative)
    const total = metricOf(native.total, 'total')
    const { good: _, ...indicator } = indicatorOfSuccess(withBound(total), total)
    const seconds = secondsOf(textOf(native.latency, 'latency'))
    return { indicator: { ...indicator, good: { latency_below: latencyText(seconds) } }, per: perOf(native.grouping) }
  }
  if (bool_gauge !== undefined) throw new Unreadable('a bool_gauge counts no calls', 'write the objective by hand')
  throw new Unreadable('there is no indicator', 'add ratio or latency')
}

function metricOf(value: unknown, what: string): string {
  return textOf(mapOf(value).metric, `${what}.metric`)
}

function withBound(total: string): string {
  return total.includes('{') ? total.replace('{', '{le="1",') : `${total}{le="1"}`
}

/** A Go duration: `1s`, `250ms`, `1m30s`. */
function secondsOf(text: string): number {
  const units = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6 }
  if (!/^(\d+(\.\d+)?(h|ms|m|s|us|µs))+$/.test(text)) throw new Unreadable(`${quoted(text)} is no duration`, 'write 1s')
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs)/g)
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0)
}

/** One promise for each value of a label: of ours, the consumer can have that. */
function perOf(grouping: unknown): 'consumer' | undefined {
  const labels = listOf(grouping).map(String)
  if (labels.length === 0) return undefined
  if (labels.length === 1 && /^(consumer|client_id|customer)$/.test(labels[0]!)) return 'consumer'
  throw new Unreadable(
    `grouping by ${labels.join(', ')} is not possible`,
    'group by consumer, or write one objective for each',
  )
}
