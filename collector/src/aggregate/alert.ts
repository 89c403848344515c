import type { AlertRule, Condition } from '../config/config.ts'
import { ratio } from '../config/share.ts'
import { limits } from '../limits.ts'
import type { Row } from '../store/store.ts'
import { aboutRule, failed, type Question } from './question.ts'

/**
 * What the conditions of rules are decided on, for each label set and window with enough calls: the rules' labels,
 * `point` (0 is the newest window), `calls`, `pieces` (single calls that this is known of), and for each figure
 * `beyond0` (those that failed or lie beyond a percentile's threshold) and `value0`: the percentile or the maximum, exact
 * to the call, the sum of an average.
 *
 * Calls count when they ended within [toMs - over, toMs), or one of the windows before it: a call is evidence when it is
 * over, not when it began. Aborted calls are left out where time and failure are judged, as their duration is the
 * caller's patience and not ours.
 *
 * @param rules that read the same calls (scanOf), but for their service and consumer: one reading of the table for all
 * @param few also label sets with fewer calls than the rules ask for, after the others
 */
export function alertQuestion(rules: readonly [AlertRule, ...AlertRule[]], toMs: number, few = false): Question {
  const [rule] = rules
  const { when, points, overMs, minCalls } = rule
  const { groups, conditions, params } = subjectsOf(rules)
  const end = 'ts + toIntervalMicrosecond(duration_us)'
  const figures = distinctFigures(rules).map((when, i) => figureOf(when, i))
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
  const grouped = [...groups, ...(windowed ? ['point'] : [])]
  const columns = [...groups, windowed ? point : '0 AS point', 'sum(toUInt64(weight)) AS calls', pieces]
  const order = rules.length === 1 ? worstFirst(rule) : 'calls DESC'
  return {
    sql: `SELECT ${[...columns, ...figures.flatMap((figure) => figure.columns)].join(', ')}
FROM calls
WHERE ${where.join(' AND ')}${grouped.length === 0 ? '' : `\nGROUP BY ${grouped.join(', ')}`}
HAVING calls >= {least:UInt64}
ORDER BY ${few ? 'calls >= {min_calls:UInt64} DESC, ' : ''}${order}
LIMIT ${rules.length === 1 ? limits.alertGroups * points.of : limits.alertRows}`,
    params: {
      start: toMs - overMs * points.of - limits.callMs,
      from: toMs - overMs * points.of,
      to: toMs,
      least: few ? Math.min(1, minCalls) : minCalls,
      ...(few ? { min_calls: minCalls } : {}),
      ...(windowed ? { over: overMs } : {}),
      ...Object.assign({}, ...figures.map((figure) => figure.params)),
      ...params,
    },
  }
}

/** Rules for which this is the same read the same calls, but for their service and consumer. */
export function scanOf({ when, service, consumer, ...rule }: AlertRule): string {
  const { direction, operation, env, plan, style, peer, overMs, points, groupBy, minCalls } = rule
  const traffic = when.metric === 'rps' || when.metric === 'calls'
  const kind = traffic ? 'all' : when.percentile?.measure === 'ttfb' ? 'ttfb' : 'ended'
  const about = [direction, operation, env, plan, style, peer, service !== undefined, consumer !== undefined]
  return JSON.stringify([...about, overMs, points.of, groupBy, minCalls, kind])
}

/** The place of a rule's figure among those of the rules it is asked with. */
export function figureIndex(rules: readonly AlertRule[], { when }: AlertRule): number {
  return distinctFigures(rules).findIndex((other) => figureKey(other) === figureKey(when))
}

function distinctFigures(rules: readonly AlertRule[]): Condition[] {
  return [...new Map(rules.map(({ when }) => [figureKey(when), when])).values()]
}

function figureKey(when: Condition): string {
  return JSON.stringify([when.metric, when.percentile, when.percentile && [when.threshold, beyondSign(when)]])
}

/** What rules are about: one service or consumer by name, several as groups. */
function subjectsOf(rules: readonly [AlertRule, ...AlertRule[]]) {
  const [rule] = rules
  const groups = new Set<string>(rule.groupBy)
  const several: Row = {}
  const fixed = { service: rule.service, consumer: rule.consumer }
  for (const column of ['service', 'consumer'] as const) {
    const names = new Set(rules.flatMap((rule) => rule[column] ?? []))
    if (names.size < 2) continue
    several[`${column}s`] = [...names]
    groups.add(column)
    fixed[column] = undefined
  }
  const { conditions, params } = aboutRule({ ...rule, ...fixed })
  const among = Object.keys(several).map((names) => `${names.slice(0, -1)} IN {${names}:Array(String)}`)
  return { groups: [...groups], conditions: [...conditions, ...among], params: { ...params, ...several } }
}

/** Of the calls, by what a percentile is of. */
export const columns = {
  duration: 'duration_us',
  ttfb: 'ttfb_us',
  request_bytes: 'request_bytes',
  response_bytes: 'response_bytes',
} as const

/** Calls of which one stands for several are as good as (sum of weights)² / sum of squares single ones (Kish, 1965). */
const pieces = 'toUInt64(floor(pow(sum(weight), 2) / greatest(sum(pow(weight, 2)), 1))) AS pieces'

function figureOf(when: Condition, i: number): { columns: string[]; params: Row } {
  if (when.percentile !== undefined) {
    const column = columns[when.percentile.measure]
    return {
      columns: [
        `sumIf(toUInt64(weight), ${column} ${beyondSign(when)} {threshold${i}:UInt64}) AS beyond${i}`,
        `quantileExactWeighted(${ratio(when.percentile.share)})(${column}, weight) AS value${i}`,
      ],
      params: { [`threshold${i}`]: when.threshold!.numerator },
    }
  }
  if (when.metric === 'error_rate') {
    return { columns: [`sumIf(toUInt64(weight), ${failed}) AS beyond${i}`], params: {} }
  }
  if (when.metric === 'avg') return { columns: [`sum(duration_us * weight) AS value${i}`], params: {} }
  return { columns: when.metric === 'max' ? [`max(duration_us) AS value${i}`] : [], params: {} }
}

/** Too many calls on this side of the threshold, and a percentile is above it (`>`, `>=`) or not below (`<=`, `<`). */
export function beyondSign({ comparison }: Condition): '>' | '>=' {
  return comparison === '>' || comparison === '<=' ? '>' : '>='
}

/** So that the bound on alerts leaves out the least. */
export function worstFirst({ when }: AlertRule): string {
  const order = when.comparison.startsWith('>') ? 'DESC' : 'ASC'
  if (when.metric === 'error_rate') return `beyond0 / calls ${order}, calls DESC`
  if (when.metric === 'avg') return `value0 / calls ${order}, calls DESC`
  return when.metric === 'rps' || when.metric === 'calls' ? `calls ${order}` : `value0 ${order}, calls DESC`
}
