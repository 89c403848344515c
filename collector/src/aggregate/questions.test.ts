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

describe('the question of use', () => {
  const metered = (written: string) =>
    parseConfig(`plans: { a: { quotas: [{ name: q, limit: 1, per: day, ${written} }] } }`, 'x', {}).config!.plans[0]!
      .quotas[0]!
  const from = Date.UTC(2026, 10, 21, 10, 7)

  it('reads whole quarters of an hour, and minutes at the edges', () => {
    const { sql, params } = usageQuestion(metered('meter: bytes'), from, from + 3600_000)
    const table = (name: string, time: string, a: string, b: string) =>
      `SELECT consumer, request_bytes + response_bytes AS amount FROM ${name}
  WHERE direction = 'in' AND consumer != '' AND ${time} >= toDateTime({${a}:UInt32}) AND ${time} < toDateTime({${b}:UInt32})`
    expect(sql).toBe(`SELECT consumer, sum(amount) AS used
FROM (
${table('calls_1m', 'minute', 'from', 'first')}
UNION ALL
${table('calls_15m', 'quarter', 'first', 'last')}
UNION ALL
${table('calls_1m', 'minute', 'last', 'to')}
)
GROUP BY consumer
ORDER BY used DESC, consumer
LIMIT 100000`)
    expect(params).toEqual({
      from: from / 1000,
      first: from / 1000 + 480,
      last: from / 1000 + 480 + 2700,
      to: from / 1000 + 3600,
    })
  })

  it('reads one table where the range allows it', () => {
    const tables = (a: number, b: number) =>
      [...usageQuestion(metered('meter: calls'), a, b).sql.matchAll(/FROM (\w+)/g)].map(([, name]) => name)
    expect(tables(from, from + 60_000)).toEqual(['calls_1m'])
    expect(tables(from - 420_000, from + 480_000)).toEqual(['calls_15m'])
    expect(tables(from - 420_000, from)).toEqual(['calls_1m'])
  })

  it('reads single calls for what only they tell, with every value bound', () => {
    const { sql, params } = usageQuestion(
      metered('meter: "distinct(attributes.it\'s)", operation: "GET /100%*", outcomes: [ok]'),
      from,
      from + 60_000,
    )
    expect(sql).toBe(`SELECT consumer, uniqExactIf(value, value != '') AS used
FROM (
SELECT consumer, attributes[{attribute:String}] AS value FROM calls
  WHERE direction = 'in' AND consumer != '' AND ts >= toDateTime({from:UInt32}) AND ts < toDateTime({to:UInt32}) AND operation LIKE {operation:String} AND has({outcomes:Array(String)}, toString(outcome))
)
GROUP BY consumer
ORDER BY used DESC, consumer
LIMIT 100000`)
    expect(params).toMatchObject({ attribute: "it's", operation: 'GET /100\\%%', outcomes: ['ok'] })
  })
})
