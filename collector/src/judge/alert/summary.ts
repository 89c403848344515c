import type { AlertRule, Comparison, Fraction } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { decisiveShare, type Labels, type Point, shown, thresholdOf } from './reading.ts'

/** The state that is told of, and what the alert is about. */
export interface Told {
  readonly state: string
  readonly labels: Labels
}

const beyond: Readonly<Record<Comparison, string>> = {
  '>': 'above',
  '>=': 'at or above',
  '<': 'below',
  '<=': 'at or below',
}

/**
 * `slow: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m (operation=POST /orders)`
 * `failing: 12 of 40 calls failed; 99.9 % sure the rate is above 5 %, in 5m (consumer=acme)`
 */
export function valueSummary(rule: AlertRule, point: Point, { state, labels }: Told): string {
  const { when } = rule
  const limit = shownText(rule, thresholdOf(rule, point))
  const breaking = state === 'pending' || state === 'firing'
  const over = durationText(point.overMs ?? rule.overMs)
  const about = labelsText(labels)
  const relation = `${breaking ? '' : 'no longer '}${beyond[when.comparison]} ${limit}`
  if (when.anomaly) {
    const measured = `${rule.name}: ${metricText(rule)} is ${shownText(rule, point.value)}, ${breaking ? '' : 'no longer unusual, '}in ${callsText(point.calls)} of ${over}`
    return `${measured}${usualText(rule, point)}${about}`
  }
  if (when.metric === 'silence') {
    const quiet = durationText(Math.round(shown(when, point.value)))
    return `${rule.name}: no call for ${quiet}, ${relation}, after ${callsText(point.calls)} in the day before${about}`
  }
  if (when.metric === 'error_rate' && point.beyond !== undefined) {
    const failed = `${rule.name}: ${point.beyond.calls} of ${callsText(point.calls)} failed`
    if (breaking && rule.confidence !== undefined) {
      return `${failed}; ${percent(rule.confidence)} sure the rate is ${beyond[when.comparison]} ${limit}, in ${over}${about}`
    }
    return `${failed}, ${shownText(rule, point.value)}, ${relation}, in ${over}${about}`
  }
  const measured = `${rule.name}: ${metricText(rule)} is ${shownText(rule, point.value)}, ${relation}`
  if (when.metric === 'quota_used' || when.metric === 'quota_forecast') {
    return `${measured}, after ${callsText(point.calls)}${about}`
  }
  if (when.metric === 'calls' || when.metric === 'rps') return `${measured}, in ${over}${about}`
  return `${measured}, in ${callsText(point.calls)} of ${over}${sureText(rule, point, breaking)}${about}`
}

/** `; at this time of the week it is usually 210 ms (±30 ms)` */
function usualText(rule: AlertRule, { usual }: Point): string {
  if (usual === undefined) return '; nothing is usual at this time of the week yet'
  const spread = shownText(rule, usual.spread)
  return `; at this time of the week it is usually ${shownText(rule, usual.median)} (±${spread})`
}

/** Of a window without calls. */
export function nothingSummary(rule: AlertRule, { labels }: Told): string {
  const about = labelsText(labels)
  if (rule.when.metric === 'silence') return `${rule.name}: no longer quiet${about}`
  if (rule.when.metric === 'burn_rate') return `${rule.name}: the objective has no calls${about}`
  if (rule.when.metric.startsWith('quota_')) return `${rule.name}: the quota is not counted any more${about}`
  return `${rule.name}: no call in ${durationText(rule.overMs)}${about}`
}

/** Why a rule has no data. */
export function fewCallsText({ minCalls, overMs }: AlertRule): string {
  return `${minCalls > 1 ? `fewer than ${callsText(minCalls)}` : 'no call'} in ${durationText(overMs)}`
}

export function troubleSummary(rule: AlertRule, kind: 'nodata' | 'error', reason: string, told: Told): string {
  const over = told.state === 'resolved'
  const about = labelsText(told.labels)
  if (kind === 'nodata') return `${rule.name}: ${over ? 'there are calls again' : reason}${about}`
  return `${rule.name}: ${over ? 'it is judged again' : `it cannot be judged: ${reason}`}${about}`
}

export function endedSummary({ rule, labels }: { rule: string; labels: Labels }): string {
  return `${rule}: the rule was removed${labelsText(labels)}`
}

/** `; 30 of them are beyond, 99.9 % sure that more than 5 % are` */
function sureText(rule: AlertRule, point: Point, breaking: boolean): string {
  if (!breaking || rule.confidence === undefined || point.beyond === undefined) return ''
  if (!rule.when.comparison.startsWith('>')) return `, ${percent(rule.confidence)} sure`
  return `; ${point.beyond.calls} of them are beyond, ${percent(rule.confidence)} sure that more than ${percent(decisiveShare(rule))} are`
}

/** What a rule measures, in words. */
export function metricText({ when }: AlertRule): string {
  if (when.percentile !== undefined) return /[a-z_]*p[\d.]+/.exec(when.text)![0].replaceAll('_', ' ')
  const names = {
    avg: 'the average',
    max: 'the maximum',
    error_rate: 'the error rate',
    rps: 'the rate',
    calls: 'the number of calls',
    quota_used: 'the used share of the quota',
    quota_forecast: 'the forecast at the end of the period',
    burn_rate: 'the burn rate',
    percentile: '',
    silence: '',
  } as const
  return names[when.metric]
}

/** A value in the unit of the rule's condition, for people. */
export function shownText({ when }: AlertRule, value: Fraction): string {
  const number = shown(when, value)
  switch (when.unit) {
    case 'us':
      return when.metric === 'silence' ? durationText(Math.round(number)) : `${decimals(number)} ms`
    case 'share':
      return `${decimals(number * 100)} %`
    case 'bytes':
      return number < 10_000 ? `${decimals(number)} B` : `${decimals(number / 1000)} kB`
    case 'per_second':
      return `${decimals(number)} calls a second`
    default:
      return decimals(number)
  }
}

function percent({ numerator, denominator }: Fraction): string {
  return `${decimals((100 * numerator) / denominator)} %`
}

function callsText(calls: number): string {
  return calls === 1 ? '1 call' : `${calls} calls`
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value === '' ? '(none)' : value}`)
  return pairs.length === 0 ? '' : ` (${pairs.join(', ')})`
}

function decimals(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)))
}
