import { type Fault, quoted, Unreadable } from '../config/fault.ts'
import { listOf, mapOf } from '../config/part.ts'
import { indicatorOfErrors } from './indicator.ts'
import { attempt, type Imported, type Source, textOf, type Written, written } from './source.ts'

export function isSloth({ value }: Source): boolean {
  return value.version === 'prometheus/v1' || value.kind === 'PrometheusServiceLevel'
}

/**
 * Objectives of a Sloth file, in its own format (`version: prometheus/v1`) or as the Kubernetes resource
 * PrometheusServiceLevel: https://sloth.dev/specs/default/v1/. Sloth does not say the window: 30 days is its default.
 *
 * @param window of the objectives: `30d`
 */
export function readSloth(source: Source, window: string): Imported {
  const nested = source.value.kind === 'PrometheusServiceLevel'
  const root = nested ? mapOf(source.value.spec) : source.value
  const base = nested ? ['spec'] : []
  const objectives: Written[] = []
  const faults: Fault[] = []
  listOf(root.slos).forEach((entry, i) => {
    const path = [...base, 'slos', i]
    const slo = mapOf(entry)
    const value = attempt(source, [...path, 'sli'], faults, () => {
      const { events, raw, plugin } = mapOf(slo.sli)
      if (events === undefined) {
        const kind = raw !== undefined ? 'raw ratio' : plugin !== undefined ? 'plugin' : 'missing indicator'
        throw new Unreadable(`a ${kind} does not say which calls it counts`, 'give error_query and total_query')
      }
      const { error_query, total_query } = mapOf(events)
      const indicator = indicatorOfErrors(textOf(error_query, 'error_query'), textOf(total_query, 'total_query'))
      const service = textOf(root.service, 'service')
      return written({
        name: `${service}-${textOf(slo.name, 'name')}`,
        ...indicator,
        // The file names its service for people; what its metrics are labelled with is what calls carry.
        service: indicator.service ?? service,
        target: targetOf(slo.objective),
        window,
      })
    })
    if (value !== undefined) objectives.push({ value, source, path })
  })
  if (objectives.length + faults.length === 0) {
    faults.push(source.fault({ path: base, what: 'there are no slos', remedy: 'add one' }))
  }
  return { objectives, alerts: [], faults }
}

/** 99.9 as `99.9%`. */
function targetOf(value: unknown): string {
  const number = Number(textOf(value, 'objective'))
  if (number > 0 && number < 100) return `${number}%`
  throw new Unreadable(`the objective ${quoted(value)} is no percentage between 0 and 100`, 'write 99.9')
}
