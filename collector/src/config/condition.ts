import type { Condition } from './config.ts'
import { parseDurationUs } from './duration.ts'
import { nearest, quoted, Unreadable } from './fault.ts'
import { parseShare } from './share.ts'

const percentiles = ['p50', 'p90', 'p95', 'p99', 'p99.9'] as const
const known = [...percentiles, 'error_rate']
const later = ['avg', 'max', 'rps', 'calls', 'ttfb_p95', 'response_bytes_p95', 'quota_used', 'burn_rate', 'silence']
const remedy = 'write it as p95 > 300ms or error_rate > 5%'

/**
 * Reads what an alert waits for: `p95 > 300ms`, `error_rate > 5%`.
 *
 * @throws Unreadable
 */
export function parseCondition(text: string): Condition {
  const match = /^([a-z_0-9.]+)(\(.*\))?\s*(?:([<>=!]+)\s*(.*))?$/i.exec(text.trim())
  if (match === null) throw new Unreadable(`${quoted(text)} is not a condition`, remedy)
  const [, metric, argument, comparison, threshold] = match as unknown as [string, string, ...(string | undefined)[]]
  if (later.includes(metric) || metric === 'anomaly' || /^(ttfb|response_bytes)_p\d/.test(metric)) {
    throw new Unreadable(`${metric} is not supported yet`, `use ${known.join(', ')}`)
  }
  if (!known.includes(metric) || argument !== undefined) {
    const near = nearest(metric, known)
    const name = quoted(metric + (argument ?? ''))
    throw new Unreadable(`${name} is not a metric`, near ? `did you mean ${near}?` : `use ${known.join(', ')}`)
  }
  if (comparison === undefined || threshold === undefined) {
    throw new Unreadable(`${quoted(text)} has no threshold`, remedy)
  }
  if (comparison !== '>') throw new Unreadable(`${quoted(comparison)} is not a comparison here`, 'use >')
  const canonical = `${metric} > ${threshold.trim()}`
  if (metric === 'error_rate') return { text: canonical, metric, above: parseShare(threshold) }
  const aboveUs = parseDurationUs(threshold)
  return { text: canonical, metric: 'percentile', percentile: parseShare(`${metric.slice(1)}%`), aboveUs }
}
