import type { Config, Objective } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { ratio } from '../../config/share.ts'
import type { Row, Store } from '../../store/store.ts'
import { secondText } from '../../store/time.ts'
import type { Period } from '../calendar.ts'
import { ObjectiveBook } from './book.ts'
import { judged } from './burn.ts'
import { type ObjectiveCounts, type ObjectiveVerdict, recentRate } from './verdict.ts'

/** One promise, to one consumer or (empty) over all. */
export interface ObjectiveStanding {
  readonly objective: Objective
  readonly consumer: string
  readonly atMs: number
  /** What it is judged over. A rolling window ends at `atMs`, one of the calendar at the period's end. */
  readonly window: Period
  /** Of a calendar window. */
  readonly timeZone: string
  readonly counts: ObjectiveCounts
  readonly verdict: ObjectiveVerdict
}

/** How every promise is kept at `atMs`, counted from nothing. */
export function objectiveStandings(store: Store, config: Config, atMs: number): Promise<ObjectiveStanding[]> {
  return new ObjectiveBook(store).standings(config, atMs)
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Columns of objective_states and how far each burn rate looks back. */
const rates = [
  ['burn_rate_5m', 5 * MINUTE],
  ['burn_rate_30m', 30 * MINUTE],
  ['burn_rate_1h', HOUR],
  ['burn_rate_2h', 2 * HOUR],
  ['burn_rate_6h', 6 * HOUR],
  ['burn_rate_1d', DAY],
  ['burn_rate_3d', 3 * DAY],
] as const

/** Every burn rate by its name. */
export function burnRates({ objective, counts }: ObjectiveStanding): Record<(typeof rates)[number][0], number | null> {
  return Object.fromEntries(rates.map(([name, ms]) => [name, recentRate(objective, counts, ms)])) as never
}

export function objectiveRow(standing: ObjectiveStanding): Row {
  const { objective, consumer, window, counts, verdict } = standing
  const slices = objective.method === 'occurrences' ? { total: 0, bad: 0 } : judged(objective, counts)
  return {
    objective: objective.name,
    service: objective.service ?? '',
    operation: objective.operation ?? '',
    consumer,
    window: objective.window,
    window_start: secondText(window.startMs),
    method: objective.method,
    target: ratio(objective.target),
    total: counts.calls,
    bad: counts.badCalls,
    unsure: counts.unsureCalls,
    slices: slices.total,
    bad_slices: slices.bad,
    attainment: verdict.attainment,
    attainment_low: verdict.interval?.low ?? null,
    attainment_high: verdict.interval?.high ?? null,
    budget_left: verdict.budgetLeft,
    ...burnRates(standing),
    burning: verdict.burns.filter(({ burning }) => burning).map(pairName),
    exhausted_in_s: verdict.exhaustedInMs === null ? null : Math.round(verdict.exhaustedInMs / 1000),
  }
}

/** `1h/5m` */
export function pairName({ longMs, shortMs }: { longMs: number; shortMs: number }): string {
  return `${durationText(longMs)}/${durationText(shortMs)}`
}
