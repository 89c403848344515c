import { alertQuestion } from '../../aggregate/alert.ts'
import { alertMinutesQuestion, isByMinute } from '../../aggregate/alertminutes.ts'
import { silenceQuestion } from '../../aggregate/silence.ts'
import type { AlertRule, Fraction } from '../../config/config.ts'
import { isShare } from '../../config/schema/alert.ts'
import type { Row, Store } from '../../store/store.ts'
import type { Point, Reading } from './reading.ts'
import { isExpected } from './silence.ts'
import { burnReadings, quotaReadings, type Standings } from './standings.ts'
import { fingerprintOf, labelsOf } from './step.ts'

/** Readings of a rule by fingerprint. */
export type Readings = ReadonlyMap<string, Reading>

const minuteMs = 60_000

/** Asks what rules are decided on: the store, or the judgements of objectives and quotas. */
export class Reader {
  readonly #store: Pick<Store, 'query'>
  readonly #standings: Standings
  /** What whole minutes said: it is the same until the next one is over. */
  readonly #minutes = new WeakMap<AlertRule, { endMs: number; few: boolean; readings: Readings }>()

  constructor(store: Pick<Store, 'query'>, standings: Standings) {
    this.#store = store
    this.#standings = standings
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

  async #ask(rule: AlertRule, toMs: number, few: boolean): Promise<Readings> {
    if (rule.when.metric === 'silence') {
      const { sql, params } = silenceQuestion(rule, toMs)
      const rows = await this.#store.query(sql, params)
      const endMs = Math.floor(toMs / minuteMs) * minuteMs
      return named(
        rule,
        rows.map((row) => ({ labels: labelsOf(rule, row), points: [silencePoint(rule, row, endMs)] })),
      )!
    }
    const { sql, params } = (isByMinute(rule) ? alertMinutesQuestion : alertQuestion)(rule, toMs, few)
    const rows = await this.#store.query(sql, params)
    const readings = new Map<string, Reading & { points: Point[] }>()
    for (const row of rows.sort((a, b) => Number(a.point) - Number(b.point))) {
      const labels = labelsOf(rule, row)
      const fingerprint = fingerprintOf(rule.name, labels)
      const reading = readings.get(fingerprint)
      if (reading === undefined) readings.set(fingerprint, { labels, points: [pointOf(rule, row)] })
      else reading.points.push(pointOf(rule, row))
    }
    return readings
  }
}

function named(rule: AlertRule, readings: readonly Reading[] | undefined): Readings | undefined {
  return readings && new Map(readings.map((reading) => [fingerprintOf(rule.name, reading.labels), reading]))
}

/** Reads a row of aggregate/alert.ts or alertminutes.ts. */
export function pointOf(rule: AlertRule, row: Row): Point {
  const calls = Number(row.calls)
  if (!isShare(rule.when)) return { calls, value: measured(rule, row, calls) }
  return { calls, value: measured(rule, row, calls), beyond: { calls: Number(row.beyond), pieces: Number(row.pieces) } }
}

function measured({ when, overMs }: AlertRule, row: Row, calls: number): Fraction {
  switch (when.metric) {
    case 'error_rate':
      return { numerator: Number(row.beyond), denominator: calls }
    case 'avg':
      return { numerator: Number(row.value), denominator: calls }
    case 'rps':
      return { numerator: calls * 1000, denominator: overMs }
    case 'calls':
      return { numerator: calls, denominator: 1 }
    default:
      return { numerator: Number(row.value), denominator: 1 }
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
