import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AlertRule, Config, Objective } from '../../collector/src/config/config.ts'
import { parseConfig, readRule } from '../../collector/src/config/read.ts'
import { grafanaRule } from '../../collector/src/exchange/grafana/rule.ts'
import { Reader } from '../../collector/src/judge/alert/reader.ts'
import { breaks, lingers, type Reading, shown, tellingPoint } from '../../collector/src/judge/alert/reading.ts'
import { burnRules } from '../../collector/src/judge/alert/rules.ts'
import type { Standings } from '../../collector/src/judge/alert/standings.ts'
import { burnPairs, pairsOf } from '../../collector/src/judge/objective/burn.ts'
import { type ObjectiveStanding, objectiveRow } from '../../collector/src/judge/objective/standing.ts'
import { type QuotaStanding, quotaRow } from '../../collector/src/judge/quota/standing.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { emptyStore, insertCalls, randomCalls } from '../judge/calls.ts'
import { randomly } from '../random.ts'

const minute = 60_000
const day = 24 * 60 * minute
const toMs = Math.floor(Date.now() / 1000) * 1000
const random = randomly(11)
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana would replace it, were it let.
const odd = 'it\'s "\\" $__timeFilter(ts) ${HOME} {service:String} {{ $labels.x }} -- ?'
let store: Store
let close: () => Promise<void>

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  const calls = [
    ...randomCalls(3, 6000, toMs - 30 * minute, toMs + minute),
    ...randomCalls(4, 3000, toMs - 300 * minute, toMs),
    // Few, so that who is not sure is seen.
    ...randomCalls(5, 60, toMs - 5 * minute, toMs).map((call) => ({ ...call, consumer: odd })),
  ].map((call) => ({
    ...call,
    ttfbUs: random() < 0.2 ? 0 : Math.floor(call.durationUs * random()),
    responseBytes: Math.floor(10 ** (6 * random())),
    peer: random() < 0.5 ? 'api.example.com' : '',
  }))
  for (let i = 0; i < calls.length; i += 1500) await insertCalls(store, calls.slice(i, i + 1500))
})
afterAll(() => close())

function ruleOf(when: string, more: Record<string, unknown> = {}): AlertRule {
  const { rule, problems } = readRule({ name: 'a', when, ...more }, [])
  expect(problems).toEqual([])
  return rule!
}

function configOf(text: string) {
  const read = parseConfig(text, 'callsight.yaml', {})
  expect(read).not.toHaveProperty('problem')
  return (read as { config: Config }).config
}

const about = (objectives: readonly Objective[] = []) => ({
  objectives,
  grouping: { by: ['alertname'], waitMs: 0, intervalMs: 300_000, repeatMs: 3600_000 },
  externalUrl: undefined,
  receiver: () => undefined,
})

interface Evaluator {
  type: 'gt' | 'lt'
  params: [number]
}

interface Made {
  data: {
    model: { rawSql?: string; conditions?: { evaluator: Evaluator; unloadEvaluator?: Evaluator }[] }
  }[]
}

const holds = ({ type, params: [limit] }: Evaluator, value: number) => (type === 'gt' ? value > limit : value < limit)

/** What Grafana would find: it takes a table for numbers when one column is numeric and all others are text. */
async function asked(rule: unknown, nowMs = toMs + limits.lagMs) {
  const [query, threshold] = (rule as Made).data
  const { evaluator, unloadEvaluator } = threshold!.model.conditions![0]!
  const sql = query!.model.rawSql!
  expect(sql).not.toContain('$')
  const rows = await store.query(sql.replaceAll('now64(3)', `fromUnixTimestamp64Milli(toInt64(${nowMs}))`))
  return new Map(
    rows.map(({ value, ...labels }) => {
      for (const label of Object.values(labels)) expect(typeof label).toBe('string')
      expect(typeof value).toBe('number')
      const fires = holds(evaluator, value as number)
      const goesOn = unloadEvaluator === undefined ? fires : !holds(unloadEvaluator, value as number)
      return [keyOf(labels as Record<string, string>), { value: value as number, fires, goesOn }]
    }),
  )
}

const keyOf = (labels: Readonly<Record<string, string>>) =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))

/** What the judge says of a reading: as new, and as one that fires. */
function judged(rule: AlertRule, reading: Reading) {
  const count = (test: typeof breaks) => reading.points.filter((point) => test(rule, point)).length
  const fires = count(breaks) >= rule.points.needed
  return { fires, goesOn: fires || count(lingers) >= rule.points.needed, told: tellingPoint(rule, reading)! }
}

async function compareWithJudge(rule: AlertRule, standings?: Standings, objectives?: readonly Objective[]) {
  const reader = new Reader(store, standings ?? { objectives: () => [], quotas: () => [] })
  const readings = [...(await reader.read(rule, toMs, true))!.values()]
  const found = await asked(grafanaRule(rule, about(objectives)))
  expect(new Set(found.keys())).toEqual(new Set(readings.map(({ labels }) => keyOf(labels))))
  let [firing, quiet] = [0, 0]
  for (const reading of readings) {
    const one = found.get(keyOf(reading.labels))!
    const { fires, goesOn, told } = judged(rule, reading)
    expect(one.fires, keyOf(reading.labels)).toBe(fires)
    if (boundTwice(rule)) expect(one.goesOn, keyOf(reading.labels)).toBe(goesOn)
    const value = shown(rule.when, told.value)
    // At the bound itself it is moved by a billionth.
    if (fires) expect(Math.abs(one.value - value)).toBeLessThanOrEqual(2e-9 * Math.max(1, value))
    if (fires) firing++
    else quiet++
  }
  return { firing, quiet }
}

/** Whether Grafana is told when an alert ends, apart from when it begins. */
const boundTwice = ({ forMs, recover }: AlertRule) => forMs === 0 || recover !== undefined

const by = { group_by: ['operation', 'consumer'] }

describe("rules over calls come to the judge's verdict on the same calls", () => {
  it.each<[string, Record<string, unknown>]>([
    ['p95 > 3s', { ...by }],
    ['p95 >= 30s', { ...by, confidence: 'none', min_calls: 40 }],
    ['p50 > 300ms', { ...by, recover: '200ms', confidence: '60%' }],
    ['p99.9 > 100s', { ...by, confidence: 'none', points: '2 of 3', over: '2m' }],
    ['p90 < 10s', { ...by, confidence: '75%', recover: '20s' }],
    ['p50 <= 1s', { ...by, confidence: 'none' }],
    ['ttfb_p95 > 10s', { ...by, confidence: '80%' }],
    ['response_bytes_p90 > 250kB', { ...by, confidence: 'none', min_calls: 5 }],
    ['request_bytes_p50 >= 0B', { group_by: ['consumer'] }],
    ['avg > 9s', { ...by, recover: '8s' }],
    ['avg <= 8s', { ...by, min_calls: 60 }],
    ['max > 119s', { ...by }],
    ['max < 119s', { ...by, no_data: 'alert' }],
    ['error_rate > 25%', { ...by, confidence: 'none' }],
    ['error_rate > 22%', { ...by, confidence: '60%', for: '1m' }],
    ['error_rate > 22%', { ...by, confidence: '60%', for: '1m', recover: '20%' }],
    ['error_rate < 60%', { ...by, confidence: '99%' }],
    ['error_rate >= 20%', { ...by, confidence: '50%', points: '3 of 5', over: '1m' }],
    ['rps > 0.3', { ...by }],
    ['rps < 18/m', { ...by, recover: '0.5' }],
    ['calls >= 60', { group_by: ['operation', 'consumer', 'service'] }],
    ['calls < 90', { ...by, points: '2 of 2', over: '4m' }],
    // Of the minutes.
    ['p95 > 30s', { ...by, over: '1h' }],
    ['p50 >= 1s', { ...by, over: '2h', confidence: 'none', recover: '900ms' }],
    ['error_rate > 22%', { ...by, over: '1h', points: '2 of 3', confidence: '60%' }],
    ['avg > 9s', { ...by, over: '1h' }],
    ['max > 119s', { ...by, over: '1h' }],
    ['rps > 180/h', { ...by, over: '1h' }],
  ])('%s %j', async (when, more) => {
    const { firing, quiet } = await compareWithJudge(ruleOf(when, more))
    if (!/ttfb|request|points/.test(when + JSON.stringify(more)))
      expect(Math.min(firing, quiet), 'of both').toBeGreaterThan(0)
  })

  it('what a rule is about: every kind of subject, of odd names too', async () => {
    await compareWithJudge(ruleOf('calls > 1', { service: 'shop', operation: 'GET /100%_*', group_by: ['status'] }))
    await compareWithJudge(
      ruleOf('calls > 1', { direction: 'out', peer: 'api.example.com', group_by: ['peer', 'method'] }),
    )
    expect(await compareWithJudge(ruleOf('calls > 1', { consumer: odd }))).toEqual({ firing: 1, quiet: 0 })
    expect(await compareWithJudge(ruleOf('error_rate > 0%', { consumer: odd, over: '1h' }))).toEqual({
      firing: 1,
      quiet: 0,
    })
    // Nobody is a number of calls, and no row where there is nothing to measure.
    expect(await compareWithJudge(ruleOf('rps < 1', { consumer: 'nobody' }))).toEqual({ firing: 1, quiet: 0 })
    expect(await compareWithJudge(ruleOf('p95 > 1s', { consumer: 'nobody' }))).toEqual({ firing: 0, quiet: 0 })
  })

  it('a value at its threshold is beyond it or not, as the comparison says', async () => {
    const about = { consumer: odd, over: '10m' }
    const [reading] = [
      ...(await new Reader(store, { objectives: () => [], quotas: () => [] }).read(
        ruleOf('calls > 0', about),
        toMs,
        true,
      ))!.values(),
    ]
    const { calls } = reading!.points[0]!
    for (const [when, firing] of [
      [`calls > ${calls}`, 0],
      [`calls >= ${calls}`, 1],
      [`calls < ${calls}`, 0],
      [`calls <= ${calls}`, 1],
    ] as const) {
      for (const more of [{}, { min_calls: 2 }]) {
        expect((await compareWithJudge(ruleOf(when, { ...about, ...more }))).firing, when).toBe(firing)
      }
    }
  })

  it('no data is none of which there are too few, where that is an alert', async () => {
    const few = ruleOf('error_rate > 0%', { consumer: odd, min_calls: 100_000, no_data: 'alert' })
    expect((await asked(grafanaRule(few, about()))).size).toBe(0)
    expect((await asked(grafanaRule({ ...few, noData: 'ok' }, about()))).size).toBe(1)
  })

  it('silence', async () => {
    const endMs = Math.floor(toMs / minute) * minute
    const at = (agoMs: number, consumer: string, count = 12) =>
      Array.from({ length: count }, () => ({ atMs: endMs - agoMs, consumer, service: 'quiet' }))
    await insertCalls(store, [
      ...at(30 * minute + 1, 'new-and-gone'),
      ...at(5 * minute, 'still-there'),
      ...at(30 * minute, 'rare', 3),
      ...at(21 * minute, 'at the bound'),
      ...at(90 * minute, 'night-owl'),
      ...at(day + 90 * minute, 'night-owl'),
      ...at(90 * minute, 'regular'),
      ...at(day + 5 * minute, 'regular'),
      ...at(40 * minute, 'weekly'),
      ...at(7 * day + minute, 'weekly'),
    ])
    const about = { service: 'quiet', group_by: ['consumer'] }
    expect(await compareWithJudge(ruleOf('silence > 20m', about))).toEqual({ firing: 4, quiet: 2 })
    expect(await compareWithJudge(ruleOf('silence >= 20m', { ...about, min_calls: 2 }))).toEqual({
      firing: 5,
      quiet: 1,
    })
  })
})

describe('rules over what was judged', () => {
  const { objectives } = configOf(`objectives:
  - { name: each, service: shop, per: consumer, target: 99%, window: 30d }
  - { name: all, service: shop, target: 99.9%, window: 7d, severity: critical }
`)
  const nowMs = toMs + limits.lagMs
  const standings = objectives.flatMap((objective) =>
    (objective.per === 'consumer' ? Array.from({ length: 60 }, (_, i) => `c${i}`) : ['']).map((consumer) => {
      const windows = [...new Set(pairsOf(objective).flatMap(({ longMs, shortMs }) => [longMs, shortMs]))]
      const recent = windows.map((overMs) => {
        const calls = random() < 0.05 ? 0 : Math.floor(random() * 1000)
        const bad = Math.floor(calls * random() * 0.3)
        return { overMs, total: calls, bad, calls, badCalls: bad, silent: 0 }
      })
      const verdict = {
        burns: burnPairs(objective, recent as never),
        attainment: 1,
        budgetLeft: 1,
        exhaustedInMs: null,
      }
      const counts = { calls: 1, badCalls: 0, unsureCalls: 0, recent }
      const period = { startMs: toMs - day, endMs: toMs }
      return { objective, consumer, atMs: toMs, window: period, counts, verdict } as unknown as ObjectiveStanding
    }),
  )
  const quotas = ['a', 'b', 'c', 'd', odd].flatMap((consumer, i) =>
    ['calls', 'bytes'].map((name): QuotaStanding => {
      const used = i === 0 ? 80 : Math.floor(random() * 120)
      const quota = { name, limit: 100, per: 'month', meter: { text: name }, kind: 'soft' }
      const middle = used * (1 + random())
      const forecast =
        random() < 0.3 ? null : { end: { low: used, middle, high: 2 * middle }, errorRatio: null, exhaustedAtMs: null }
      const period = { startMs: toMs - day, endMs: toMs + day }
      const about = { quota, plan: i % 2 ? 'free' : 'pro', consumer, atMs: toMs, period, used, usedRatio: used / 100 }
      return { ...about, corrected: 0, state: 'ok', forecast } as unknown as QuotaStanding
    }),
  )
  const both: Standings = { objectives: () => standings, quotas: () => quotas }

  beforeAll(async () => {
    const ts = timeText(nowMs - 10_000)
    const rows = standings.map((standing) => ({ ts, ...objectiveRow(standing) }))
    // What was, and what is gone.
    const before = rows.map((row) => ({ ...row, ts: timeText(nowMs - 60_000), burning: ['1h/5m'], burn_rate_1h: 1000 }))
    const gone = {
      ...rows[0]!,
      ts: timeText(nowMs - 60 * minute),
      consumer: 'gone',
      burning: ['1h/5m'],
      burn_rate_1h: 50,
    }
    await store.insert('objective_states', [...before, ...rows, gone], 'objectives')
    const used = quotas.map((standing) => ({ ts, ...quotaRow(standing) }))
    const other = used.map((row) => ({ ...row, ts: timeText(nowMs - 60_000), used: 1000, forecast: 2000, plan: 'old' }))
    await store.insert('quota_states', [...other, ...used], 'quotas')
  })

  it.each([
    ['burn_rate > 14.4', { objective: 'each' }],
    ['burn_rate >= 5', { objective: 'each', over: '6h' }],
    ['burn_rate > 2', { objective: 'all' }],
    ['quota_used > 80%', {}],
    ['quota_used >= 80%', { recover: '70%' }],
    ['quota_used < 50%', { quota: 'calls', recover: '60%' }],
    ['quota_forecast > 100%', { plan: 'pro' }],
    ['quota_forecast >= 110%', { recover: '90%', consumer: odd }],
  ] as [string, Record<string, unknown>][])('%s %j', async (when, more) => {
    await compareWithJudge(ruleOf(when, more), both, objectives)
  })

  it("an objective's own burn rates, as a rule and without one", async () => {
    for (const objective of objectives) {
      const mine = standings.filter((standing) => standing.objective === objective)
      const burning = (severity?: string) =>
        mine
          .filter(({ verdict }) =>
            verdict.burns.some((pair) => pair.burning && (!severity || pair.severity === severity)),
          )
          .map(({ consumer }) => keyOf({ objective: objective.name, ...(consumer === '' ? {} : { consumer }) }))
          .sort()
      const fires = async (rule: unknown) =>
        [...(await asked(rule))]
          .filter(([, { fires }]) => fires)
          .map(([key]) => key)
          .sort()
      const rule = ruleOf('burn_rate', { objective: objective.name })
      expect(await fires(grafanaRule(rule, about(objectives)))).toEqual(burning())
      const [page, ticket] = burnRules({ ...objective, notify: ['x'] })
      expect(await fires(grafanaRule(page!, about(objectives)))).toEqual(burning('page'))
      // A week is too short for the slow pairs.
      if (objective.name === 'all') expect(() => grafanaRule(ticket!, about(objectives))).toThrow('too short')
      else expect(await fires(grafanaRule(ticket!, about(objectives)))).toEqual(burning('ticket'))
      if (objective.name === 'each') expect(burning('ticket').length).toBeGreaterThan(burning('nothing').length)
    }
  })
})
