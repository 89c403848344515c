import type { AlertLabel, AlertRule } from '../config/config.ts'
import { ratio } from '../config/share.ts'
import { limits } from '../limits.ts'
import type { Row } from '../store/store.ts'
import { beyondSign, worstFirst } from './alert.ts'
import { aboutRule, failed, type Question } from './question.ts'

const minuteMs = 60_000

/** Whether a rule is judged on whole minutes: it looks far back, and the calls by minute have what it asks for. */
export function isByMinute({ when, overMs, groupBy }: AlertRule): boolean {
  if (when.anomaly) return true
  const { percentile } = when
  const kept = groupBy.every((label) => !(['version', 'error_code'] as AlertLabel[]).includes(label))
  return overMs >= limits.alertMinutesMs && kept && (percentile === undefined || percentile.measure === 'duration')
}

/**
 * The same as alertQuestion for one rule from the calls by minute, for windows of an hour or more: calls that began in whole minutes
 * before `toMs`. Counts, averages and maxima are exact. A percentile is the middle of its histogram bucket, at most
 * 2.2 % beside the exact one, and the calls beyond the threshold are those of the buckets whose middle is: both say the
 * same. Single calls are not known here: each counts as one piece for each call it stands for.
 */
export function alertMinutesQuestion(rule: AlertRule, toMs: number, few = false): Question {
  const { when, points, overMs } = rule
  const { conditions, params } = aboutRule(rule)
  const to = Math.floor(toMs / minuteMs) * 60
  const over = Math.floor(overMs / minuteMs) * 60
  const figures = figuresOf(rule)
  const where = [
    'minute >= toDateTime({from:UInt32})',
    'minute < toDateTime({to:UInt32})',
    ...conditions,
    ...(when.metric === 'rps' || when.metric === 'calls' ? [] : ["outcome != 'aborted'"]),
  ]
  const windowed = points.of > 1
  const point = 'intDiv({to:UInt32} - 1 - toUnixTimestamp(minute), {over:UInt32}) AS point'
  const groups = [...rule.groupBy, ...(windowed ? ['point'] : [])]
  const counted = [...rule.groupBy, windowed ? point : '0 AS point', 'sum(calls_1m.calls) AS calls']
  return {
    sql: `${when.percentile === undefined ? '' : 'WITH sumMap(hist) AS h\n'}SELECT ${[...counted, ...figures.columns].join(', ')}
FROM calls_1m
WHERE ${where.join(' AND ')}${groups.length === 0 ? '' : `\nGROUP BY ${groups.join(', ')}`}
HAVING calls >= {least:UInt64}
ORDER BY ${few ? 'calls >= {min_calls:UInt64} DESC, ' : ''}${worstFirst(rule)}
LIMIT ${limits.alertGroups * points.of}`,
    params: {
      from: to - over * points.of,
      to,
      least: few ? Math.min(1, rule.minCalls) : rule.minCalls,
      ...(few ? { min_calls: rule.minCalls } : {}),
      ...(windowed ? { over } : {}),
      ...figures.params,
      ...params,
    },
  }
}

function figuresOf({ when }: AlertRule): { columns: string[]; params: Row } {
  if (when.percentile !== undefined) {
    const share = ratio(when.percentile.share)
    const threshold = when.threshold!.numerator
    const middle = (bucket: string) => `toUInt64(round(pow(2, (${bucket} - 0.5) / 16)))`
    return {
      columns: [
        'calls AS pieces',
        `arraySum(arrayMap((k, v) -> if(${middle('k')} ${beyondSign(when)} {threshold:UInt64}, v, 0), mapKeys(h), mapValues(h))) AS beyond0`,
        `${middle(`mapKeys(h)[arrayFirstIndex(c -> c >= ${share} * arraySum(mapValues(h)), arrayCumSum(mapValues(h)))]`)} AS value0`,
      ],
      params: { threshold },
    }
  }
  if (when.metric === 'error_rate') {
    return { columns: ['calls AS pieces', `sumIf(calls_1m.calls, ${failed}) AS beyond0`], params: {} }
  }
  if (when.metric === 'avg') return { columns: ['sum(calls_1m.duration_us) AS value0'], params: {} }
  return { columns: when.metric === 'max' ? ['max(calls_1m.duration_us_max) AS value0'] : [], params: {} }
}
