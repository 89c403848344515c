import type { BurnPair } from './burn.ts'
import { type ObjectiveStanding, pairName } from './standing.ts'

/** What an objective with `notify` alone tells of: one of its pairs of burn rates, for one consumer or over all. */
export interface BurnAlert {
  /** The same for every consumer of an objective: `checkout-fast burn_rate 1h/5m`. */
  readonly rule: string
  /** `burn_rate(1h/5m) > 14.4` */
  readonly when: string
  readonly objective: string
  /** What tells one alert of the rule from another; consumer, service and operation where the objective has them. */
  readonly labels: Readonly<Record<string, string>>
  readonly severity: string
  /** Names of channels, or http(s) URLs. */
  readonly notify: readonly string[]
  /** Both windows are above the factor, on enough calls. */
  readonly holds: boolean
  /** The long window's burn rate; null without calls. */
  readonly value: number | null
  readonly threshold: number
  /** Calls of the long window, and the bad ones among them. */
  readonly calls: number
  readonly badCalls: number
  /** `checkout-fast for acme spends its error budget at 31.2 times the rate that lasts the window (1h) …` */
  readonly summary: string
}

/**
 * The burn-rate alerts of a standing whose objective has receivers: none of an objective without. The fast pairs have
 * the objective's severity, the slow ones are tickets.
 *
 * All of them are given at every look, whether they hold or not, so that the caller's state machine sees them end.
 */
export function burnAlerts(standing: ObjectiveStanding): BurnAlert[] {
  const { objective, consumer, counts, verdict } = standing
  if (objective.notify.length === 0) return []
  return verdict.burns.map((pair) => {
    const name = pairName(pair)
    const recent = counts.recent.find(({ overMs }) => overMs === pair.longMs)
    const labels = {
      objective: objective.name,
      ...(objective.service === undefined ? {} : { service: objective.service }),
      ...(objective.operation === undefined ? {} : { operation: objective.operation }),
      ...(consumer === '' ? {} : { consumer }),
    }
    return {
      rule: `${objective.name} burn_rate ${name}`,
      when: `burn_rate(${name}) > ${short(pair.factor)}`,
      objective: objective.name,
      labels,
      severity: pair.severity === 'page' ? objective.severity : pair.severity,
      notify: objective.notify,
      holds: pair.burning,
      value: pair.long.rate,
      threshold: pair.factor,
      calls: recent?.calls ?? 0,
      badCalls: recent?.badCalls ?? 0,
      summary: summaryOf(standing, pair, recent?.calls ?? 0, recent?.badCalls ?? 0),
    }
  })
}

function summaryOf(standing: ObjectiveStanding, pair: BurnPair, calls: number, bad: number): string {
  const { objective, consumer, verdict } = standing
  const [long] = pairName(pair).split('/')
  const whom = consumer === '' ? objective.name : `${objective.name} for ${consumer}`
  const left = verdict.exhaustedInMs
  const soon =
    left === null ? '' : left === 0 ? '; the budget is spent' : `; at this rate it is spent in ${hours(left)}`
  const rate =
    pair.long.rate === null ? 'not' : `${short(pair.long.rate)} times as fast as its ${objective.window} allow`
  return `${whom} spends its error budget ${rate}: ${bad} of ${calls} calls in the last ${long} were bad${soon}`
}

function short(number: number): string {
  return String(Number(number.toPrecision(3)))
}

function hours(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} minutes`
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`
}
