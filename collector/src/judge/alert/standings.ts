import type { AlertRule, Fraction } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { compare } from '../../config/share.ts'
import type { Labels, Point, Reading } from './reading.ts'

/** What alerts need of a judged objective. */
export interface BurnStanding {
  readonly objective: { readonly name: string; readonly target: Fraction }
  /** Empty: over all. */
  readonly consumer: string
  readonly verdict: { readonly met: boolean | null; readonly burns?: readonly BurnPair[] }
}

interface Burn {
  readonly rate: number | null
  readonly total: number
  readonly bad: number
}

/** Two windows that must both burn. */
interface BurnPair {
  readonly longMs: number
  readonly factor: number
  readonly severity: string
  readonly long: Burn
  readonly short: Burn
  readonly burning: boolean
}

/** What alerts need of a judged quota. */
export interface UseStanding {
  readonly quota: { readonly name: string; readonly limit: number }
  readonly plan: string
  readonly consumer: string
  readonly used: number
  readonly forecast?: { readonly end: { readonly middle: number } } | null
}

/** The judgements that rules may be about, as they stand now. */
export interface Standings {
  readonly objectives: () => readonly BurnStanding[]
  readonly quotas: () => readonly UseStanding[]
}

/**
 * The burn rates of a rule's objective. Without a threshold in the rule it breaks when one of the objective's own pairs
 * burns; with one, when both windows of the pair whose long one is `over` burn faster.
 *
 * @returns undefined when the objective was not judged yet
 * @throws Error when the objective has no such pair
 */
export function burnReadings(rule: AlertRule, standings: readonly BurnStanding[]): Reading[] | undefined {
  const mine = standings.filter(({ objective }) => objective.name === rule.objective)
  if (mine.length === 0) return undefined
  return mine
    .filter(({ consumer }) => rule.consumer === undefined || consumer === rule.consumer)
    .flatMap(({ objective, consumer, verdict: { burns = [] } }) => {
      const labels: Labels = { objective: objective.name, ...(consumer === '' ? {} : { consumer }) }
      const mine = burns.filter(({ severity }) => rule.pairs === undefined || severity === rule.pairs)
      const pair = rule.when.threshold === undefined ? worst(mine) : pairOf(rule, burns)
      if (pair === undefined || pair.long.total === 0) return []
      return [{ labels, points: [burnPoint(rule, pair, objective.target)] }]
    })
}

/** The one that burns and is the most urgent, else the first. */
function worst(burns: readonly BurnPair[]): BurnPair | undefined {
  return burns.find(({ burning }) => burning) ?? burns[0]
}

function pairOf({ overMs, objective }: AlertRule, burns: readonly BurnPair[]): BurnPair {
  const pair = burns.find(({ longMs }) => longMs === overMs)
  if (pair !== undefined) return pair
  const windows = burns.map(({ longMs }) => durationText(longMs)).join(', ')
  throw new Error(
    `the objective ${objective} has burn rates over ${windows || 'no window'}, not over ${durationText(overMs)}`,
  )
}

function burnPoint({ when }: AlertRule, pair: BurnPair, target: Fraction): Point {
  const rate = ({ rate, bad, total }: Burn): Fraction => {
    // Of slices there are parts: a millionth is exact enough for what is a quotient of them.
    if (!Number.isInteger(bad) || !Number.isInteger(total)) {
      return { numerator: Math.round((rate ?? 0) * 1e6), denominator: 1e6 }
    }
    return { numerator: bad * target.denominator, denominator: total * (target.denominator - target.numerator) }
  }
  const { long, short, longMs } = pair
  const both = (threshold: Fraction) =>
    compare(rate(long), when.comparison, threshold) && compare(rate(short), when.comparison, threshold)
  return {
    calls: Math.round(long.total),
    value: rate(long),
    threshold: when.threshold ?? { numerator: Math.round(pair.factor * 10_000), denominator: 10_000 },
    breaks: when.threshold === undefined ? pair.burning : both(when.threshold),
    overMs: longMs,
  }
}

/**
 * The use of quotas, or its forecast at the end of the period, as a share of what is allowed.
 *
 * @returns undefined when quotas were not judged yet
 */
export function quotaReadings(rule: AlertRule, standings: readonly UseStanding[]): Reading[] | undefined {
  if (standings.length === 0) return undefined
  return standings
    .filter(({ quota, plan, consumer }) => {
      const fits = (wanted: string | undefined, name: string) => wanted === undefined || wanted === name
      return fits(rule.quota, quota.name) && fits(rule.consumer, consumer) && fits(rule.plan, plan)
    })
    .flatMap(({ quota, plan, consumer, used, forecast }) => {
      const end = rule.when.metric === 'quota_used' ? used : forecast?.end.middle
      if (end === undefined || quota.limit === 0) return []
      const value = { numerator: Math.round(end), denominator: quota.limit }
      return [{ labels: { quota: quota.name, plan, consumer }, points: [{ calls: used, value }] }]
    })
}
