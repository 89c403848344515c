import { describe, expect, it } from 'vitest'
import { parseConfig, readRule } from '../config/read.ts'
import { alertQuestion } from './alert.ts'
import { alertMinutesQuestion, isByMinute } from './alertminutes.ts'
import { objectiveQuestion } from './objective.ts'
import { usageQuestion } from './usage.ts'

const at = Date.UTC(2026, 10, 21, 10, 0, 5)

describe('the question of an alert', () => {
  const ended = `ts >= fromUnixTimestamp64Milli({start:Int64}) AND ts < fromUnixTimestamp64Milli({to:Int64}) AND ts + toIntervalMicrosecond(duration_us) >= fromUnixTimestamp64Milli({from:Int64}) AND ts + toIntervalMicrosecond(duration_us) < fromUnixTimestamp64Milli({to:Int64}) AND direction = {direction:String}`
  const pieces = 'toUInt64(floor(pow(sum(weight), 2) / sum(pow(weight, 2)))) AS pieces'

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
      `SELECT operation, 0 AS point, sum(toUInt64(weight)) AS calls, ${pieces}, sumIf(toUInt64(weight), duration_us > {threshold:UInt64}) AS beyond, quantileExactWeighted(0.999)(duration_us, weight) AS value
FROM calls
WHERE ${ended} AND service = {service:String} AND operation LIKE {operation:String} AND outcome != 'aborted'
GROUP BY operation
HAVING calls >= {least:UInt64}
ORDER BY value DESC, calls DESC
LIMIT 500`,
    )
    expect(params).toEqual({
      start: at - 660_000,
      from: at - 60_000,
      to: at,
      least: 10,
      direction: 'in',
      threshold: 300_000,
      service: 'shop',
      operation: 'GET /100\\%\\_%',
    })
  })

  it('asks for failed calls, window by window', () => {
    const { rule } = readRule(
      { name: 'a', when: 'error_rate > 5%', direction: 'out', peer: 'api.example.com', points: '2 of 3' },
      [],
    )
    const { sql, params } = alertQuestion(rule!, at)
    expect(sql).toBe(
      `SELECT intDiv({to:Int64} * 1000 - 1 - toUnixTimestamp64Micro(ts + toIntervalMicrosecond(duration_us)), {over:Int64} * 1000) AS point, sum(toUInt64(weight)) AS calls, ${pieces}, sumIf(toUInt64(weight), outcome IN ('server_error', 'timeout')) AS beyond
FROM calls
WHERE ${ended} AND peer = {peer:String} AND outcome != 'aborted'
GROUP BY point
HAVING calls >= {least:UInt64}
ORDER BY beyond / calls DESC, calls DESC
LIMIT 1500`,
    )
    expect(params).toMatchObject({ from: at - 900_000, over: 300_000, direction: 'out', peer: 'api.example.com' })
  })

  it('of an hour and more asks the calls by minute', () => {
    const { rule } = readRule({ name: 'a', when: 'p95 <= 300ms', over: '6h', consumer: 'acme' }, [])
    const { sql, params } = alertMinutesQuestion(rule!, at)
    expect(sql).toBe(
      `WITH sumMap(hist) AS h
SELECT 0 AS point, sum(calls_1m.calls) AS calls, calls AS pieces, arraySum(arrayMap((k, v) -> if(toUInt64(round(pow(2, (k - 0.5) / 16))) > {threshold:UInt64}, v, 0), mapKeys(h), mapValues(h))) AS beyond, toUInt64(round(pow(2, (mapKeys(h)[arrayFirstIndex(c -> c >= 0.95 * arraySum(mapValues(h)), arrayCumSum(mapValues(h)))] - 0.5) / 16))) AS value
FROM calls_1m
WHERE minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32}) AND direction = {direction:String} AND consumer = {consumer:String} AND outcome != 'aborted'
HAVING calls >= {least:UInt64}
ORDER BY value ASC, calls DESC
LIMIT 500`,
    )
    const to = Math.floor(at / 60_000) * 60
    expect(params).toMatchObject({ from: to - 6 * 3600, to })
  })

  it('reads what the minutes do not have from the calls, however long', () => {
    const byMinute = (more: Record<string, unknown>) =>
      isByMinute(readRule({ name: 'a', when: 'p95 > 1s', over: '6h', ...more }, [])!.rule!)
    expect(byMinute({})).toBe(true)
    expect(byMinute({ group_by: ['operation', 'status', 'peer'] })).toBe(true)
    expect(byMinute({ over: '59m' })).toBe(false)
    expect(byMinute({ group_by: ['version'] })).toBe(false)
    expect(byMinute({ group_by: ['error_code'] })).toBe(false)
    expect(byMinute({ when: 'ttfb_p95 > 1s' })).toBe(false)
    expect(byMinute({ when: 'response_bytes_p95 > 1kB' })).toBe(false)
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
