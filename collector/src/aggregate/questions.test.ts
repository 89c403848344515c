import { describe, expect, it } from 'vitest'
import { parseConfig, readRule } from '../config/read.ts'
import { alertQuestion } from './alert.ts'
import { alertMinutesQuestion, isByMinute } from './alertminutes.ts'
import { bucketOf, objectiveQuestion } from './objective.ts'
import { usageQuestion } from './usage.ts'

const at = Date.UTC(2026, 10, 21, 10, 0, 5)

describe('the question of an alert', () => {
  const ended = `ts >= fromUnixTimestamp64Milli({start:Int64}) AND ts < fromUnixTimestamp64Milli({to:Int64}) AND ts + toIntervalMicrosecond(duration_us) >= fromUnixTimestamp64Milli({from:Int64}) AND ts + toIntervalMicrosecond(duration_us) < fromUnixTimestamp64Milli({to:Int64}) AND direction = {direction:String}`
  const pieces = 'toUInt64(floor(pow(sum(weight), 2) / greatest(sum(pow(weight, 2)), 1))) AS pieces'

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
    const { sql, params } = alertQuestion([rule!], at)
    expect(sql).toBe(
      `SELECT operation, 0 AS point, sum(toUInt64(weight)) AS calls, ${pieces}, sumIf(toUInt64(weight), duration_us > {threshold0:UInt64}) AS beyond0, quantileExactWeighted(0.999)(duration_us, weight) AS value0
FROM calls
WHERE ${ended} AND service = {service:String} AND operation LIKE {operation:String} AND outcome != 'aborted'
GROUP BY operation
HAVING calls >= {least:UInt64}
ORDER BY value0 DESC, calls DESC
LIMIT 500`,
    )
    expect(params).toEqual({
      start: at - 660_000,
      from: at - 60_000,
      to: at,
      least: 10,
      direction: 'in',
      threshold0: 300_000,
      service: 'shop',
      operation: 'GET /100\\%\\_%',
    })
  })

  it('asks for failed calls, window by window', () => {
    const { rule } = readRule(
      { name: 'a', when: 'error_rate > 5%', direction: 'out', peer: 'api.example.com', points: '2 of 3' },
      [],
    )
    const { sql, params } = alertQuestion([rule!], at)
    expect(sql).toBe(
      `SELECT intDiv({to:Int64} * 1000 - 1 - toUnixTimestamp64Micro(ts + toIntervalMicrosecond(duration_us)), {over:Int64} * 1000) AS point, sum(toUInt64(weight)) AS calls, ${pieces}, sumIf(toUInt64(weight), outcome IN ('server_error', 'timeout')) AS beyond0
FROM calls
WHERE ${ended} AND peer = {peer:String} AND outcome != 'aborted'
GROUP BY point
HAVING calls >= {least:UInt64}
ORDER BY beyond0 / calls DESC, calls DESC
LIMIT 1500`,
    )
    expect(params).toMatchObject({ from: at - 900_000, over: 300_000, direction: 'out', peer: 'api.example.com' })
  })

  it('of an hour and more asks the calls by minute', () => {
    const { rule } = readRule({ name: 'a', when: 'p95 <= 300ms', over: '6h', consumer: 'acme' }, [])
    const { sql, params } = alertMinutesQuestion(rule!, at)
    expect(sql).toBe(
      `WITH sumMap(hist) AS h
SELECT 0 AS point, sum(calls_1m.calls) AS calls, calls AS pieces, arraySum(arrayMap((k, v) -> if(toUInt64(round(pow(2, (k - 0.5) / 16))) > {threshold:UInt64}, v, 0), mapKeys(h), mapValues(h))) AS beyond0, toUInt64(round(pow(2, (mapKeys(h)[arrayFirstIndex(c -> c >= 0.95 * arraySum(mapValues(h)), arrayCumSum(mapValues(h)))] - 0.5) / 16))) AS value0
FROM calls_1m
WHERE minute >= toDateTime({from:UInt32}) AND minute < toDateTime({to:UInt32}) AND direction = {direction:String} AND consumer = {consumer:String} AND outcome != 'aborted'
HAVING calls >= {least:UInt64}
ORDER BY value0 ASC, calls DESC
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

it('the question of an objective binds every value that a user wrote', () => {
  const text = `objectives:
  - { name: o, service: "a'b", operation: "GET /100%_*", consumer: me, failed: [429], good: { latency_below: 123ms }, target: 98.7%,
      window: 7d, method: timeslices, slice: 1m, slice_target: 96.5%, exclude: [{ from: 2026-11-20T02:00Z, to: 2026-11-20T03:00Z }] }`
  const { config, faults } = parseConfig(text, 'x', {})
  expect(faults).toEqual([])
  const objective = config!.objectives[0]!
  const [fromMs, toMs] = [Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 21)]
  const about = { objective, fromMs, toMs, blockMs: toMs - fromMs, phaseMs: 0, consumers: undefined }
  for (const source of ['calls', 'calls_1m', 'calls_15m', 'hist_1m', 'hist_15m'] as const) {
    const { sql, params } = objectiveQuestion([{ ...about, source }])
    expect(sql).not.toMatch(/a'b|GET|'me'|429|123000|965/)
    for (const value of ["a'b", 'GET /100\\%\\_%', 'me', [429], 35, 1000]) {
      expect(Object.values(params).flat()).toContainEqual(Array.isArray(value) ? value[0] : value)
    }
    for (const name of Object.keys(params)) expect(sql).toContain(`{${name}:`)
  }
})

it('the bucket of a latency holds it', () => {
  for (const us of [1, 2, 1000, 250_000, 300_000, 2 ** 20, 2 ** 20 + 1, 600_000_000]) {
    const { bucket, part } = bucketOf(us)
    expect(2 ** ((bucket - 1) / 16)).toBeLessThan(us)
    expect(2 ** (bucket / 16) * (1 + 1e-12)).toBeGreaterThanOrEqual(us)
    expect(2 ** ((bucket - 1 + part) / 16) / us).toBeCloseTo(1, 9)
  }
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
