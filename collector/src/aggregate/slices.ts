import type { Objective } from '../config/config.ts'
import { limits } from '../limits.ts'
import { goodSql } from './good.ts'
import { aboutSubject, type Question } from './question.ts'

/** Where calls of a time are counted exactly, best first: by minute, by quarter of an hour, one by one. */
export type SliceSource = 'calls_1m' | 'calls_15m' | 'calls'

/** What is asked of one source; times are whole minutes in epoch milliseconds. */
export interface SliceRange {
  readonly source: SliceSource
  readonly fromMs: number
  readonly toMs: number
}

export interface SliceQuestion {
  readonly objective: Objective
  readonly consumer: string
  /** Slices are counted from here. */
  readonly anchorMs: number
  readonly sliceMs: number
  readonly byOperation: boolean
  /** In order, not touching. Under calls_15m they begin and end with quarters of an hour. */
  readonly excluded: readonly { readonly startMs: number; readonly endMs: number }[]
}

const timeOf: Record<SliceSource, string> = { calls: 'ts', calls_1m: 'minute', calls_15m: 'quarter' }

/**
 * Calls of one consumer by slice, and the bad ones among them, those of excluded time apart: rows of `slice` (seconds),
 * `operation`, `excluded`, `total`, `bad`. A slice without calls has no row.
 *
 * From a roll-up the slow calls are those that `under` does not count, which is exact where the latency is complete.
 */
export function slicesQuestion(about: SliceQuestion, { source, fromMs, toMs }: SliceRange): Question {
  const { where, params, bad, slice } = parts(about, { source, fromMs, toMs })
  const excluded = about.excluded.length === 0 ? '0' : excludedAt(`toUInt32(toUnixTimestamp(${timeOf[source]}))`)
  const weight = source === 'calls' ? 'toUInt64(weight)' : `${source}.calls`
  return {
    sql: `SELECT ${slice} AS slice, ${about.byOperation ? 'operation' : "''"} AS operation_name, ${excluded} AS excluded_time,
  sum(${weight}) AS total,
  ${bad} AS bad
FROM ${source}
WHERE ${where.join(' AND ')}
GROUP BY slice, operation_name, excluded_time
ORDER BY slice, operation_name, excluded_time
LIMIT ${limits.slaCells + 1}`,
    params,
  }
}

/**
 * A few bad calls of each of the slices, the earliest first, as evidence: rows of `slice`, `operation`, `trace_id`. Only
 * calls outside excluded time.
 *
 * @param starts of slices, in epoch milliseconds
 */
export function badCallsQuestion(
  about: SliceQuestion,
  starts: readonly number[],
  range: { readonly fromMs: number; readonly toMs: number },
): Question {
  const { where, params, slice } = parts(about, { source: 'calls', ...range })
  const outside = about.excluded.length === 0 ? [] : [`NOT ${excludedAt('toUInt32(toUnixTimestamp(ts))')}`]
  const operation = about.byOperation ? 'operation' : "''"
  return {
    sql: `SELECT ${slice} AS slice, ${operation} AS operation_name, trace_id
FROM calls
WHERE ${[...where, ...outside, badCall(about.objective), "trace_id != ''", 'slice IN {starts:Array(UInt32)}'].join(' AND ')}
ORDER BY slice, operation_name, ts, trace_id, span_id
LIMIT ${limits.slaSamples} BY slice, operation_name`,
    params: { ...params, starts: starts.map((ms) => ms / 1000) },
  }
}

type SubjectCalls = Pick<Objective, 'service' | 'operation'>

/** The consumers with calls that the objective is about, the busiest first. */
export function sliceConsumersQuestion(objective: SubjectCalls, fromMs: number, toMs: number, count: number): Question {
  const { conditions, params } = aboutSubject({ service: objective.service, operation: objective.operation })
  const time = ['quarter >= toDateTime({from:UInt32})', 'quarter < toDateTime({to:UInt32})']
  return {
    sql: `SELECT consumer, sum(calls_15m.calls) AS weight
FROM calls_15m
WHERE ${["direction = 'in'", "consumer != ''", ...time, ...conditions].join(' AND ')}
GROUP BY consumer
ORDER BY weight DESC, consumer
LIMIT ${count}`,
    params: { from: fromMs / 1000, to: toMs / 1000, ...params },
  }
}

/**
 * The quarter of an hour, in seconds, of the first call in the store that began before `toMs`; no row without one. The
 * inner question reads where the order of the table begins.
 */
export function firstCallQuestion(toMs: number): Question {
  return {
    sql: `SELECT toUInt32(min(quarter)) AS first
FROM calls_15m
WHERE direction = 'in' AND quarter < toDateTime({to:UInt32}) AND toStartOfDay(quarter) = (
  SELECT toStartOfDay(quarter) AS day
  FROM calls_15m
  WHERE direction = 'in' AND quarter < toDateTime({to:UInt32})
  ORDER BY toStartOfDay(quarter)
  LIMIT 1
)
HAVING count() > 0`,
    params: { to: toMs / 1000 },
  }
}

/** Whether a consumer called at all: a row if so. */
export function calledQuestion(consumer: string, fromMs: number, toMs: number): Question {
  return {
    sql: `SELECT 1 AS called
FROM calls_15m
WHERE direction = 'in' AND consumer = {consumer:String} AND quarter >= toDateTime({from:UInt32}) AND quarter < toDateTime({to:UInt32})
LIMIT 1`,
    params: { consumer, from: fromMs / 1000, to: toMs / 1000 },
  }
}

function parts(about: SliceQuestion, { source, fromMs, toMs }: SliceRange) {
  const { objective, consumer, anchorMs, sliceMs, excluded } = about
  const { conditions, params } = aboutSubject({ ...objective, consumer })
  const good = goodSql(objective.good)
  const time = timeOf[source]
  const of = (name: string) =>
    source === 'calls' ? `fromUnixTimestamp({${name}:UInt32})` : `toDateTime({${name}:UInt32})`
  return {
    where: ["direction = 'in'", good.counted, `${time} >= ${of('from')}`, `${time} < ${of('to')}`, ...conditions],
    slice: `toUInt32({anchor:UInt32} + intDiv(toUnixTimestamp(${time}) - {anchor:UInt32}, {slice:UInt32}) * {slice:UInt32})`,
    bad: badSum(objective, source),
    params: {
      from: fromMs / 1000,
      to: toMs / 1000,
      anchor: anchorMs / 1000,
      slice: sliceMs / 1000,
      ...(objective.latencyBelowUs === undefined ? {} : { latency: objective.latencyBelowUs }),
      ...(excluded.length === 0
        ? {}
        : {
            ex_from: excluded.map(({ startMs }) => startMs / 1000),
            ex_to: excluded.map(({ endMs }) => endMs / 1000),
          }),
      ...good.params,
      ...params,
    },
  }
}

function badCall({ good, latencyBelowUs }: Objective): string {
  const { failed } = goodSql(good)
  return latencyBelowUs === undefined ? failed : `(${failed} OR duration_us >= {latency:UInt64})`
}

function badSum(objective: Objective, source: SliceSource): string {
  const { failed } = goodSql(objective.good)
  if (source === 'calls') return `sumIf(toUInt64(weight), ${badCall(objective)})`
  if (objective.latencyBelowUs === undefined) return `sumIf(${source}.calls, ${failed})`
  return `sum(${source}.calls) - sumIf(under[{latency:UInt64}], NOT (${failed}))`
}

function excludedAt(seconds: string): string {
  return `arrayExists((ex_start, ex_end) -> ex_start <= ${seconds} AND ${seconds} < ex_end, {ex_from:Array(UInt32)}, {ex_to:Array(UInt32)})`
}
