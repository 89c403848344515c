import type { AlertRule, Condition } from '../config/config.ts'
import { ratio } from '../config/share.ts'
import { limits } from '../limits.ts'
import type { Row } from '../store/store.ts'
import { aboutRule, failed, type Question } from './question.ts'

/**
 * What a rule's condition is decided on, for each label set and window with enough calls: the rule's labels, `point`
 * (0 is the newest window), `calls`, `pieces` (single calls that this is known of), `beyond` (those that failed or lie
 * beyond a percentile's threshold) and `value`: the percentile or the maximum, exact to the call, the sum of an average.
 *
 * Calls count when they ended within [toMs - over, toMs), or one of the windows before it: a call is evidence when it is
 * over, not when it began. Aborted calls are left out where time and failure are judged, as their duration is the
 * caller's patience and not ours.
 *
 * @param few also label sets with fewer calls than the rule asks for, after the others
 */
export function alertQuestion(rule: AlertRule, toMs: number, few = false): Question {
  const { when, points, overMs } = rule
  const { conditions, params } = aboutRule(rule)
  const end = 'ts + toIntervalMicrosecond(duration_us)'
  const figures = figuresOf(rule)
  const where = [
    'ts >= fromUnixTimestamp64Milli({start:Int64})',
    'ts < fromUnixTimestamp64Milli({to:Int64})',
    `${end} >= fromUnixTimestamp64Milli({from:Int64})`,
    `${end} < fromUnixTimestamp64Milli({to:Int64})`,
    ...conditions,
    ...(when.metric === 'rps' || when.metric === 'calls' ? [] : ["outcome != 'aborted'"]),
    // Zero: the caller's agent could not tell.
    ...(when.percentile?.measure === 'ttfb' ? ['ttfb_us > 0'] : []),
  ]
  const windowed = points.of > 1
  const point = `intDiv({to:Int64} * 1000 - 1 - toUnixTimestamp64Micro(${end}), {over:Int64} * 1000) AS point`
  const groups = [...rule.groupBy, ...(windowed ? ['point'] : [])]
  return {
    sql: `SELECT ${[...rule.groupBy, windowed ? point : '0 AS point', 'sum(toUInt64(weight)) AS calls', ...figures.columns].join(', ')}
FROM calls
WHERE ${where.join(' AND ')}${groups.length === 0 ? '' : `\nGROUP BY ${groups.join(', ')}`}
HAVING calls >= {least:UInt64}
ORDER BY ${few ? 'calls >= {min_calls:UInt64} DESC, ' : ''}${worstFirst(rule)}
LIMIT ${limits.alertGroups * points.of}`,
    params: {
      start: toMs - overMs * points.of - limits.callMs,
      from: toMs - overMs * points.of,
      to: toMs,
      least: few ? Math.min(1, rule.minCalls) : rule.minCalls,
      ...(few ? { min_calls: rule.minCalls } : {}),
      ...(windowed ? { over: overMs } : {}),
      ...figures.params,
      ...params,
    },
  }
}

/** Of the calls, by what a percentile is of. */
export const columns = {
  duration: 'duration_us',
  ttfb: 'ttfb_us',
  request_bytes: 'request_bytes',
  response_bytes: 'response_bytes',
} as const

/** Calls of which one stands for several are as good as (sum of weights)² / sum of squares single ones (Kish, 1965). */
const pieces = 'toUInt64(floor(pow(sum(weight), 2) / sum(pow(weight, 2)))) AS pieces'

function figuresOf({ when }: AlertRule): { columns: string[]; params: Row } {
  if (when.percentile !== undefined) {
    const column = columns[when.percentile.measure]
    return {
      columns: [
        pieces,
        `sumIf(toUInt64(weight), ${column} ${beyondSign(when)} {threshold:UInt64}) AS beyond`,
        `quantileExactWeighted(${ratio(when.percentile.share)})(${column}, weight) AS value`,
      ],
      params: { threshold: when.threshold!.numerator },
    }
  }
  if (when.metric === 'error_rate') {
    return { columns: [pieces, `sumIf(toUInt64(weight), ${failed}) AS beyond`], params: {} }
  }
  if (when.metric === 'avg') return { columns: ['sum(duration_us * weight) AS value'], params: {} }
  return { columns: when.metric === 'max' ? ['max(duration_us) AS value'] : [], params: {} }
}

/** Too many calls on this side of the threshold, and a percentile is above it (`>`, `>=`) or not below (`<=`, `<`). */
export function beyondSign({ comparison }: Condition): '>' | '>=' {
  return comparison === '>' || comparison === '<=' ? '>' : '>='
}

/** So that the bound on alerts leaves out the least. */
export function worstFirst({ when }: AlertRule): string {
  const order = when.comparison.startsWith('>') ? 'DESC' : 'ASC'
  if (when.metric === 'error_rate') return `beyond / calls ${order}, calls DESC`
  if (when.metric === 'avg') return `value / calls ${order}, calls DESC`
  return when.metric === 'rps' || when.metric === 'calls' ? `calls ${order}` : `value ${order}, calls DESC`
}
