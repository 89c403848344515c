import { type Fault, quoted, Unreadable } from '../config/fault.ts'
import { listOf, mapOf } from '../config/part.ts'
import { type Indicator, indicatorOfErrors, indicatorOfSuccess, latencyText } from './indicator.ts'
import { attempt, type Imported, type Source, textOf, type Written, written } from './source.ts'

type Path = readonly (string | number)[]
type Map = Readonly<Record<string, unknown>>

export function isOpenSlo({ value }: Source): boolean {
  return String(value.apiVersion).startsWith('openslo')
}

/** The objects of OpenSLO v1 that SLOs refer to by name. */
interface Library {
  readonly SLI: ReadonlyMap<string, Source>
  readonly AlertPolicy: ReadonlyMap<string, Source>
  readonly AlertCondition: ReadonlyMap<string, Source>
  readonly DataSource: ReadonlyMap<string, Source>
}

/**
 * Objectives and burn-rate alerts of OpenSLO v1: https://github.com/OpenSLO/OpenSLO. Objects may refer to each other
 * over all the sources. The indicator is a `metricSource` of type `callsight`, whose `spec` has the keys of an objective
 * (`service`, `operation`, `consumer`, `per`, `failed`, `good`), or of type Prometheus as far as its queries count
 * calls. A notification target is the channel of the same name.
 */
export function readOpenSlo(sources: readonly Source[]): Imported {
  const faults: Fault[] = []
  const byName = (kind: string) =>
    new Map(
      sources
        .filter(({ value }) => value.kind === kind)
        .map((source) => [String(mapOf(source.value.metadata).name), source]),
    )
  const library: Library = {
    SLI: byName('SLI'),
    AlertPolicy: byName('AlertPolicy'),
    AlertCondition: byName('AlertCondition'),
    DataSource: byName('DataSource'),
  }
  const objectives: Written[] = []
  const alerts: Written[] = []
  for (const source of sources) {
    const { apiVersion, kind } = source.value
    if (apiVersion !== 'openslo/v1') {
      const what = `${quoted(apiVersion)} is not read`
      faults.push(source.fault({ path: ['apiVersion'], what, remedy: 'write it as openslo/v1' }))
    } else if (kind === 'SLO') {
      const made = objectivesOf(source, library, faults)
      objectives.push(...made)
      for (const { value } of made) alerts.push(...alertsOf(source, String(value.name), library, faults))
    } else if (
      !['SLI', 'AlertPolicy', 'AlertCondition', 'DataSource', 'Service', 'AlertNotificationTarget'].includes(
        String(kind),
      )
    ) {
      faults.push(
        source.fault({
          path: ['kind'],
          what: `there is no kind ${quoted(kind)}`,
          remedy: 'write SLO, SLI, AlertPolicy …',
        }),
      )
    }
  }
  return { objectives, alerts, faults }
}

/** An SLO has one or more objectives; each of ours is one of them. */
function objectivesOf(source: Source, library: Library, faults: Fault[]): Written[] {
  const spec = mapOf(source.value.spec)
  const entries = listOf(spec.objectives)
  if (entries.length === 0) {
    faults.push(
      source.fault({ path: ['spec', 'objectives'], what: 'there is no objective', remedy: 'add one with a target' }),
    )
  }
  return entries.flatMap((entry, i): Written[] => {
    const path: Path = ['spec', 'objectives', i]
    const value = attempt(source, path, faults, () => {
      const own = mapOf(entry)
      const name = textOf(mapOf(source.value.metadata).name, 'metadata.name')
      const indicator = indicatorOf(own, indicatorSpec(spec, own, library), library)
      return written({
        name: entries.length === 1 ? name : `${name}-${i + 1}`,
        ...indicator,
        service: indicator.service ?? (typeof spec.service === 'string' ? spec.service : undefined),
        target: targetOf(own),
        ...windowOf(spec),
        ...methodOf(spec, own),
      })
    })
    return value === undefined ? [] : [{ value, source, path }]
  })
}

/** The SLI, inline or by name, of the objective or of the whole SLO. */
function indicatorSpec(spec: Map, own: Map, library: Library): Map {
  for (const holder of [own, spec]) {
    if (holder.indicator !== undefined) return mapOf(mapOf(holder.indicator).spec)
    if (holder.indicatorRef === undefined) continue
    const found = library.SLI.get(String(holder.indicatorRef))
    if (found === undefined) {
      throw new Unreadable(`there is no SLI ${quoted(holder.indicatorRef)}`, 'give the file that has it, too')
    }
    return mapOf(found.value.spec)
  }
  throw new Unreadable('there is no indicator', 'add indicator or indicatorRef')
}

function indicatorOf(own: Map, { ratioMetric, thresholdMetric }: Map, library: Library): Indicator {
  if (thresholdMetric !== undefined) {
    const { kind, spec } = metricSource(thresholdMetric, library)
    if (kind !== 'callsight')
      throw new Unreadable(`a thresholdMetric of ${kind} does not count calls`, 'write a ratioMetric')
    if (own.op !== 'lt' && own.op !== 'lte')
      throw new Unreadable(`op ${quoted(own.op)} promises no latency`, 'write op: lt')
    // In seconds, the unit of durations in Prometheus and OpenTelemetry.
    return { ...(spec as Indicator), good: { latency_below: latencyText(Number(textOf(own.value, 'value'))) } }
  }
  const { good, bad, total, raw } = mapOf(ratioMetric)
  if (raw !== undefined)
    throw new Unreadable('a raw ratio does not say which calls it counts', 'write good or bad, and total')
  if (total === undefined || (good === undefined && bad === undefined)) {
    throw new Unreadable('the ratioMetric is not whole', 'write good or bad, and total')
  }
  const all = metricSource(total, library)
  const part = metricSource(good ?? bad, library)
  if (all.kind === 'callsight') return { ...(all.spec as Indicator), ...(part.spec as Indicator) }
  const [query, whole] = [queryOf(part.spec), queryOf(all.spec)]
  return good === undefined ? indicatorOfErrors(query, whole) : indicatorOfGood(query, whole)
}

/** Good calls are those in a bucket, or those without the statuses of errors. */
function indicatorOfGood(good: string, total: string): Indicator {
  if (/\ble\s*=/.test(good)) return indicatorOfSuccess(good, total)
  return indicatorOfErrors(turned(good), total)
}

/** The same selector with its conditions on statuses the other way round. */
function turned(query: string): string {
  return query.replace(/(\b\w*(?:status|code)\w*\s*)(=~|!~|!=|=)/g, (_, label: string, operator: string) => {
    return label + { '=~': '!~', '!~': '=~', '=': '!=', '!=': '=' }[operator]
  })
}

function metricSource(metric: unknown, library: Library): { kind: string; spec: Map } {
  const { type, metricSourceRef, spec } = mapOf(mapOf(metric).metricSource)
  const source = library.DataSource.get(String(metricSourceRef))
  const kind = String(type ?? mapOf(source?.value.spec).type ?? 'nothing').toLowerCase()
  if (kind === 'callsight' || kind === 'prometheus') return { kind, spec: mapOf(spec) }
  throw new Unreadable(`a metricSource of ${kind} cannot be read`, 'write type: callsight with service and operation')
}

function queryOf(spec: Map): string {
  return textOf(spec.query ?? spec.promql, 'query')
}

function targetOf({ target, targetPercent }: Map): string {
  if (targetPercent !== undefined) return `${Number(targetPercent)}%`
  return shareText(Number(textOf(target, 'target')))
}

/** 0.995 as `99.5%`, without what binary fractions add. */
function shareText(ratio: number): string {
  return `${Number((ratio * 100).toFixed(6))}%`
}

const calendarUnits: Readonly<Record<string, string>> = { d: 'day', w: 'week', M: 'month', Q: 'quarter', Y: 'year' }

/** `30d` rolling, `1M` by the calendar. A month that rolls is taken as 30 days, as others do. */
function windowOf(spec: Map): Record<string, unknown> {
  const window = mapOf(listOf(spec.timeWindow)[0])
  const [, count, unit] = /^(\d+)([mhdwMQY])$/.exec(textOf(window.duration, 'timeWindow[0].duration')) ?? []
  if (count === undefined || unit === undefined) {
    throw new Unreadable(`the duration ${quoted(window.duration)} is not known`, 'write 30d, 4w or 1M')
  }
  if (window.isRolling === true) {
    const days = { w: 7, M: 30, Q: 90, Y: 365 }[unit]
    return { window: days === undefined ? `${count}${unit}` : `${Number(count) * days}d` }
  }
  const calendar = calendarUnits[unit]
  if (calendar === undefined || count !== '1') {
    throw new Unreadable(
      `${quoted(window.duration)} is no period of the calendar`,
      'write 1d, 1w, 1M, 1Q or 1Y, or isRolling: true',
    )
  }
  const zone = mapOf(window.calendar).timeZone
  return { window: calendar, time_zone: zone === undefined ? undefined : String(zone) }
}

function methodOf({ budgetingMethod }: Map, { timeSliceWindow, timeSliceTarget }: Map): Record<string, unknown> {
  if (budgetingMethod === undefined || budgetingMethod === 'Occurrences') return {}
  const method = { Timeslices: 'timeslices', RatioTimeslices: 'ratio_timeslices' }[String(budgetingMethod)]
  if (method === undefined) {
    throw new Unreadable(
      `the budgetingMethod ${quoted(budgetingMethod)} is not known`,
      'write Occurrences, Timeslices or RatioTimeslices',
    )
  }
  return {
    method,
    slice: timeSliceWindow === undefined ? undefined : String(timeSliceWindow).replace(/^(\d+)$/, '$1m'),
    slice_target: timeSliceTarget === undefined ? undefined : shareText(Number(timeSliceTarget)),
  }
}

/** Burn-rate conditions become alert rules: the lookback window is the long one, its twelfth the short one. */
function alertsOf(source: Source, objective: string, library: Library, faults: Fault[]): Written[] {
  return listOf(mapOf(source.value.spec).alertPolicies).flatMap((entry, i) => {
    const path: Path = ['spec', 'alertPolicies', i]
    return (
      attempt(source, path, faults, () => {
        const policy = named(entry, 'alertPolicyRef', library.AlertPolicy, 'AlertPolicy')
        const notify = listOf(policy.notificationTargets).map((target) => {
          const { targetRef, metadata } = mapOf(target)
          return String(targetRef ?? mapOf(metadata).name)
        })
        return listOf(policy.conditions).map((condition): Written => {
          const spec = named(condition, 'conditionRef', library.AlertCondition, 'AlertCondition')
          const { kind = 'burnrate', threshold, lookbackWindow, alertAfter } = mapOf(spec.condition)
          if (kind !== 'burnrate')
            throw new Unreadable(`a condition of kind ${quoted(kind)} is not known`, 'write burnrate')
          const value = written({
            name: `${objective}-burn-${textOf(lookbackWindow, 'lookbackWindow')}`,
            objective,
            when: `burn_rate > ${Number(textOf(threshold, 'threshold'))}`,
            over: String(lookbackWindow),
            for: alertAfter === undefined ? undefined : String(alertAfter),
            severity: spec.severity === undefined ? undefined : String(spec.severity),
            notify: notify.length === 0 ? undefined : notify,
          })
          return { value, source, path }
        })
      }) ?? []
    )
  })
}

/** The spec of an object that stands here or elsewhere. */
function named(entry: unknown, reference: string, known: ReadonlyMap<string, Source>, kind: string): Map {
  const inline = mapOf(entry)
  const name = typeof entry === 'string' ? entry : inline[reference]
  if (name === undefined) return mapOf(inline.spec)
  const found = known.get(String(name))
  if (found === undefined) throw new Unreadable(`there is no ${kind} ${quoted(name)}`, 'give the file that has it, too')
  return mapOf(found.value.spec)
}
