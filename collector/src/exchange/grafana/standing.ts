import type { AlertRule, Objective } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { ratio } from '../../config/share.ts'
import { thresholdOf } from '../../judge/alert/reading.ts'
import { pairsOf } from '../../judge/objective/burn.ts'
import { pairName } from '../../judge/objective/standing.ts'
import { limits } from '../../limits.ts'
import { compared, type Facts, literal } from './statement.ts'

type Pair = ReturnType<typeof pairsOf>[number]

/** A state that nobody repeated for this long is that of an objective or quota that is gone. */
const fresh = `ts > now64(3) - toIntervalSecond(${(limits.stateRepeatMs * 5) / 1000})`

/**
 * Burn rates as the judge left them. Without a threshold in the rule the value is how many times its limit the pair
 * burns that is the most urgent; with one it is the burn rate of the pair's long window.
 *
 * @throws Error when the objective has no such pair
 */
export function burnFacts(rule: AlertRule, objective: Objective): Facts {
  const pairs = pairsOf(objective).filter((pair) => rule.pairs === undefined || pair.severity === rule.pairs)
  const own = rule.when.threshold === undefined ? ownPairs(pairs) : givenPair(rule, objective)
  const one = objective.per === 'consumer' || objective.consumer !== undefined
  const about = [
    `objective = ${literal(objective.name)}`,
    ...(rule.consumer === undefined ? [] : [`consumer = ${literal(rule.consumer)}`]),
  ]
  return {
    keys: one ? ['consumer'] : [],
    fixed: { objective: objective.name },
    rows: `SELECT * FROM (
  SELECT *, 0 AS point, total AS calls
  FROM objective_states
  WHERE ${[...about, fresh].join(' AND ')}
  ORDER BY ts DESC
  LIMIT 1 BY consumer
)
WHERE isNotNull(${own.value})
LIMIT ${limits.alertGroups}`,
    ...own,
    lingers: own.breaks,
  }
}

const rateOf = (ms: number) => `burn_rate_${durationText(ms)}`

function ownPairs(pairs: readonly Pair[]): Pick<Facts, 'value' | 'breaks'> {
  const [first] = pairs
  if (first === undefined) throw new Error('the window of its objective is too short for these burn rates')
  const times = ({ longMs, factor }: Pair) => `${rateOf(longMs)} / ${factor}`
  const burning = (pair: Pair) => `has(burning, ${literal(pairName(pair))})`
  return {
    value: `multiIf(${[...pairs.flatMap((pair) => [burning(pair), times(pair)]), times(first)].join(', ')})`,
    breaks: `(${pairs.map(burning).join(' OR ')})`,
  }
}

function givenPair({ when, overMs }: AlertRule, objective: Objective): Pick<Facts, 'value' | 'breaks'> {
  const pair = pairsOf(objective).find(({ longMs }) => longMs === overMs)
  if (pair === undefined)
    throw new Error(`the objective ${objective.name} has no burn rate over ${durationText(overMs)}`)
  const beyond = (ms: number) => `${rateOf(ms)} ${when.comparison} ${ratio(when.threshold!)}`
  return { value: rateOf(pair.longMs), breaks: `(${beyond(pair.longMs)} AND ${beyond(pair.shortMs)})` }
}

/** The use of quotas, or its forecast, as a share of what is allowed, as the judge left it. */
export function quotaFacts(rule: AlertRule): Facts {
  const { when, recover, quota, consumer, plan, minCalls } = rule
  const wanted = Object.entries({ quota, consumer }).flatMap(([column, name]) =>
    name === undefined ? [] : [`${column} = ${literal(name)}`],
  )
  const end = when.metric === 'quota_used' ? 'used' : 'toInt64(floor(forecast + 0.5))'
  const decided = compared(end, 'allowed', when.comparison, thresholdOf(rule))
  const over = recover && compared(end, 'allowed', when.comparison.startsWith('>') ? '>' : '<', recover)
  return {
    keys: ['quota', 'plan', 'consumer'],
    fixed: {},
    rows: `SELECT * FROM (
  SELECT *, 0 AS point, used AS calls
  FROM quota_states
  WHERE ${[...wanted, fresh].join(' AND ')}
  ORDER BY ts DESC
  LIMIT 1 BY consumer, quota
)
WHERE ${['allowed > 0', `isNotNull(${end})`, ...(plan === undefined ? [] : [`plan = ${literal(plan)}`])].join(' AND ')}
ORDER BY ${end} / allowed ${when.comparison.startsWith('>') ? 'DESC' : 'ASC'}
LIMIT ${limits.alertGroups}`,
    value: `${end} / allowed`,
    breaks: `calls >= ${minCalls} AND ${decided}`,
    lingers: over ?? decided,
  }
}
