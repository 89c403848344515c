import type { Objective } from '../config/config.ts'
import { limits } from '../limits.ts'
import { aboutSubject, failed, type Question } from './question.ts'

/**
 * The calls of an objective's window [toMs - window, toMs), of its last hour and of its last five minutes: all, and the
 * bad ones among them, by consumer when the promise is made to each. A call is bad when it failed or took the promised
 * time or longer. Aborted calls count as neither; calls of nobody known are no consumer's.
 */
export function objectiveQuestion(objective: Objective, toMs: number): Question {
  const { conditions, params } = aboutSubject(objective)
  const perConsumer = objective.per === 'consumer'
  const bad = objective.latencyBelowUs === undefined ? failed : `(${failed} OR duration_us >= {latency:UInt64})`
  const where = [
    "direction = 'in'",
    "outcome != 'aborted'",
    'ts >= fromUnixTimestamp64Milli({from:Int64})',
    'ts < fromUnixTimestamp64Milli({to:Int64})',
    ...conditions,
    ...(perConsumer ? ["consumer != ''"] : []),
  ]
  const recent = (name: string) => `ts >= fromUnixTimestamp64Milli({${name}:Int64})`
  return {
    sql: `SELECT${perConsumer ? ' consumer,' : ''}
  sum(toUInt64(weight)) AS total,
  sumIf(toUInt64(weight), ${bad}) AS bad,
  sumIf(toUInt64(weight), ${recent('hour')}) AS total_1h,
  sumIf(toUInt64(weight), ${recent('hour')} AND ${bad}) AS bad_1h,
  sumIf(toUInt64(weight), ${recent('minutes')}) AS total_5m,
  sumIf(toUInt64(weight), ${recent('minutes')} AND ${bad}) AS bad_5m
FROM calls
WHERE ${where.join(' AND ')}${perConsumer ? '\nGROUP BY consumer' : ''}
ORDER BY bad / total DESC, total DESC
LIMIT ${limits.objectiveGroups}`,
    params: {
      from: toMs - objective.windowMs,
      hour: toMs - 3600_000,
      minutes: toMs - 300_000,
      to: toMs,
      ...(objective.latencyBelowUs === undefined ? {} : { latency: objective.latencyBelowUs }),
      ...params,
    },
  }
}
