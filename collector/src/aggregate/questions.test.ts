import { describe, expect, it } from 'vitest'
import { parseConfig, readRule } from '../config/read.ts'
import { alertQuestion } from './alert.ts'
import { objectiveQuestion } from './objective.ts'
import { usageQuestion } from './usage.ts'

const at = Date.UTC(2026, 10, 21, 10, 0, 5)

describe('the question of an alert', () => {
  it('asks for an exact percentile by label', () => {
    const { rule } = readRule(
      {
        name: 'a',
        when: 'p99.9 > 300ms',
        service: 'shop',
        operation: 'GET /100%_*',
        group_by: ['operation'],
        over: '1m',
      },
      [],
    )
    const { sql, params } = alertQuestion(rule!, at)
    expect(sql).toBe(
      `SELECT operation, sum(toUInt64(weight)) AS calls, quantileExactWeighted(0.999)(duration_us, weight) AS value
FROM calls
WHERE direction = 'in' AND outcome != 'aborted' AND ts >= fromUnixTimestamp64Milli({start:Int64}) AND ts < fromUnixTimestamp64Milli({to:Int64}) AND ts + toIntervalMicrosecond(duration_us) >= fromUnixTimestamp64Milli({from:Int64}) AND ts + toIntervalMicrosecond(duration_us) < fromUnixTimestamp64Milli({to:Int64}) AND service = {service:String} AND operation LIKE {operation:String}
GROUP BY operation
HAVING calls >= {min_calls:UInt64}
ORDER BY value DESC, calls DESC
LIMIT 500`,
    )
    expect(params).toEqual({
      start: at - 660_000,
      from: at - 60_000,
      to: at,
      min_calls: 10,
      service: 'shop',
      operation: 'GET /100\\%\\_%',
    })
  })

  it('asks for failed calls over all', () => {
    const { rule } = readRule({ name: 'a', when: 'error_rate > 5%', consumer: 'acme' }, [])
    expect(alertQuestion(rule!, at).sql).toBe(
      `SELECT sum(toUInt64(weight)) AS calls, sumIf(toUInt64(weight), outcome IN ('server_error', 'timeout')) AS value
FROM calls
WHERE direction = 'in' AND outcome != 'aborted' AND ts >= fromUnixTimestamp64Milli({start:Int64}) AND ts < fromUnixTimestamp64Milli({to:Int64}) AND ts + toIntervalMicrosecond(duration_us) >= fromUnixTimestamp64Milli({from:Int64}) AND ts + toIntervalMicrosecond(duration_us) < fromUnixTimestamp64Milli({to:Int64}) AND consumer = {consumer:String}
HAVING calls >= {min_calls:UInt64}
ORDER BY value / calls DESC, calls DESC
LIMIT 500`,
    )
  })
})

it('the question of an objective counts three windows in one reading', () => {
  const text =
    'objectives: [{ name: o, service: shop, per: consumer, good: { latency_below: 300ms }, target: 99%, window: 7d }]'
  const { sql, params } = objectiveQuestion(parseConfig(text, 'x', {}).config!.objectives[0]!, at)
  expect(sql).toBe(`SELECT consumer,
  sum(toUInt64(weight)) AS total,
  sumIf(toUInt64(weight), (outcome IN ('server_error', 'timeout') OR duration_us >= {latency:UInt64})) AS bad,
  sumIf(toUInt64(weight), ts >= fromUnixTimestamp64Milli({hour:Int64})) AS total_1h,
  sumIf(toUInt64(weight), ts >= fromUnixTimestamp64Milli({hour:Int64}) AND (outcome IN ('server_error', 'timeout') OR duration_us >= {latency:UInt64})) AS bad_1h,
  sumIf(toUInt64(weight), ts >= fromUnixTimestamp64Milli({minutes:Int64})) AS total_5m,
  sumIf(toUInt64(weight), ts >= fromUnixTimestamp64Milli({minutes:Int64}) AND (outcome IN ('server_error', 'timeout') OR duration_us >= {latency:UInt64})) AS bad_5m
FROM calls
WHERE direction = 'in' AND outcome != 'aborted' AND ts >= fromUnixTimestamp64Milli({from:Int64}) AND ts < fromUnixTimestamp64Milli({to:Int64}) AND service = {service:String} AND consumer != ''
GROUP BY consumer
ORDER BY bad / total DESC, total DESC
LIMIT 10000`)
  expect(params).toEqual({
    from: at - 7 * 86_400_000,
    hour: at - 3600_000,
    minutes: at - 300_000,
    to: at,
    latency: 300_000,
    service: 'shop',
  })
})

it('the question of use reads whole minutes', () => {
  const { sql, params } = usageQuestion(at - 5000, at + 55_000, { consumers: ['acme'], plans: ['gold'] })
  expect(sql).toBe(`SELECT consumer, argMaxIf(plan, minute, plan != '') AS newest_plan, sum(calls_1m.calls) AS used
FROM calls_1m
WHERE direction = 'in' AND minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32}) AND consumer != ''
GROUP BY consumer
HAVING has({consumers:Array(String)}, consumer) OR has({plans:Array(String)}, newest_plan)`)
  expect(params).toEqual({ from: (at - 5000) / 1000, to: (at + 55_000) / 1000, consumers: ['acme'], plans: ['gold'] })
})
