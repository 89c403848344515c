import type { AlertRule } from '../config/config.ts'
import { ratio } from '../config/share.ts'
import { limits } from '../limits.ts'
import type { Row } from '../store/store.ts'
import { aboutRule, failed, type Question } from './question.ts'

const minuteMs = 60_000
const weekS = 7 * 24 * 3600

/**
 * The windows of a rule on what is unusual, the newest ones and those of the same minutes of the weeks before: its labels
 * and, side by side in arrays of the same length, `weeks` (0: now), `slots` (windows before `toMs`, or before the same
 * moment of that week: 0 is the newest, -1 the one after it), `calls` and `beyond` (the failed ones) or `value` (the
 * percentile, the middle of its histogram bucket), of the newest windows with the histogram itself. Windows without calls
 * are not there. The label sets with the most calls, now and then, come first.
 *
 * From the calls by minute, which are ordered by the hour: of each week some hours are read. Where neither the rule's
 * filters nor its labels need more, from the calls by operation, of which there are fewer.
 */
export function anomalyQuestion(rule: AlertRule, toMs: number): Question {
  const { when, points, overMs, groupBy } = rule
  const { conditions, params } = aboutRule(rule)
  const to = Math.floor(toMs / minuteMs) * 60
  const over = overMs / 1000
  const ahead = limits.anomalySlots * over
  const ranges = Array.from({ length: limits.anomalyWeeks + 1 }, (_, week): [string, Row] => {
    const then = to - week * weekS
    const [before, after] = week === 0 ? [0, 0] : [ahead, ahead]
    return [
      `(minute >= toDateTime({from${week}:UInt32}) AND minute < toDateTime({to${week}:UInt32}))`,
      { [`from${week}`]: then - points.of * over - before, [`to${week}`]: then + after },
    ]
  })
  const ago = '({to:UInt32} + {ahead:UInt32} - 1 - toUnixTimestamp(minute))'
  const table = tableOf(rule)
  const { percentile } = when
  const inner = [
    ...groupBy,
    `toInt32(intDiv(${ago}, ${weekS})) AS week`,
    `toInt32(intDiv(${ago} % ${weekS}, {over:UInt32})) - ${limits.anomalySlots} AS slot`,
    `sum(${table}.calls) AS n`,
    ...(percentile === undefined ? [`sumIf(${table}.calls, ${failed}) AS bad`] : [`sumMap(${table}.hist) AS h`]),
  ]
  const first = `mapKeys(h)[arrayFirstIndex(c -> c >= ${percentile && ratio(percentile.share)} * arraySum(mapValues(h)), arrayCumSum(mapValues(h)))]`
  const figures =
    percentile === undefined
      ? ['groupArray(bad) AS beyond']
      : [
          `groupArray(toUInt64(round(pow(2, (${first} - 0.5) / 16)))) AS value`,
          'groupArray(if(week = 0, mapKeys(h), [])) AS buckets',
          'groupArray(if(week = 0, mapValues(h), [])) AS counts',
        ]
  const traffic = when.metric === 'rps' || when.metric === 'calls'
  const where = [
    `(${ranges.map(([condition]) => condition).join(' OR ')})`,
    ...conditions,
    ...(traffic ? [] : ["outcome != 'aborted'"]),
  ]
  const outer = [...groupBy, 'groupArray(week) AS weeks', 'groupArray(slot) AS slots', 'groupArray(n) AS calls']
  const grouped = groupBy.length === 0 ? '' : `\nGROUP BY ${groupBy.join(', ')}`
  return {
    sql: `SELECT ${[...outer, ...figures].join(', ')}
FROM (
  SELECT ${inner.join(', ')}
  FROM ${table}
  WHERE ${where.join(' AND ')}
  GROUP BY ${[...groupBy, 'week', 'slot'].join(', ')}
)${grouped}
ORDER BY sum(n) DESC
LIMIT ${limits.alertGroups}`,
    params: { to, over, ahead, ...Object.assign({}, ...ranges.map(([, own]) => own)), ...params },
  }
}

/** The smallest table that knows what the rule asks for. */
function tableOf({ consumer, plan, style, peer, groupBy }: AlertRule): 'operations_1m' | 'calls_1m' {
  const filtered = [consumer, plan, style, peer].some((filter) => filter !== undefined)
  const known = groupBy.every((label) => ['service', 'operation', 'env'].includes(label))
  return filtered || !known ? 'calls_1m' : 'operations_1m'
}
