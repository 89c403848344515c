import type { Quota } from '../../config/config.ts'
import type { Row } from '../../store/store.ts'
import { secondText } from '../../store/time.ts'
import type { Period } from '../calendar.ts'
import type { Forecast } from './forecast.ts'
import type { QuotaState } from './verdict.ts'

/** One consumer's use of one quota in its current period. */
export interface QuotaStanding {
  readonly quota: Quota
  /** Empty without one. */
  readonly plan: string
  readonly consumer: string
  /** All calls stored by then are in. */
  readonly atMs: number
  readonly period: Period
  /** By the calls. */
  readonly counted: number
  /** Sum of the corrections. */
  readonly corrected: number
  /** Both together, and not less than nothing. */
  readonly used: number
  readonly usedRatio: number
  readonly state: QuotaState
  /** Null without enough history, and where nothing is to be foretold: rolling windows, hours, minutes, different values. */
  readonly forecast: Forecast | null
}

export function quotaRow(standing: QuotaStanding): Row {
  const { quota, plan, consumer, period, used, usedRatio, corrected, forecast } = standing
  return {
    quota: quota.name,
    plan,
    consumer,
    per: quota.per,
    meter: quota.meter.text,
    kind: quota.kind,
    period_start: secondText(period.startMs),
    period_end: secondText(period.endMs),
    used,
    allowed: quota.limit,
    used_ratio: usedRatio,
    corrected,
    forecast_low: forecast?.end.low ?? null,
    forecast: forecast?.end.middle ?? null,
    forecast_high: forecast?.end.high ?? null,
    forecast_error: forecast?.errorRatio ?? null,
    exhausted_at: forecast?.exhaustedAtMs ? secondText(forecast.exhaustedAtMs.middle) : null,
  }
}
