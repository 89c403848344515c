import { alertQuestion, figureIndex, scanOf } from '../../aggregate/alert.ts'
import { alertMinutesQuestion, isByMinute } from '../../aggregate/alertminutes.ts'
import { anomalyQuestion } from '../../aggregate/anomaly.ts'
import { silenceQuestion } from '../../aggregate/silence.ts'
import type { AlertRule, Fraction } from '../../config/config.ts'
import { isShare } from '../../config/schema/alert.ts'
import { limits } from '../../limits.ts'
import type { Row, Store } from '../../store/store.ts'
import { anomalyPoints, usualOf, type Window } from './anomaly.ts'
import type { Point, Reading } from './reading.ts'
import { isExpected } from './silence.ts'
import { burnReadings, quotaReadings, type Standings } from './standings.ts'
import { fingerprintOf, labelsOf } from './step.ts'

/** Readings of a rule by fingerprint. */
export type Readings = ReadonlyMap<string, Reading>

const minuteMs = 60_000

/** Rules that are asked about together. */
interface Shared {
  readonly rules: readonly [AlertRule, ...AlertRule[]]
  readonly toMs: number
  readonly few: boolean
  /** The answer; undefined when it was too long. */
  rows?: Promise<Row[] | undefined>
}

/** Asks what rules are decided on: the store, or the judgements of objectives and quotas. */
export class Reader {
  readonly #store: Pick<Store, 'query'>
  readonly #standings: Standings
  /** What whole minutes said: it is the same until the next one is over. */
  readonly #minutes = new WeakMap<AlertRule, { endMs: number; few: boolean; readings: Readings }>()

  readonly #shared = new Map<AlertRule, Shared>()
  /** Rules on what is unusual of which nothing is usual yet. */
  readonly #unknown = new WeakSet<AlertRule>()

  constructor(store: Pick<Store, 'query'>, standings: Standings) {
    this.#store = store
    this.#standings = standings
  }

  /**
   * Prepares for reading these rules as of `toMs`: those that read the same calls are asked about in one question.
   *
   * @param few says of which rules label sets with few calls are wanted, too
   */
  expect(rules: readonly AlertRule[], toMs: number, few: (rule: AlertRule) => boolean): void {
    this.#shared.clear()
    const scans = new Map<string, [AlertRule, ...AlertRule[]]>()
    for (const rule of rules) {
      if (!isAboutCalls(rule) || rule.when.metric === 'silence' || isByMinute(rule)) continue
      const scan = scanOf(rule)
      const together = scans.get(scan)
      if (together === undefined) scans.set(scan, [rule])
      else together.push(rule)
    }
    for (const together of scans.values()) {
      if (together.length === 1) continue
      const shared = { rules: together, toMs, few: together.some(few) }
      for (const rule of together) this.#shared.set(rule, shared)
    }
  }

  /**
   * What is known of each label set of a rule in its windows before `toMs`.
   *
   * @param few also of those with fewer calls than an alert needs to begin, for it to go on
   * @returns undefined when nothing is known yet
   * @throws Error when it cannot be asked
   */
  async read(rule: AlertRule, toMs: number, few: boolean): Promise<Readings | undefined> {
    const { metric } = rule.when
    if (metric === 'burn_rate') return named(rule, burnReadings(rule, this.#standings.objectives()))
    if (metric === 'quota_used' || metric === 'quota_forecast') {
      return named(rule, quotaReadings(rule, this.#standings.quotas()))
    }
    if (metric !== 'silence' && !isByMinute(rule)) return this.#ask(rule, toMs, few)
    const endMs = Math.floor(toMs / minuteMs) * minuteMs
    const known = this.#minutes.get(rule)
    if (known?.endMs === endMs && known.few === few) return known.readings
    const readings = await this.#ask(rule, toMs, few)
    this.#minutes.set(rule, { endMs, few, readings })
    return readings
  }

  /** Whether a rule on what is unusual found no history for the time of its last look. */
  hasNoHistory(rule: AlertRule): boolean {
    return this.#unknown.has(rule)
  }

  async #askUnusual(rule: AlertRule, toMs: number): Promise<Readings> {
    const { sql, params } = anomalyQuestion(rule, toMs)
    const sets = (await this.#store.query(sql, params)).map((row) => [labelsOf(rule, row), windowsOf(row)] as const)
    if (sets.some(([, windows]) => usualOf(rule, { slot: 0, calls: 0 }, windows))) this.#unknown.delete(rule)
    else this.#unknown.add(rule)
    const readings = sets.map(([labels, windows]) => ({ labels, points: anomalyPoints(rule, windows) }))
    return named(
      rule,
      readings.filter(({ points }) => points.length > 0),
    )!
  }

  async #ask(rule: AlertRule, toMs: number, few: boolean): Promise<Readings> {
    if (rule.when.anomaly) return this.#askUnusual(rule, toMs)
    if (rule.when.metric === 'silence') {
      const { sql, params } = silenceQuestion(rule, toMs)
      const rows = await this.#store.query(sql, params)
      const endMs = Math.floor(toMs / minuteMs) * minuteMs
      return named(
        rule,
        rows.map((row) => ({ labels: labelsOf(rule, row), points: [silencePoint(rule, row, endMs)] })),
      )!
    }
    const shared = this.#shared.get(rule)
    if (shared?.toMs === toMs) {
      const rows = await this.#askShared(shared)
      if (rows !== undefined) return readingsOf(rule, mine(rule, rows, few), figureIndex(shared.rules, rule))
    }
    const question = isByMinute(rule) ? alertMinutesQuestion(rule, toMs, few) : alertQuestion([rule], toMs, few)
    return readingsOf(rule, await this.#store.query(question.sql, question.params), 0)
  }

  #askShared(shared: Shared): Promise<Row[] | undefined> {
    const { sql, params } = alertQuestion(shared.rules, shared.toMs, shared.few)
    shared.rows ??= this.#store.query(sql, params).then((rows) => (rows.length < limits.alertRows ? rows : undefined))
    return shared.rows
  }
}

/** The rows about a rule's own service and consumer, with as many calls as it asks for. */
function mine({ service, consumer, minCalls }: AlertRule, rows: readonly Row[], few: boolean): Row[] {
  const fits = (value: unknown, wanted: string | undefined) =>
    value === undefined || wanted === undefined || value === wanted
  const least = few ? Math.min(1, minCalls) : minCalls
  return rows.filter((row) => fits(row.service, service) && fits(row.consumer, consumer) && Number(row.calls) >= least)
}

function readingsOf(rule: AlertRule, rows: readonly Row[], figure: number): Readings {
  const readings = new Map<string, Reading & { points: Point[] }>()
  for (const row of [...rows].sort((a, b) => Number(a.point) - Number(b.point))) {
    const labels = labelsOf(rule, row)
    const fingerprint = fingerprintOf(rule.name, labels)
    const point = pointOf(rule, row, figure)
    const reading = readings.get(fingerprint)
    if (reading === undefined) readings.set(fingerprint, { labels, points: [point] })
    else reading.points.push(point)
  }
  return readings
}

/** Reads a row of anomalyQuestion. */
function windowsOf(row: Row): Window[] {
  const list = (name: string) => (row[name] ?? []) as unknown[]
  const numbers = (value: unknown) => ((value ?? []) as unknown[]).map(Number)
  const [slots, calls, beyond, value] = ['slots', 'calls', 'beyond', 'value'].map((name) => numbers(row[name])) as [
    number[],
    number[],
    number[],
    number[],
  ]
  return numbers(row.weeks).map((week, i) => {
    const counts = numbers(list('counts')[i])
    const buckets = new Map(numbers(list('buckets')[i]).map((bucket, j) => [bucket, counts[j]!]))
    return { week, slot: slots[i]!, calls: calls[i]!, failed: beyond[i] ?? 0, us: value[i] ?? 0, buckets }
  })
}

/** Rules that are decided on calls, and not on a judgement of them. */
export function isAboutCalls({ when }: AlertRule): boolean {
  return when.metric !== 'burn_rate' && when.metric !== 'quota_used' && when.metric !== 'quota_forecast'
}

function named(rule: AlertRule, readings: readonly Reading[] | undefined): Readings | undefined {
  return readings && new Map(readings.map((reading) => [fingerprintOf(rule.name, reading.labels), reading]))
}

function pointOf(rule: AlertRule, row: Row, figure: number): Point {
  const calls = Number(row.calls)
  const beyond = Number(row[`beyond${figure}`])
  const value = measured(rule, calls, beyond, Number(row[`value${figure}`]))
  return isShare(rule.when) ? { calls, value, beyond: { calls: beyond, pieces: Number(row.pieces) } } : { calls, value }
}

function measured({ when, overMs }: AlertRule, calls: number, beyond: number, value: number): Fraction {
  switch (when.metric) {
    case 'error_rate':
      return { numerator: beyond, denominator: calls }
    case 'avg':
      return { numerator: value, denominator: calls }
    case 'rps':
      return { numerator: calls * 1000, denominator: overMs }
    case 'calls':
      return { numerator: calls, denominator: 1 }
    default:
      return { numerator: value, denominator: 1 }
  }
}

function silencePoint(rule: AlertRule, row: Row, endMs: number): Point {
  const calls = Number(row.calls)
  const quiet = {
    calls,
    thenDay: Number(row.then_day),
    aroundDay: Number(row.around_day),
    thenWeek: Number(row.then_week),
    aroundWeek: Number(row.around_week),
  }
  const value = { numerator: (endMs - Number(row.last_ms)) * 1000, denominator: 1 }
  return { calls, value, breaks: isExpected(quiet, rule.minCalls) }
}
