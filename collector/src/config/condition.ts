import { limits } from '../limits.ts'
import type { Comparison, Condition, Fraction, Measure, Unit } from './config.ts'
import { parseDurationMs, parseDurationUs } from './duration.ts'
import { nearest, quoted, Unreadable } from './fault.ts'
import { parsePercentage, parseShare } from './share.ts'

const percentiles = ['p50', 'p75', 'p90', 'p95', 'p99', 'p99.9'] as const
const measures: Readonly<Record<string, Measure>> = {
  '': 'duration',
  ttfb_: 'ttfb',
  request_bytes_: 'request_bytes',
  response_bytes_: 'response_bytes',
}
const comparisons: readonly Comparison[] = ['>', '>=', '<', '<=']

interface Metric {
  readonly unit: Unit
  readonly threshold: (text: string) => Fraction
}

const whole = (numerator: number): Fraction => ({ numerator, denominator: 1 })
const duration: Metric = { unit: 'us', threshold: (text) => whole(parseDurationUs(text)) }
const size: Metric = { unit: 'bytes', threshold: (text) => whole(parseBytes(text)) }

const metrics: Readonly<Record<string, Metric>> = {
  ...Object.fromEntries(
    Object.entries(measures).flatMap(([prefix, measure]) =>
      percentiles.map((name) => [`${prefix}${name}`, measure.endsWith('_bytes') ? size : duration]),
    ),
  ),
  avg: duration,
  max: duration,
  error_rate: { unit: 'share', threshold: parseShare },
  rps: { unit: 'per_second', threshold: parseRate },
  calls: { unit: 'calls', threshold: (text) => whole(parseCount(text)) },
  quota_used: { unit: 'share', threshold: parsePercentage },
  quota_forecast: { unit: 'share', threshold: parsePercentage },
  burn_rate: { unit: 'factor', threshold: (text) => parseFactor(text) },
  // The roll-ups that know who used to call are by the minute, and by the day of the week before.
  silence: { unit: 'us', threshold: (text) => whole(parseDurationMs(text, 120_000, 24 * 3600_000) * 1000) },
}

const known = Object.keys(metrics)
const usual =
  'p95, error_rate, rps, calls, avg, max, ttfb_p95, response_bytes_p95, burn_rate, quota_used, silence, anomaly(p95)'
const remedy = 'write it as p95 > 300ms or error_rate > 5%'

/**
 * Reads what an alert waits for: `p95 > 300ms`, `error_rate >= 5%`, `rps < 0.5`, `silence > 10m`, `burn_rate`,
 * `anomaly(p95)`.
 *
 * @throws Unreadable
 */
export function parseCondition(text: string): Condition {
  const match = /^([a-z_0-9.]+)(\(.*\))?\s*(?:([<>=!]+)\s*(.*))?$/i.exec(text.trim())
  if (match === null) throw new Unreadable(`${quoted(text)} is not a condition`, remedy)
  const [, name, argument, comparison, threshold] = match as unknown as [string, string, ...(string | undefined)[]]
  if (name === 'anomaly') return parseAnomaly(argument, comparison, threshold)
  const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined
  if (metric === undefined || argument !== undefined) {
    const near = nearest(name, known)
    const written = quoted(name + (argument ?? ''))
    throw new Unreadable(`${written} is not a metric`, near ? `did you mean ${near}?` : `use ${usual}`)
  }
  const kind = kindOf(name)
  if (comparison === undefined && name === 'burn_rate') {
    return { text: name, ...kind, comparison: '>', threshold: undefined, unit: metric.unit }
  }
  if (comparison === undefined || threshold === undefined || threshold.trim() === '') {
    throw new Unreadable(`${quoted(text)} has no threshold`, remedy)
  }
  const able = name === 'silence' || name === 'burn_rate' ? (['>', '>='] as const) : comparisons
  const compared = able.find((one) => one === comparison)
  if (compared === undefined) {
    const list = able.length === 2 ? '> or >=' : '>, >=, < or <='
    throw new Unreadable(`${quoted(comparison)} is not a comparison here`, `use ${list}`)
  }
  return {
    text: `${name} ${compared} ${threshold.trim()}`,
    ...kind,
    comparison: compared,
    threshold: metric.threshold(threshold),
    unit: metric.unit,
  }
}

const unusual = [...percentiles, 'error_rate', 'rps', 'calls']

/** `anomaly(p95)`, `anomaly(rps) > 8`: a metric is unusual for the time of the week, by the score or more. */
function parseAnomaly(argument = '', comparison = '>', written = '5'): Condition {
  const name = argument.slice(1, -1).trim()
  if (!unusual.includes(name)) {
    const near = nearest(name, unusual)
    throw new Unreadable(
      `anomaly of ${quoted(name)} is not known`,
      near ? `did you mean anomaly(${near})?` : `write anomaly(p95), or one of ${unusual.join(', ')}`,
    )
  }
  if (comparison !== '>') {
    throw new Unreadable(`${quoted(comparison)} is not a comparison here`, 'use >: a score has no sign')
  }
  const score = parseFactor(written, 'a score', '5')
  if (score.numerator < limits.anomalyLeastScore * score.denominator) {
    throw new Unreadable(`a score of ${written.trim()} is chance`, `write at least ${limits.anomalyLeastScore}`)
  }
  const text = `anomaly(${name}) > ${written.trim()}`
  return { text, ...kindOf(name), comparison: '>', threshold: undefined, unit: metrics[name]!.unit, anomaly: { score } }
}

/**
 * Reads a value in the unit of a condition, as its threshold is written.
 *
 * @throws Unreadable
 */
export function parseThreshold(when: Condition, text: string): Fraction {
  return metrics[when.text.split(' ', 1)[0]!]!.threshold(text)
}

function kindOf(name: string): Pick<Condition, 'metric' | 'percentile'> {
  const match = /^(.*_)?p([\d.]+)$/.exec(name)
  if (match === null) return { metric: name as Condition['metric'], percentile: undefined }
  const [, prefix = '', percentage] = match
  return { metric: 'percentile', percentile: { share: parseShare(`${percentage}%`), measure: measures[prefix]! } }
}

function parseCount(text: string): number {
  const count = Number(text.trim())
  if (/^\d+$/.test(text.trim()) && Number.isSafeInteger(count)) return count
  throw new Unreadable(`${quoted(text)} is not a number of calls`, 'write it in digits: 1000')
}

const seconds = { s: 1, m: 60, h: 3600 } as const

/** `5`, `0.5`, `30/m`: calls per second, minute or hour. */
function parseRate(text: string): Fraction {
  const match = /^(\d{1,9})(?:\.(\d{1,4}))?\s*(?:\/\s*([smh]))?$/.exec(text.trim())
  if (match === null) {
    throw new Unreadable(`${quoted(text)} is not a rate of calls`, 'write calls a second, a minute or an hour: 5, 30/m')
  }
  const [, integer, decimals = '', per = 's'] = match
  return {
    numerator: Number(integer + decimals),
    denominator: 10 ** decimals.length * seconds[per as keyof typeof seconds],
  }
}

function parseFactor(text: string, what = 'a burn rate', example = '14.4'): Fraction {
  const match = /^(\d{1,6})(?:\.(\d{1,4}))?$/.exec(text.trim())
  if (match === null) throw new Unreadable(`${quoted(text)} is not ${what}`, `write a number: ${example}`)
  const [, integer, decimals = ''] = match
  return { numerator: Number(integer + decimals), denominator: 10 ** decimals.length }
}

const sizes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

function parseBytes(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)$/.exec(text.trim())
  if (match === null) {
    throw new Unreadable(
      `${quoted(text)} is not a number of bytes`,
      'write a number and a unit (B, kB, MB, GB, KiB, MiB, GiB): 64kB',
    )
  }
  const unit = match[2] === 'KB' ? 'kB' : (match[2] as keyof typeof sizes)
  return Math.round(Number(match[1]) * sizes[unit])
}
