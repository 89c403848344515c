import type { Objective } from '../config/config.ts'
import type { Row } from '../store/store.ts'
import { goodSql } from './good.ts'
import { aboutSubject, type Question } from './question.ts'

/** Where calls are counted: roll-ups are exact but for a latency that they did not count from the start. */
export type Source =
  /** By minute, and by quarter of an hour. */
  | 'calls_1m'
  | 'calls_15m'
  /** The calls themselves, for a latency from before its counts are complete. */
  | 'calls'
  /** Histograms, where the calls are gone by then: exact but for the calls of one bucket. */
  | 'hist_1m'
  | 'hist_15m'

/** Counts of one objective that are wanted: blocks of `blockMs` in [fromMs, toMs). Blocks begin at `phaseMs` after a whole multiple. */
export interface Ask {
  readonly objective: Objective
  readonly source: Source
  readonly fromMs: number
  readonly toMs: number
  readonly blockMs: number
  readonly phaseMs: number
  /** Only these consumers, or all but these. */
  readonly consumers?: { readonly only: boolean; readonly ids: readonly string[] } | undefined
  /** What calls in the histogram's bucket of the latency are; by default a part of them is good, by the bucket's scale. */
  readonly doubt?: 'good' | 'bad' | undefined
}

/** An answer: one consumer's counts by block. Every list has one entry for each block with calls. */
export interface Counted extends Row {
  /** Place of the ask in its list. */
  ask: number
  consumer: string
  /** Where blocks begin, epoch seconds. */
  blocks: number[]
  calls: number[]
  bad: number[]
  /** Slices with calls, and how much of them was bad, in billionths. */
  slices: number[]
  parts: number[]
  /** Calls that may be as well good as bad: those in the histogram's bucket that the latency lies in. */
  unsure: number[]
}

/** A slice that is bad in whole. Shares of calls in slices are counted in these parts, rounded to the nearest. */
export const sliceParts = 1_000_000_000

/**
 * Counts of many objectives in one statement. Only counted calls (aggregate/good.ts) that came in, outside of the
 * exclusions; weighted. A counted call is bad when it failed or took the promised time or longer. A slice is one of
 * `sliceMs` with calls in it.
 *
 * Objectives over all of the same blocks are counted in one pass over what is stored; the others, which the primary key
 * finds, each in its own.
 */
export function objectiveQuestion(asks: readonly Ask[]): Question {
  const params: Row = {}
  const groups = new Map<string, number[]>()
  asks.forEach((ask, i) => {
    const key = groupOf(ask) ?? `${i}`
    groups.set(key, [...(groups.get(key) ?? []), i])
  })
  const sql = [...groups.values()].map((places) => {
    const [first] = places as [number]
    const branch = places.length === 1 ? branchOf(asks[first]!, first) : wideOf(asks, places)
    Object.assign(params, branch.params)
    return branch.sql
  })
  return { sql: sql.join('\nUNION ALL\n'), params }
}

/** The same for asks that are counted in one pass; undefined for one that is counted by itself. */
export function groupOf(ask: Ask): string | undefined {
  const { objective, source, fromMs, toMs, blockMs, phaseMs } = ask
  const { method, sliceMs, exclude } = objective
  const cut = exclude.some((out) => out.fromMs < toMs && out.toMs > fromMs)
  if (objective.per !== undefined || objective.consumer !== undefined || cut || source.startsWith('hist'))
    return undefined
  return [source, fromMs, toMs, blockMs, phaseMs, method, method === 'occurrences' ? 0 : sliceMs].join()
}

/** Several objectives over all, of the same blocks: calls are summed up once by what objectives tell them apart by. */
function wideOf(asks: readonly Ask[], places: readonly number[]): Question {
  const some = places.map((i) => ({ i, ask: asks[i]! }))
  const { objective, source, fromMs, toMs, blockMs, phaseMs } = some[0]!.ask
  const sliced = objective.method !== 'occurrences'
  const suffix = `_${places[0]}`
  const time = timeOf(source)
  const params: Row = { [`from${suffix}`]: fromMs / 1000, [`to${suffix}`]: toMs / 1000 }
  const latencies = [...new Set(some.flatMap(({ ask }) => ask.objective.latencyBelowUs ?? []))]
  const weight = source === 'calls' ? 'toUInt64(weight)' : 'calls'
  const under = latencies.map((us, j) => {
    params[`latency${suffix}_${j}`] = us
    const latency = `{latency${suffix}_${j}:UInt64}`
    return source === 'calls' ? `sumIf(${weight}, duration_us < ${latency})` : `sum(under[${latency}])`
  })
  const columns = some.map(({ i, ask }) => {
    const good = goodSql(ask.objective.good, `_${i}`)
    const subject = aboutSubject(ask.objective, `_${i}`)
    Object.assign(params, good.params, subject.params)
    const counted = [good.counted, ...subject.conditions].join(' AND ')
    const us = ask.objective.latencyBelowUs
    const slow =
      us === undefined ? '' : ` + sumIf(n_ - u_[${latencies.indexOf(us) + 1}], ${counted} AND NOT (${good.failed}))`
    // A difference is signed, and the numbers of one list are of one type.
    return { total: `sumIf(n_, ${counted})`, bad: `toUInt64(sumIf(n_, ${counted} AND ${good.failed})${slow})` }
  })
  const width = (sliced ? objective.sliceMs : blockMs) / 1000
  const services = some.map(({ ask }) => ask.objective.service)
  const known = services.every((service) => service !== undefined)
  if (known) params[`services${suffix}`] = [...new Set(services)]
  const slices = `SELECT start_, [${columns.map(({ total }) => total).join(', ')}] AS total_, [${columns.map(({ bad }) => bad).join(', ')}] AS bad_
FROM (
SELECT service, operation, status, outcome, ${start(`toUnixTimestamp(${time})`, width, phaseMs)} AS start_,
  sum(${weight}) AS n_${under.length === 0 ? '' : `, [${under.join(', ')}] AS u_`}
FROM ${source}
WHERE direction = 'in' AND ${within(time, suffix)}${known ? ` AND service IN {services${suffix}:Array(String)}` : ''}
GROUP BY service, operation, status, outcome, start_)
GROUP BY start_`
  const parts = partsForEach(
    some.map(({ ask }) => ask.objective),
    suffix,
  )
  Object.assign(params, parts.params)
  const blocks = sliced
    ? `SELECT ${start('start_', blockMs / 1000, phaseMs)} AS block_, sumForEach(total_) AS calls_, sumForEach(bad_) AS failed_,
  sumForEach(arrayMap(t -> toUInt64(t > 0), total_)) AS slices_, sumForEach(${parts.sql}) AS parts_
FROM (${slices})
GROUP BY block_`
    : `SELECT start_ AS block_, total_ AS calls_, bad_ AS failed_, total_ AS slices_, total_ AS parts_
FROM (${slices})`
  const nothing = sliced ? '' : '0 * '
  return {
    sql: `SELECT ask_ AS ask, '' AS consumer, ${list('block_')} AS blocks, ${list('calls_')} AS calls, ${list('failed_')} AS bad,
  ${list(`${nothing}slices_`)} AS slices, ${list(`${nothing}parts_`)} AS parts, ${list('0 * calls_')} AS unsure
FROM (${blocks}) ARRAY JOIN calls_, failed_, slices_, parts_, [${places.join(', ')}] AS ask_
WHERE calls_ > 0
GROUP BY ask_`,
    params,
  }
}

function partsForEach(objectives: readonly Objective[], suffix: string): Question {
  if (objectives[0]?.method !== 'timeslices') {
    const part = `intDiv(b * ${2 * sliceParts} + t, greatest(t, 1) * 2)`
    return { sql: `arrayMap((t, b) -> ${part}, total_, bad_)`, params: {} }
  }
  const lists = `{whole${suffix}:Array(UInt64)}, {allowed${suffix}:Array(UInt64)}`
  const targets = objectives.map(({ sliceTarget }) => sliceTarget!)
  return {
    sql: `arrayMap((t, b, w, a) -> if(b * w > t * a, ${sliceParts}, 0), total_, bad_, ${lists})`,
    params: {
      [`whole${suffix}`]: targets.map(({ denominator }) => denominator),
      [`allowed${suffix}`]: targets.map(({ numerator, denominator }) => denominator - numerator),
    },
  }
}

const list = (of: string) => `groupArray(toFloat64(${of}))`

/** Where the stretch of so many seconds begins that a time lies in. */
function start(of: string, seconds: number, phaseMs: number): string {
  return `intDiv(${of} - ${phaseMs / 1000}, ${seconds}) * ${seconds} + ${phaseMs / 1000}`
}

function timeOf(source: Source): 'ts' | 'minute' | 'quarter' {
  return source === 'calls' ? 'ts' : source.endsWith('_1m') ? 'minute' : 'quarter'
}

function within(time: string, suffix: string): string {
  return `${time} >= toDateTime({from${suffix}:UInt32}, 'UTC') AND ${time} < toDateTime({to${suffix}:UInt32}, 'UTC')`
}

function branchOf(ask: Ask, i: number): Question {
  const { objective, source, blockMs, phaseMs } = ask
  const suffix = `_${i}`
  const time = timeOf(source)
  const table = source.replace('hist', 'calls')
  const good = goodSql(objective.good, suffix)
  const subject = aboutSubject(objective, suffix)
  const outside = exclusionSql(ask, time, suffix)
  const counts = countsSql(ask, good.failed, suffix)
  const sliced = objective.method !== 'occurrences'
  const width = (sliced ? objective.sliceMs : blockMs) / 1000
  const consumer = objective.per === 'consumer' ? 'consumer' : "''"
  const where = [
    "direction = 'in'",
    within(time, suffix),
    good.counted,
    ...subject.conditions,
    ...(objective.per === 'consumer' ? ["consumer != ''"] : []),
    ...outside.conditions,
  ]
  const params: Row = {
    [`from${suffix}`]: ask.fromMs / 1000,
    [`to${suffix}`]: ask.toMs / 1000,
    ...good.params,
    ...subject.params,
    ...outside.params,
    ...counts.params,
  }
  if (ask.consumers !== undefined) {
    where.push(`${ask.consumers.only ? '' : 'NOT '}has({consumers${suffix}:Array(String)}, consumer)`)
    params[`consumers${suffix}`] = ask.consumers.ids
  }
  // The names end in _ so that none is taken for a column.
  const rows = `SELECT ${consumer} AS consumer_, ${start(`toUnixTimestamp(${time})`, width, phaseMs)} AS start_, ${counts.sql}
FROM ${table}
WHERE ${where.join(' AND ')}
GROUP BY consumer_, start_`
  const blocks = sliced
    ? `SELECT consumer_, ${start('start_', blockMs / 1000, phaseMs)} AS block_, sum(total_) AS calls_, sum(bad_) AS failed_, sum(unsure_) AS doubt_,
  count() AS slices_, sum(${partsSql(objective, suffix)}) AS parts_
FROM (${rows})
GROUP BY consumer_, block_`
    : `SELECT consumer_, start_ AS block_, total_ AS calls_, bad_ AS failed_, unsure_ AS doubt_, 0 AS slices_, 0 AS parts_
FROM (${rows})`
  if (objective.method === 'timeslices' && objective.sliceTarget !== undefined) {
    params[`allowed${suffix}`] = objective.sliceTarget.denominator - objective.sliceTarget.numerator
    params[`whole${suffix}`] = objective.sliceTarget.denominator
  }
  return {
    sql: `SELECT ${i} AS ask, consumer_ AS consumer, ${list('block_')} AS blocks, ${list('calls_')} AS calls, ${list('failed_')} AS bad,
  ${list('slices_')} AS slices, ${list('parts_')} AS parts, ${list('doubt_')} AS unsure
FROM (${blocks})
GROUP BY consumer_`,
    params,
  }
}

/** Bad in whole when fewer calls than the slice's target are good; or by the share of its bad calls. */
function partsSql({ method }: Objective, suffix: string): string {
  return method === 'timeslices'
    ? `if(bad_ * {whole${suffix}:UInt64} > total_ * {allowed${suffix}:UInt64}, ${sliceParts}, 0)`
    : `intDiv(bad_ * ${2 * sliceParts} + total_, total_ * 2)`
}

function exclusionSql({ objective, fromMs, toMs }: Ask, time: string, suffix: string) {
  const conditions: string[] = []
  const params: Row = {}
  objective.exclude.forEach((exclusion, i) => {
    if (exclusion.toMs <= fromMs || exclusion.fromMs >= toMs) return
    const [from, to] = [`out_from${suffix}_${i}`, `out_to${suffix}_${i}`]
    conditions.push(
      `NOT (${time} >= toDateTime({${from}:UInt32}, 'UTC') AND ${time} < toDateTime({${to}:UInt32}, 'UTC'))`,
    )
    params[from] = exclusion.fromMs / 1000
    params[to] = exclusion.toMs / 1000
  })
  return { conditions, params }
}

function countsSql({ objective, source, doubt }: Ask, failed: string, suffix: string): Question {
  const us = objective.latencyBelowUs
  const weight = source === 'calls' ? 'toUInt64(weight)' : 'calls'
  const named = (bad: string, unsure = '0') =>
    `sum(${weight}) AS total_, toUInt64(${bad}) AS bad_, ${unsure} AS unsure_`
  if (us === undefined) return { sql: named(`sumIf(${weight}, ${failed})`), params: {} }
  const latency = `{latency${suffix}:UInt64}`
  const params: Row = source.startsWith('hist') ? {} : { [`latency${suffix}`]: us }
  if (source === 'calls') return { sql: named(`sumIf(${weight}, ${failed} OR duration_us >= ${latency})`), params }
  if (source === 'calls_1m' || source === 'calls_15m') {
    // A call is under the latency or not, whatever became of it: of those that failed all are bad.
    return { sql: named(`sumIf(${weight}, ${failed}) + sumIf(${weight} - under[${latency}], NOT (${failed}))`), params }
  }
  const { bucket, part: middle } = bucketOf(us)
  const part = doubt === 'good' ? 1 : doubt === 'bad' ? 0 : middle
  params[`bucket${suffix}`] = bucket
  const below = `arraySum(arrayFilter((n, k) -> k < {bucket${suffix}:UInt16}, mapValues(hist), mapKeys(hist)))`
  const within = `sumIf(hist[{bucket${suffix}:UInt16}], NOT (${failed}))`
  return {
    sql: named(
      `sumIf(${weight}, ${failed}) + sumIf(${weight} - ${below}, NOT (${failed})) - toUInt64(round(${within} * ${part}))`,
      within,
    ),
    params,
  }
}

/**
 * The bucket of calls_1m.hist that a latency lies in, and the part of the bucket below it, on the bucket's own
 * logarithmic scale: bucket k holds (2^((k-1)/16), 2^(k/16)] microseconds.
 */
export function bucketOf(us: number): { bucket: number; part: number } {
  const place = Math.log2(Math.max(us, 1)) * 16
  const bucket = Math.ceil(place)
  return { bucket, part: Math.min(1, Math.max(0, place - bucket + 1)) }
}

/**
 * Rows of the calls of each day, from the parts' own headers: no call is read. More of them than before means that calls
 * of that day have arrived since.
 */
export function arrivalsQuestion(): Question {
  return {
    sql: `SELECT partition_id AS day, toFloat64(sum(rows)) AS calls
FROM system.parts
WHERE database = currentDatabase() AND table = 'calls' AND active
GROUP BY day`,
    params: {},
  }
}
