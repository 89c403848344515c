import { createHash } from 'node:crypto'
import type { Contract, Objective, Share } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Period } from '../calendar.ts'
import { creditOf } from './credit.ts'
import type { BadSlice, Cell, Measure } from './formula.ts'
import { isLess, ofShare, percentText } from './fraction.ts'

/**
 * A statement as it is kept and sent. Every number that decides is a whole one or a text: the same calls and terms give
 * the same bytes.
 */
export interface StatementDocument {
  readonly objective: string
  readonly consumer: string
  /** `2026-11`, by the calendar of the time zone. */
  readonly month: string
  readonly time_zone: string
  readonly period_start: string
  readonly period_end: string
  /** Calls that began before this are judged. */
  readonly judged_until: string
  /** Of any consumer; null: as old as the month, so that all of it was recorded. */
  readonly first_call_in_store: string | null
  /** False: the month is not over, or calls of it may still arrive. */
  readonly final: boolean
  readonly terms: StatementTerms
  /** Cut after six decimals, never rounded up: `99.964285%`. Null: nothing to judge. */
  readonly attained: string | null
  readonly met: boolean | null
  /** Share of the month's fee that is due: `10%`; null for none. */
  readonly credit: string | null
  readonly calls: {
    readonly judged: number
    readonly bad: number
    readonly excluded: number
    readonly excluded_bad: number
  }
  readonly slices: {
    readonly all: number
    readonly counted: number
    readonly empty: number
    readonly faulty: number
    readonly forgiven: number
  }
  readonly excluded: readonly { readonly from: string; readonly to: string; readonly reason: string }[]
  /** The worst, in order of time. */
  readonly bad_slices: readonly BadSliceDocument[]
  readonly bad_slices_in_all: number
}

export interface BadSliceDocument {
  readonly from: string
  readonly to: string
  readonly operation?: string
  readonly calls: number
  readonly bad: number
  /** Of some of the bad calls; empty where single calls were gone when the statement was made. */
  readonly trace_ids: readonly string[]
}

/** What was promised and how it is counted. */
export interface StatementTerms {
  readonly service: string | null
  readonly operation: string | null
  readonly target: string
  readonly latency_below: string | null
  readonly failed: readonly (string | number)[]
  readonly good_statuses: readonly number[]
  readonly not_counted: readonly (string | number)[]
  readonly formula: Contract['formula']
  /** True: the objective names no contract, its own method counts. */
  readonly by_method: boolean
  readonly slice_minutes: number
  readonly empty: Contract['empty']
  readonly unavailable_below: string | null
  readonly min_calls: number
  readonly excluded_calls: Contract['excluded']
  readonly credits: readonly { readonly below: string; readonly credit: string }[]
  readonly cap: string | null
}

/** All that a statement is made of. */
export interface Evidence {
  readonly objective: Objective
  readonly contract: Contract
  readonly consumer: string
  readonly month: string
  readonly timeZone: string
  readonly period: Period
  readonly judgedUntilMs: number
  /** Start of the quarter of an hour of the first call in the store, of any consumer. */
  readonly firstCallMs: number
  readonly final: boolean
  readonly cells: readonly Cell[]
  readonly measure: Measure
  /** Trace ids by `sampleKey`. */
  readonly samples: ReadonlyMap<string, readonly string[]>
}

export function sampleKey(cellMs: number, operation: string): string {
  return `${cellMs} ${operation}`
}

/** Writes the statement. */
export function statementOf(evidence: Evidence): StatementDocument {
  const { objective, contract, period, measure, cells } = evidence
  const sum = (excluded: boolean, key: 'total' | 'bad') =>
    cells.reduce((sum, cell) => sum + (cell.excluded === excluded ? cell[key] : 0), 0)
  const forgives = contract.excluded === 'forgive'
  const forgiven = sum(true, 'bad')
  return {
    objective: objective.name,
    consumer: evidence.consumer,
    month: evidence.month,
    time_zone: evidence.timeZone,
    period_start: minuteText(period.startMs),
    period_end: minuteText(period.endMs),
    judged_until: minuteText(evidence.judgedUntilMs),
    first_call_in_store: evidence.firstCallMs <= period.startMs ? null : minuteText(evidence.firstCallMs),
    final: evidence.final,
    terms: termsOf(objective, contract),
    attained: measure.attained === null ? null : percentText(measure.attained),
    met: measure.attained === null ? null : !isLess(measure.attained, ofShare(objective.target)),
    credit: creditOf(measure.attained, contract)?.text ?? null,
    calls: {
      judged: sum(false, 'total') + (forgives ? sum(true, 'total') - forgiven : 0),
      bad: sum(false, 'bad'),
      excluded: forgives ? forgiven : sum(true, 'total'),
      excluded_bad: forgiven,
    },
    slices: {
      all: measure.slices,
      counted: measure.counted,
      empty: measure.empty,
      faulty: measure.faulty,
      forgiven: measure.forgiven,
    },
    excluded: objective.exclude
      .filter(({ fromMs, toMs }) => fromMs < period.endMs && toMs > period.startMs)
      .toSorted((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs)
      .map(({ fromMs, toMs, reason }) => ({ from: minuteText(fromMs), to: minuteText(toMs), reason })),
    bad_slices: listed(measure.bad).map((slice) => badSliceDocument(slice, evidence.samples)),
    bad_slices_in_all: measure.bad.length,
  }
}

function termsOf(objective: Objective, contract: Contract): StatementTerms {
  const { good, latencyBelowUs } = objective
  const text = (share: Share | undefined) => share?.text ?? null
  return {
    service: objective.service ?? null,
    operation: objective.operation ?? null,
    target: objective.target.text,
    latency_below: latencyBelowUs === undefined ? null : latencyText(latencyBelowUs),
    failed: [...good.failed, ...good.failedStatuses],
    good_statuses: good.goodStatuses,
    not_counted: [...good.notCounted, ...good.notCountedStatuses],
    formula: contract.formula,
    by_method: objective.contract === undefined,
    slice_minutes: contract.sliceMs / 60_000,
    empty: contract.empty,
    unavailable_below: text(contract.unavailableBelow),
    min_calls: contract.minCalls,
    excluded_calls: contract.excluded,
    credits: contract.credits.map(({ below, credit }) => ({ below: below.text, credit: credit.text })),
    cap: text(contract.cap),
  }
}

/** The worst slices, by the calls that failed in them and then by their share, put in order of time again. */
export function listed(bad: readonly BadSlice[]): BadSlice[] {
  if (bad.length <= limits.slaSlices) return [...bad]
  const worst = bad
    .map((slice, i) => ({ slice, i }))
    .sort((a, b) => b.slice.bad - a.slice.bad || a.slice.total - b.slice.total || a.i - b.i)
    .slice(0, limits.slaSlices)
  return worst.sort((a, b) => a.i - b.i).map(({ slice }) => slice)
}

function badSliceDocument(slice: BadSlice, samples: Evidence['samples']): BadSliceDocument {
  const { startMs, endMs, operation, total, bad, cells } = slice
  return {
    from: minuteText(startMs),
    to: minuteText(endMs),
    ...(operation === '' ? {} : { operation }),
    calls: total,
    bad,
    trace_ids: cells.flatMap((cell) => samples.get(sampleKey(cell, operation)) ?? []).slice(0, limits.slaSamples),
  }
}

/** `2026-11-20T02:00Z`, as exclusions are written. */
function minuteText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16)}Z`
}

function latencyText(us: number): string {
  if (us % 1_000_000 === 0) return `${us / 1_000_000}s`
  return us % 1000 === 0 ? `${us / 1000}ms` : `${us}us`
}

/** The text that is kept, and its SHA-256 in hexadecimal. */
export function sealed(document: StatementDocument): { text: string; checksum: string } {
  const text = JSON.stringify(document)
  return { text, checksum: createHash('sha256').update(text).digest('hex') }
}

/**
 * Whether two statements judge alike: all is the same but what goes with age, the traces shown and the calls from before
 * the month. A statement without them is not a new one.
 */
export function judgesAlike(a: StatementDocument, b: StatementDocument): boolean {
  const judgement = (document: StatementDocument) =>
    JSON.stringify({
      ...document,
      first_call_in_store: null,
      bad_slices: document.bad_slices.map((slice) => ({ ...slice, trace_ids: [] })),
    })
  return judgement(a) === judgement(b)
}
