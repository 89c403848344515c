import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Board, boardOf, boards, expand, type Panel } from '@callsight/dashboards'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calls as callsSql } from '../../../dashboards/src/source.ts'
import { instanceOf } from '../../../test/browser/reports.ts'
import { awkwardService, type SeededCall, seed } from '../../../test/browser/seed.ts'
import { migrate } from '../store/migrate.ts'
import { openStore, type Store } from '../store/store.ts'
import { boardRoutes, type PanelAnswer } from './boards.ts'
import { Problem, sendProblem } from './problem.ts'

const minute = 60_000
const now = Math.floor(Date.now() / 1000) * 1000
const folder = mkdtempSync(join(tmpdir(), 'callsight-boards-'))
let store: Store
let server: FastifyInstance
let calls: SeededCall[]

const overview = boardOf('callsight-overview')!
const consumers = boardOf('callsight-consumers')!
const agents = boardOf('callsight-agents')!

beforeAll(async () => {
  store = await openStore(`embedded:${folder}`)
  await migrate(store)
  calls = await seed(store, now)
  server = Fastify()
  server.setErrorHandler((error: Error, _request, reply) =>
    sendProblem(reply, error instanceof Problem ? error.status : 500, error.message),
  )
  await server.register(boardRoutes(store))
}, 60_000)

afterAll(async () => {
  await server.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Range {
  name: string
  from: number
  to: number
  intervalMs: number
}

const ranges: Range[] = [
  { name: 'a quarter of an hour of single calls', from: now - 15 * minute, to: now, intervalMs: 5000 },
  { name: 'an hour of minutes', from: now - 60 * minute, to: now, intervalMs: 60_000 },
  { name: 'a day of minutes', from: now - 24 * 60 * minute, to: now, intervalMs: 600_000 },
  { name: 'a month of quarters', from: now - 30 * 24 * 60 * minute, to: now, intervalMs: 10_800_000 },
  {
    name: 'a range without calls',
    from: now - 40 * 24 * 60 * minute,
    to: now - 35 * 24 * 60 * minute,
    intervalMs: 3_600_000,
  },
]

const choices: { name: string; service: string[] }[] = [
  { name: 'all services', service: [] },
  { name: 'one service', service: ['shop'] },
  { name: 'a service with quote and backslash', service: [awkwardService] },
  { name: 'an attempt to break out', service: ["\\') OR 1=1 --", "' UNION ALL SELECT 1 --"] },
]

async function ask(board: Board, panel: Panel, range: Omit<Range, 'name'>, service: string[] = []) {
  const { from, to, intervalMs } = range
  const response = await server.inject({
    method: 'POST',
    url: `/api/v1/boards/${board.uid}/query`,
    payload: { panel: panel.id, from, to, intervalMs, variables: { service } },
  })
  expect(response.statusCode, response.body).toBe(200)
  return response.json<PanelAnswer>()
}

describe.each(boards())('every panel of $uid runs', (board) => {
  describe.each(ranges)('$name', (range) => {
    test.each(choices)('$name', async ({ service }) => {
      for (const panel of board.panels) expectShape(panel, await ask(board, panel, range, service))
    })
  })
})

/** What each type of panel needs of its answer, in Grafana as in the viewer. */
function expectShape(panel: Panel, { columns, rows }: PanelAnswer): void {
  const types = columns.map(({ type }) => type)
  const numbers = types.filter((type) => type === 'number').length
  if (panel.type !== 'table') expect(numbers, panel.title).toBeGreaterThan(0)
  expect(rows.length, panel.title).toBeLessThanOrEqual(2000)
  if (panel.targets[0]!.format === 0) {
    expect(columns[0], panel.title).toEqual({ name: 'time', type: 'time' })
    const times = rows.map((row) => Number(row[0]))
    expect(times, panel.title).toEqual([...times].sort((a, b) => a - b))
    if (types.includes('text')) expect(numbers, panel.title).toBe(1)
  }
  if (panel.type === 'stat' && panel.targets[0]!.format === 1) expect([rows.length, columns.length]).toEqual([1, 1])
  if (panel.type === 'bargauge') expect(types, panel.title).toEqual(['text', 'number'])
  for (const { matcher } of panel.fieldConfig.overrides) {
    if (matcher.id === 'byName')
      expect(
        columns.map(({ name }) => name),
        panel.title,
      ).toContain(matcher.options)
  }
}

describe.each(ranges.slice(0, 4))('values equal a recount: $name', (range) => {
  const raw = range.intervalMs < minute
  // The roll-ups know a call by its minute only, and over many days by its quarter of an hour.
  const grain = raw ? 1 : range.intervalMs < 60 * minute ? minute : 15 * minute
  const stamp = ({ ms }: SeededCall) => Math.floor(ms / grain) * grain
  const newest = (group: SeededCall[]) => {
    const unit = raw ? 1000 : minute
    return Math.floor(Math.max(...group.map(({ ms }) => ms)) / unit) * unit
  }
  const within = () => calls.filter((call) => stamp(call) >= range.from && stamp(call) <= range.to)

  test('operations', async () => {
    const rows = records(await ask(overview, titled(overview, 'Operations'), range))
    const wanted = [...grouped(within(), (call) => `${call.service} ${call.operation}`).values()].map((group) => ({
      service: group[0]!.service,
      operation: group[0]!.operation,
      'requests/s': close(group.length / ((range.to - range.from) / 1000)),
      calls: group.length,
      'error share': close(failed(group) / group.length),
      p50: close(percentile(group, 0.5)),
      p95: close(percentile(group, 0.95)),
      p99: close(percentile(group, 0.99)),
      'last call': newest(group),
    }))
    expect(rows).toHaveLength(9)
    expect(byKey(rows, 'operation')).toEqual(byKey(wanted, 'operation'))
  })

  test('only the chosen service', async () => {
    const rows = records(await ask(overview, titled(overview, 'Operations'), range, [awkwardService]))
    expect(rows.map((row) => [row.service, row.calls])).toEqual([
      [awkwardService, within().filter(({ service }) => service === awkwardService).length],
    ])
  })

  test('consumers', async () => {
    const rows = records(await ask(consumers, titled(consumers, 'Consumers'), range))
    const wanted = [...grouped(within(), ({ consumer }) => consumer).entries()].map(([consumer, group]) => ({
      consumer: names[consumer] ?? (consumer || '(unknown)'),
      plan: group[0]!.plan,
      calls: group.length,
      'share of calls': close(group.length / within().length),
      'error share': close(failed(group) / group.length),
      p95: close(percentile(group, 0.95)),
      'last call': newest(group),
    }))
    expect(byKey(rows, 'consumer')).toEqual(byKey(wanted, 'consumer'))
    const ranked = await ask(consumers, titled(consumers, 'Who calls most'), range)
    expect(ranked.rows).toEqual(
      wanted.sort((a, b) => b.calls - a.calls).map(({ consumer, calls }) => [consumer, calls]),
    )
  })

  test('requests by outcome, in complete buckets only, those without a call as 0', async () => {
    const answer = await ask(overview, titled(overview, 'Requests by outcome'), range)
    const width = range.intervalMs
    const begin = Math.floor(range.from / width) * width
    const end = Math.floor((range.to - 3000) / width) * width
    const wanted: unknown[][] = []
    for (let at = begin; at < end; at += width) {
      const bucket = calls.filter((call) => stamp(call) >= at && stamp(call) < at + width)
      const rate = (outcome: string) => close(bucket.filter((call) => call.outcome === outcome).length / (width / 1000))
      wanted.push([at, ...['ok', 'client_error', 'server_error', 'timeout', 'aborted'].map(rate)])
    }
    expect(answer.rows).toEqual(wanted)
  })

  test('figures', async () => {
    const figure = async (board: Board, title: string) => {
      const { columns, rows } = await ask(board, titled(board, title), range)
      return rows.at(-1)![columns.length - 1]
    }
    // Of the last minute, two by roll-ups, or the last bucket where that is longer, counted back from the end.
    const width = Math.max(range.intervalMs, raw ? minute : 2 * minute)
    const last = calls.filter((call) => Math.floor(stamp(call) / 1000) * 1000 > range.to - width)
    expect(await figure(overview, 'Error share now')).toEqual(close(failed(last) / last.length))
    expect(await figure(overview, '95 % faster than')).toEqual(close(percentile(last, 0.95)))
    const active = (some: SeededCall[]) => new Set(some.map(({ consumer }) => consumer).filter(Boolean)).size
    expect(await figure(overview, 'Consumers')).toBe(active(within()))
    expect(await figure(consumers, 'Active consumers')).toBe(active(last))
    const unknown = within().filter(({ consumer }) => consumer === '').length
    expect(await figure(consumers, 'Calls without a consumer')).toEqual(close(unknown / within().length))
  })
})

test.each([900_000, 1_800_000])('buckets of %i ms are read from whole quarters and equal a recount', async (width) => {
  const from = now - 24 * 60 * minute
  const begin = Math.floor(from / width) * width
  const end = Math.floor((now - 3000) / width) * width
  const latency: unknown[][] = []
  const errors: unknown[][] = []
  for (let at = begin; at < end; at += width) {
    const bucket = calls.filter(({ ms }) => ms >= at && ms < at + width)
    const none = bucket.length === 0
    const shares = [0.5, 0.95, 0.99].map((share) => (none ? null : close(percentile(bucket, share))))
    latency.push([at, ...shares])
    errors.push([at, none ? null : close(failed(bucket) / bucket.length)])
  }
  const range = { from, to: now, intervalMs: width }
  expect((await ask(overview, titled(overview, 'Latency'), range)).rows).toEqual(latency)
  expect((await ask(overview, titled(overview, 'Error share'), range)).rows).toEqual(errors)
  expect(latency.some(([, p50]) => p50 !== null)).toBe(true)
})

const quarterOf = (ms: number) => Math.floor(ms / 900_000) * 900_000

const day = 24 * 60 * minute
const midnight = Math.floor(now / day) * day
/** Half an hour of one day, of which there are calls. */
const halfHour = now > midnight + 2 * 60 * minute ? midnight + 40 * minute : midnight - 80 * minute

test.each([
  ['inside one quarter', minute, quarterOf(now - 60 * minute) + 2 * minute, quarterOf(now - 60 * minute) + 9 * minute],
  [
    'over the edge of two',
    minute,
    quarterOf(now - 60 * minute) - 4 * minute,
    quarterOf(now - 60 * minute) + 5 * minute,
  ],
  ['whole quarters', minute, quarterOf(now - 120 * minute), quarterOf(now - 60 * minute)],
  ['quarters and a rest at both ends', minute, now - day + 7 * minute, now - 11 * minute],
  ['inside one day', 60 * minute, halfHour, halfHour + 30 * minute],
  ['over midnight', 60 * minute, midnight - 7 * 60 * minute, midnight + 50 * minute],
  ['whole days', 60 * minute, midnight - 2 * day, midnight + day],
  ['days and a rest at both ends', 60 * minute, midnight - day - 3 * 60 * minute, now - 11 * minute],
])('a range of minutes, quarters and days equals a recount: %s', async (_name, width, from, to) => {
  const range = { from, to, intervalMs: width }
  const within = calls.filter(({ ms }) => {
    const stamp = width === minute ? Math.floor(ms / minute) * minute : quarterOf(ms)
    return stamp >= from && stamp <= to
  })
  const wanted = [...grouped(within, ({ consumer }) => consumer)].map(([consumer, group]) => [
    names[consumer] ?? (consumer || '(unknown)'),
    group.length,
  ])
  const { rows } = await ask(consumers, titled(consumers, 'Who calls most'), range)
  expect(new Map(rows as [string, number][])).toEqual(new Map(wanted as [string, number][]))
  expect(rows.length).toBeGreaterThan(0)
})

test('buckets of whole days are those of a recount', async () => {
  const range = { from: now - 30 * day, to: now + day, intervalMs: day }
  const { rows } = await ask(consumers, titled(consumers, 'Calls by consumer'), range)
  const wanted = [...grouped(calls, ({ ms, consumer }) => `${Math.floor(ms / day) * day} ${consumer}`)].map(
    ([key, group]) => {
      const [at, consumer] = key.split(' ') as [string, string]
      return [Number(at), names[consumer] ?? (consumer || '(unknown)'), close(group.length / 86_400)]
    },
  )
  const byText = (a: unknown[], b: unknown[]) => `${a[0]} ${a[1]}`.localeCompare(`${b[0]} ${b[1]}`)
  expect(rows.toSorted(byText)).toEqual(wanted.toSorted(byText))
})

describe('a question by consumer and operation', () => {
  const question = { time: 'none', keys: ['consumer', 'operation'], wanted: ['n', 'failed', 'last'] } as const
  test.each([
    [ranges[0]!, ['calls']],
    [ranges[2]!, ['calls_15m', 'calls_1m']],
    [ranges[3]!, ['calls_15m']],
  ])('over $0.name asks the tables that know both, and equals a recount', async (range, tables) => {
    const asked = { ...range, variables: { service: ['shop'] }, board: consumers }
    const sql = expand(callsSql({ ...question, keys: [...question.keys], wanted: [...question.wanted] }), asked)
    expect(await tablesOf(sql)).toEqual(tables)
    const grain = tables[0] === 'calls' ? 1 : tables.length === 2 ? minute : 15 * minute
    const within = calls.filter(({ ms, service }) => {
      const stamp = Math.floor(ms / grain) * grain
      return service === 'shop' && stamp >= range.from && stamp <= range.to
    })
    const rows = await store.ask<Record<string, string | number>>(
      `SELECT consumer, operation, n, failed, toUnixTimestamp(last) AS last FROM (${sql}) ORDER BY consumer, operation`,
    )
    const unit = grain === 1 ? 1000 : minute
    const wanted = [...grouped(within, ({ consumer, operation }) => `${consumer}\n${operation}`)].map(
      ([key, group]) => ({
        consumer: key.split('\n')[0],
        operation: key.split('\n')[1],
        n: group.length,
        failed: failed(group),
        last: (Math.floor(Math.max(...group.map(({ ms }) => ms)) / unit) * unit) / 1000,
      }),
    )
    const text = (row: object) => JSON.stringify(row)
    const numbers = rows.map((row) => ({
      ...row,
      n: Number(row.n),
      failed: Number(row.failed),
      last: Number(row.last),
    }))
    expect(numbers.map(text).sort()).toEqual(wanted.map(text).sort())
  })
})

describe('judgements', () => {
  const range = ranges[0]!

  test('the newest state of each objective, alert and quota', async () => {
    const objectives = records(await ask(overview, titled(overview, 'Objectives'), range))
    expect(objectives.map((row) => [row.objective, row.for, row['budget left'], row['burn rate']])).toEqual([
      ['checkout-fast', 'Initech', -0.42, 15.8],
      ['checkout-fast', 'Acme Corp', 0.18, 2.6],
      ['books-answer', 'all', 0.71, 0.4],
      ['payments-work', 'all', 0.93, 0.1],
    ])
    expect((await ask(overview, titled(overview, 'Worst budget'), range)).rows).toEqual([[-0.42]])
    const alerts = records(await ask(overview, titled(overview, 'Alerts'), range))
    expect(alerts.map(({ rule, state, measured }) => [rule, state, measured])).toEqual([
      ['slow-checkout', 'firing', 'p95 is 341.2 ms'],
      ['slow-payments', 'pending', 'p95 is 301 ms'],
      ['failing', 'resolved', 'the error rate is 0.4 %'],
    ])
    expect((await ask(overview, titled(overview, 'Alerts firing'), range)).rows).toEqual([[1]])
    const quotas = records(await ask(consumers, titled(consumers, 'Quota use'), range))
    expect(quotas.map(({ consumer, quota, used }) => [consumer, quota, used])).toEqual([
      ['Hooli', 'monthly', 1130],
      ['Initech', 'monthly', 96_840],
      ['Globex', 'monthly', 733_019],
      ['Acme Corp', 'monthly', 412_208],
      ['Acme Corp', 'burst', 52],
    ])
  })

  test('the busiest consumers, each with the quota of which it has used most', async () => {
    const called = records(await ask(consumers, titled(consumers, 'Consumers'), range))
    const quotas = records(await ask(consumers, titled(consumers, 'Quota use'), range))
    const busiest = records(await ask(overview, titled(overview, 'Busiest consumers'), range))
    expect(busiest.map(({ consumer, plan, calls, p95 }) => [consumer, plan, calls, p95])).toEqual(
      called.slice(0, 10).map(({ consumer, plan, calls, p95 }) => [consumer, plan, calls, p95]),
    )
    for (const { consumer, quota, 'quota used': used } of busiest) {
      const [most] = quotas.filter((row) => row.consumer === consumer)
      expect([consumer, quota, used]).toEqual([consumer, most?.quota ?? '', most?.use ?? null])
    }
    expect(quotas.length).toBeGreaterThan(0)
  })

  test('follow the chosen service', async () => {
    const objectives = records(await ask(overview, titled(overview, 'Objectives'), range, ['billing']))
    expect(objectives.map(({ objective }) => objective)).toEqual(['payments-work'])
    const alerts = records(await ask(overview, titled(overview, 'Alerts'), range, ['billing']))
    expect(alerts.map(({ rule }) => rule)).toEqual(['slow-payments'])
  })
})

describe('the accounts of agents', () => {
  const range = ranges[0]!
  const storedOf = (instance: string) => calls.filter((call) => instanceOf(call) === instance).length
  const figure = async (title: string, of = range) => (await ask(agents, titled(agents, title), of)).rows[0]![0]

  test('each instance, over all its starts', async () => {
    const rows = records(await ask(agents, titled(agents, 'Is every call accounted for?'), range))
    const [shop1, shop2, billing, pubs] = ['shop-1', 'shop-2', 'billing-1', 'pubs-1'].map(storedOf) as [
      number,
      number,
      number,
      number,
    ]
    const row = (instance: string) => rows.find((one) => one.instance === instance)
    expect(rows.map(({ instance }) => instance).slice(0, 2)).toEqual(['shop-2', 'billing-1'])
    expect(row('shop-1')).toEqual({
      service: 'shop',
      instance: 'shop-1',
      version: '0.2.0',
      seen: shop1 + 3,
      stored: shop1,
      'on their way': 3,
      'lost, by reason': '',
      'share lost': 0,
      'CPU per call': expect.closeTo(31, -1),
      'last report': now,
    })
    expect(row('shop-2')).toMatchObject({
      seen: shop2 + 12 + 2 + 1,
      stored: shop2,
      'on their way': 1,
      'lost, by reason': 'queue_full 12, refused 2',
      'share lost': close(14 / (shop2 + 15)),
    })
    // Killed with four calls in its queue, and started again.
    expect(row('billing-1')).toMatchObject({
      seen: billing + 4,
      stored: billing,
      'on their way': 0,
      'lost, by reason': 'missing 4',
      'share lost': close(4 / (billing + 4)),
    })
    // An agent from before: it tells neither its start nor its CPU time.
    expect(row('pubs-1')).toMatchObject({ version: '0.1.0', seen: pubs, stored: pubs, 'CPU per call': null })
  })

  test('figures of the range', async () => {
    const within = calls.filter(({ ms }) => ms > range.from && ms <= range.to).length
    expect(await figure('Agents reporting')).toBe(4)
    expect(await figure('Calls on their way')).toBe(4)
    expect(await figure('Agents with a fault')).toBe(1)
    // The three and the one on their way were seen in the range, and so were the fourteen dropped and the four missing.
    expect(await figure('Calls lost')).toEqual(close(14 / (within + 14 + 4 + 4)))
    expect(await figure('Calls with their detail')).toEqual(expect.closeTo(0.115, 2))
    // Before anything was lost.
    const before = { ...range, from: now - 20 * minute, to: now - 10 * minute }
    expect(await figure('Calls lost', before)).toBe(0)
    expect(await figure('Agents with a fault', before)).toBe(0)
  })

  test('the same from quarters of an hour, when buckets are wide', async () => {
    const of = { from: now - 25 * 60 * minute, to: now, intervalMs: 3_600_000 }
    const seen = calls.filter(({ service }) => service !== awkwardService).length + 14 + 4 + 4
    const services = ['shop', 'billing']
    const share = async (title: string) => (await ask(agents, titled(agents, title), of, services)).rows[0]![0]
    expect(await share('Calls lost')).toEqual(close(14 / seen))
    expect(await share('Agents reporting')).toBe(3)
    expect(await share('Agents with a fault')).toBe(1)
    expect(await share('Calls on their way')).toBe(4)
    const kept = (await ask(agents, titled(agents, 'Details kept and dropped'), of, services)).rows
    expect(new Set(kept.map(([time]) => Number(time) % 3_600_000))).toEqual(new Set([0]))
    expect(kept.length).toBeGreaterThan(20)
  })

  test('losses by reason, in the buckets of the reports that told them', async () => {
    const of = { ...range, intervalMs: 30_000 }
    const { rows } = await ask(agents, titled(agents, 'Calls lost, by reason'), of)
    const bucket = (ms: number) => Math.floor(ms / 30_000) * 30_000
    const told = rows.filter(([, , n]) => n !== 0)
    expect(told.map(([, ...rest]) => rest)).toEqual([
      ['queue_full', 12],
      ['refused', 2],
    ])
    // The seed reports every ten seconds.
    for (const [row, ms] of [
      [told[0]!, now - 6 * minute],
      [told[1]!, now - 3 * minute],
    ] as const) {
      expect([bucket(ms), bucket(ms + 10_000)]).toContain(row[0])
    }
  })

  test('what failed, and versions', async () => {
    const failed = records(await ask(agents, titled(agents, 'What failed inside agents?'), range))
    expect(failed.map(({ instance, feature, faults, state }) => [instance, feature, faults, state])).toEqual([
      ['shop-2', 'bodies', 5, 'switched off'],
      ['shop-2', 'routes', 1, 'still on'],
    ])
    expect((await ask(agents, titled(agents, 'Agent versions'), range)).rows).toEqual([
      ['0.2.0', 3],
      ['0.1.0', 1],
    ])
  })

  test('only the chosen service', async () => {
    const rows = records(await ask(agents, titled(agents, 'Is every call accounted for?'), range, [awkwardService]))
    expect(rows.map(({ instance }) => instance)).toEqual(['pubs-1'])
  })
})

/** What of calls and roll-ups a question reads. */
async function tablesOf(sql: string): Promise<string[]> {
  const plan = await store.ask<{ table: string; rows: number }>(`EXPLAIN ESTIMATE ${sql}`)
  const read = plan.filter(({ table, rows }) => Number(rows) > 0 && /^(calls|operations_|consumers_)/.test(table))
  return read.map(({ table }) => table).sort()
}

test.each([
  [ranges[0]!, ['calls'], ['calls']],
  [ranges[1]!, ['operations_15m', 'operations_1m'], ['calls_1m', 'consumers_15m']],
  [ranges[2]!, ['operations_15m', 'operations_1m'], ['calls_1m', 'consumers_15m']],
  [ranges[3]!, ['operations_15m'], ['consumers_15m', 'consumers_1d']],
])('tables over $0.name read only the roll-ups that fit', async (range, ofOperations, ofConsumers) => {
  for (const [board, title, wanted] of [
    [overview, 'Operations', ofOperations],
    [consumers, 'Consumers', ofConsumers],
    [overview, 'Busiest consumers', ofConsumers],
  ] as const) {
    const asked = { ...range, variables: {}, board }
    expect(await tablesOf(expand(titled(board, title).targets[0]!.rawSql, asked)), title).toEqual(wanted)
  }
})

describe('the routes', () => {
  test('list boards, and when the newest call was made', async () => {
    const { boards: listed, newest_call } = (await server.inject('/api/v1/boards')).json()
    expect(listed.map(({ uid }: Board) => uid)).toEqual([
      'callsight-overview',
      'callsight-agents',
      'callsight-consumers',
    ])
    expect(Date.parse(newest_call)).toBe(Math.max(...calls.map(({ ms }) => ms)))
    expect((await server.inject('/api/v1/boards/callsight-overview')).json().uid).toBe('callsight-overview')
  })

  test('offer the services of a range', async () => {
    const url = `/api/v1/boards/callsight-overview/variables/service?from=${now - 5 * minute}&to=${now}`
    expect((await server.inject(url)).json()).toEqual({ options: ['billing', awkwardService, 'shop'] })
    const past = `/api/v1/boards/callsight-overview/variables/service?from=1000&to=2000`
    expect((await server.inject(past)).json()).toEqual({ options: [] })
  })

  const good = { panel: 1, from: now - minute, to: now, intervalMs: 5000, variables: {} }
  test.each([
    ['an unknown board', '/api/v1/boards/nothing/query', good, 404, /no board nothing; there are callsight-overview/],
    ['an unknown panel', undefined, { ...good, panel: 999 }, 404, /no panel 999/],
    ['an unknown query', undefined, { ...good, refId: 'Z' }, 404, /query Z/],
    ['an unknown variable', undefined, { ...good, variables: { nothing: 'x' } }, 400, /no variable nothing/],
    ['SQL', undefined, { ...good, sql: 'SELECT 1' }, 400, /sql/],
    ['a range backwards', undefined, { ...good, from: now + 1 }, 400, /from must be before to/],
    ['a range of years', undefined, { ...good, from: 0 }, 400, /longer than 800 days/],
    ['a value that is too long', undefined, { ...good, variables: { service: 'x'.repeat(501) } }, 400, /service/],
    ['no body', undefined, undefined, 400, /body/],
  ])('refuse %s', async (_name, url, payload, status, detail) => {
    const response = await server.inject({
      method: 'POST',
      url: url ?? '/api/v1/boards/callsight-overview/query',
      ...(payload === undefined ? {} : { payload }),
    })
    expect(response.statusCode).toBe(status)
    expect(response.headers['content-type']).toMatch('application/problem+json')
    expect(response.json().detail).toMatch(detail)
  })

  test('widen a bucket that no roll-up has, and one too narrow for the range', async () => {
    const panel = titled(overview, 'Requests/s')
    const odd = await ask(overview, panel, { from: now - 6 * 60 * minute, to: now, intervalMs: 61_000 })
    expect(Number(odd.rows[1]![0]) - Number(odd.rows[0]![0])).toBe(120_000)
    const narrow = await ask(overview, panel, { from: now - 24 * 60 * minute, to: now, intervalMs: 1 })
    expect(narrow.rows.length).toBeLessThanOrEqual(2001)
  })
})

const names: Record<string, string> = {
  acme: 'Acme Corp',
  globex: 'Globex',
  initech: 'Initech',
  umbrella: 'Umbrella Analytics International Ltd',
  hooli: 'Hooli',
}

function titled(board: Board, title: string): Panel {
  return board.panels.find((panel) => panel.title === title)!
}

function records({ columns, rows }: PanelAnswer): Record<string, string | number | null>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]!])))
}

function grouped(some: SeededCall[], key: (call: SeededCall) => string): Map<string, SeededCall[]> {
  const groups = new Map<string, SeededCall[]>()
  for (const call of some) groups.set(key(call), [...(groups.get(key(call)) ?? []), call])
  return groups
}

function failed(some: SeededCall[]): number {
  return some.filter(({ outcome }) => outcome === 'server_error' || outcome === 'timeout').length
}

/** The rule of the roll-ups, counted here without them. */
function percentile(some: SeededCall[], share: number): number {
  const buckets = some
    .map(({ duration_us }) => Math.ceil(Math.log2(Math.max(duration_us, 1)) * 16))
    .sort((a, b) => a - b)
  return 2 ** ((buckets[Math.max(Math.ceil(share * buckets.length - 1e-9), 1) - 1]! - 0.5) / 16) / 1000
}

function close(value: number) {
  return expect.closeTo(value, 9)
}

function byKey<T extends Record<string, unknown>>(rows: T[], key: string): T[] {
  return [...rows].sort((a, b) => String(a[key]).localeCompare(String(b[key])))
}
