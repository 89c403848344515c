import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Config } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Row, Store } from '../../collector/src/store/store.ts'
import { emptyStore, insertCalls } from './calls.ts'

interface Notice {
  id: string
  status: string
  /** Of its alerts. */
  operations: string
}

const log = pino({ level: 'silent' })
let real: Store
/** The real store, but that the next insert into this table fails, before or after it was made. */
let store: Store
let failing: { table: string; when: 'before' | 'after' } | undefined
let close: () => Promise<void>
let receiver: Server
let hook: string
let notices: Notice[]
let status: number
/** Each test has an hour of its own, so that none sees the calls of another. */
let hour = Math.floor(Date.now() / 3600_000) * 3600_000 - 20 * 3600_000
let nowMs: number

beforeAll(async () => {
  ;({ store: real, close } = await emptyStore())
  store = {
    place: real.place,
    command: (sql) => real.command(sql),
    merge: (run) => real.merge(run),
    load: (table, columns, path) => real.load(table, columns, path),
    query: (sql, params) => real.query(sql, params),
    ask: (sql, params) => real.ask(sql, params),
    askColumns: (sql, params) => real.askColumns(sql, params),
    close: () => real.close(),
    insertBlocks: (...args) => real.insertBlocks(...args),
    readBlocks: (...args) => real.readBlocks(...args),
    async insert(table, rows, token) {
      const fails = rows.length > 0 && failing?.table === table ? failing.when : undefined
      if (fails !== undefined) failing = undefined
      if (fails === 'before') throw new Error('the engine is away')
      await real.insert(table, rows, token)
      if (fails === 'after') throw new Error('the answer was lost')
    },
  }
  receiver = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { status: state, alerts } = JSON.parse(body)
    if (status === 200) {
      const operations = alerts.map((alert: { labels: Record<string, string> }) => alert.labels.operation).join(' + ')
      notices.push({ id: String(request.headers['webhook-id']), status: state, operations })
    }
    response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
})
afterAll(async () => {
  await new Promise((resolve) => receiver.close(resolve))
  await close()
})

const judges: Judge[] = []
beforeEach(() => {
  notices = []
  status = 200
  failing = undefined
  hour += 3600_000
  nowMs = hour + 600_000
})
afterEach(async () => {
  await Promise.all(judges.splice(0).map((judge) => judge.stop()))
  for (const table of ['alert_events', 'alert_deliveries', 'alert_notices', 'alert_silences', 'alert_rules'])
    await real.command(`TRUNCATE TABLE ${table}`)
})

function configured(alert: string): Config {
  const { config, faults } = parseConfig(
    `alerts:\n  - { name: slow, when: p95 > 300ms, over: 1m, group_by: [operation], notify: [ops], ${alert} }
channels: { ops: { webhook: "${hook}" } }`,
    'test',
    {},
  )
  expect(faults).toEqual([])
  return config!
}

function judgeOf(config: Config): Judge {
  const judge = new Judge({ store, config, log, externalUrl: () => 'http://collector:4319', now: () => nowMs })
  judges.push(judge)
  return judge
}

/** Twenty calls that took this long, ended by now less the judge's lag. */
async function traffic(durationMs: number, operation = 'GET /books'): Promise<void> {
  const call = { atMs: nowMs - 6000 - durationMs, operation, durationUs: durationMs * 1000 }
  await insertCalls(
    real,
    Array.from({ length: 20 }, () => call),
  )
}

async function tick(judge: Judge, seconds: number): Promise<string[]> {
  nowMs += seconds * 1000
  await judge.judgeAlerts()
  return judge.alerts().map(({ state, labels }) => `${labels.operation}: ${state}`)
}

const told = (count: number) => vi.waitFor(() => expect(notices).toHaveLength(count), 5000)

function events(): Promise<Row[]> {
  return real.query(
    `SELECT toString(state) AS state, labels['operation'] AS operation FROM alert_events ORDER BY ts, id`,
  )
}

/** Deliveries that were made or given up. */
async function ended(): Promise<Row[]> {
  return real.query('SELECT event_id, channel, status, error FROM alert_deliveries WHERE done ORDER BY ts, event_id')
}

describe('an alert', () => {
  it('goes from pending to firing to resolved, each notice delivered once', async () => {
    const judge = judgeOf(configured('for: 10s'))
    await traffic(20, 'GET /fast')
    await traffic(400)
    expect(await tick(judge, 0)).toEqual(['GET /books: pending'])
    expect(await tick(judge, 5)).toEqual(['GET /books: pending'])
    expect(notices).toEqual([])
    expect(await tick(judge, 5)).toEqual(['GET /books: firing'])
    await told(1)
    expect(await tick(judge, 5)).toEqual(['GET /books: firing'])
    expect(await tick(judge, 60)).toEqual([])
    await told(2)
    expect(notices.map(({ status, operations }) => [status, operations])).toEqual([
      ['firing', 'GET /books'],
      ['resolved', 'GET /books'],
    ])
    expect(new Set(notices.map(({ id }) => id)).size).toBe(2)
    expect((await events()).map((event) => event.state)).toEqual(['pending', 'firing', 'resolved'])
    await vi.waitFor(async () => expect(await ended()).toHaveLength(2), 5000)
  })

  it('goes on where it was when the collector is started again', async () => {
    const config = configured('for: 10s')
    const first = judgeOf(config)
    await traffic(400)
    expect(await tick(first, 0)).toEqual(['GET /books: pending'])
    await first.stop()

    const second = judgeOf(config)
    expect(await tick(second, 10)).toEqual(['GET /books: firing'])
    await told(1)
    await second.stop()

    const third = judgeOf(config)
    expect(await tick(third, 5)).toEqual(['GET /books: firing'])
    expect(await tick(third, 60)).toEqual([])
    await told(2)
    await third.stop()

    const fourth = judgeOf(config)
    expect(await tick(fourth, 5)).toEqual([])
    await fourth.stop()
    expect(notices.map((notice) => notice.status)).toEqual(['firing', 'resolved'])
  })

  it('whose notice was not delivered before a stop is told of by the next start, under the same id', async () => {
    const config = configured('for: 0s')
    const first = judgeOf(config)
    status = 503
    await traffic(400)
    await tick(first, 0)
    const attempted = () =>
      real.query('SELECT event_id, max(attempt) AS attempt FROM alert_deliveries GROUP BY event_id')
    await vi.waitFor(async () => expect(await attempted()).toEqual([{ event_id: expect.anything(), attempt: 1 }]), 5000)
    await first.stop()
    const [{ event_id }] = (await attempted()) as [{ event_id: string }]

    status = 200
    const second = judgeOf(config)
    await tick(second, 5)
    await told(1)
    expect(notices[0]).toEqual({ id: event_id, status: 'firing', operations: 'GET /books' })
    await second.stop()
    const third = judgeOf(config)
    await tick(third, 5)
    await third.stop()
    expect(notices).toHaveLength(1)
  })

  it.each([
    ['alert_events', 'before'],
    ['alert_events', 'after'],
    ['alert_notices', 'before'],
    ['alert_notices', 'after'],
  ] as const)('is told of once when an insert into %s fails %s it was made', async (table, when) => {
    const judge = judgeOf(configured('for: 0s'))
    await traffic(400)
    failing = { table, when }
    await expect(tick(judge, 0)).rejects.toThrow()
    expect(notices).toEqual([])
    expect(await tick(judge, 5)).toEqual(['GET /books: firing'])
    await tick(judge, 5)
    await told(1)
    await judge.stop()
    expect((await events()).map((event) => event.state)).toEqual(['firing'])
    expect(notices).toHaveLength(1)
  })

  it.each([
    ['alert_events', 'before'],
    ['alert_events', 'after'],
    ['alert_notices', 'before'],
    ['alert_notices', 'after'],
  ] as const)(
    'is told of once when the collector dies while it inserts into %s, %s it was made',
    async (table, when) => {
      const config = configured('for: 0s')
      const first = judgeOf(config)
      await traffic(400)
      failing = { table, when }
      await expect(tick(first, 0)).rejects.toThrow()
      await first.stop()
      const second = judgeOf(config)
      expect(await tick(second, 5)).toEqual(['GET /books: firing'])
      await told(1)
      await second.stop()
      const third = judgeOf(config)
      await tick(third, 5)
      await third.stop()
      expect(notices).toHaveLength(1)
    },
  )

  it('is resolved, with a notice, when its rule is removed', async () => {
    const judge = judgeOf(configured('for: 0s'))
    await traffic(400)
    await tick(judge, 0)
    await told(1)
    judge.setConfig({ ...configured('for: 0s'), alerts: [] })
    expect(await tick(judge, 5)).toEqual([])
    await told(2)
    expect(notices[1]?.status).toBe('resolved')
  })

  it('of a rule from the API is kept over a restart, and resolved when that is removed', async () => {
    const config = { ...configured('for: 0s'), alerts: [] }
    const [rule] = configured('for: 0s').alerts
    const written = { name: 'added', when: 'p95 > 300ms', over: '1m', group_by: ['operation'], notify: [hook] }
    const first = judgeOf(config)
    await first.addRule({ ...rule!, name: 'added', notify: [hook] }, written)
    await traffic(400)
    expect(await tick(first, 0)).toEqual(['GET /books: firing'])
    await told(1)
    await first.stop()
    const second = judgeOf(config)
    await second.judgeAlerts()
    expect(second.rules().map(({ rule, source }) => [rule.name, rule.when.text, source])).toEqual([
      ['added', 'p95 > 300ms', 'api'],
    ])
    nowMs += 1
    await second.removeRule('added')
    expect(await tick(second, 5)).toEqual([])
    await told(2)
    expect(notices.map((notice) => notice.status)).toEqual(['firing', 'resolved'])
    await second.stop()
    const third = judgeOf(config)
    expect(await tick(third, 5)).toEqual([])
    expect(third.rules()).toEqual([])
  })

  it('has a state for each label set', async () => {
    const judge = judgeOf(configured('for: 0s'))
    await traffic(400, 'GET /a')
    await traffic(500, 'GET /b')
    await traffic(10, 'GET /c')
    expect((await tick(judge, 0)).sort()).toEqual(['GET /a: firing', 'GET /b: firing'])
    await told(1)
    nowMs += 30_000
    await traffic(500, 'GET /b')
    expect(await tick(judge, 35)).toEqual(['GET /b: firing'])
    expect(await tick(judge, 300)).toEqual([])
    await told(2)
    expect(notices.map(({ status, operations }) => [status, operations])).toEqual([
      ['firing', 'GET /b + GET /a'],
      ['resolved', 'GET /a + GET /b'],
    ])
  })
})

it('states of objectives and quotas are written when they change, and each minute', async () => {
  const { config } = parseConfig(
    `consumers: [{ id: acme, plan: gold }]
plans: { gold: { quotas: [{ name: burst, limit: 10, per: 1m }] } }
objectives: [{ name: fast, operation: GET /states, good: { latency_below: 300ms }, target: 90%, window: 1h }]`,
    'test',
    {},
  )
  const judge = judgeOf(config!)
  const calls = (count: number, durationMs: number) => {
    const call = { atMs: nowMs - 6000, operation: 'GET /states', durationUs: durationMs * 1000 }
    return insertCalls(
      real,
      Array.from({ length: count }, () => call),
    )
  }
  await calls(15, 10)
  await calls(5, 300)
  await judge.judgeObjectives()
  await judge.judgeQuotas()
  expect(judge.objectives()[0]).toMatchObject({
    counts: { total: 20, bad: 5 },
    verdict: { attainment: 0.75, met: false },
  })
  expect(judge.objectives()[0]?.verdict.budgetLeft).toBeCloseTo(-1.5, 10)
  const used = judge.quotas()[0]
  for (let i = 0; i < 15; i++) {
    nowMs += 5000
    await judge.judgeObjectives()
    await judge.judgeQuotas()
  }
  const rows = await real.query(
    'SELECT objective, total, bad, attainment, round(budget_left, 6) AS left FROM objective_states ORDER BY ts',
  )
  // The last five minutes still hold the calls: the state is the same but for the beginning of its window, which moves
  // by the minute, and is repeated once in these 75 seconds.
  const state = { objective: 'fast', total: 20, bad: 5, attainment: 0.75, left: -1.5 }
  expect(rows.map((row) => ({ ...row, total: Number(row.total), bad: Number(row.bad) }))).toEqual([state, state])
  expect(used).toMatchObject({ consumer: 'acme', plan: 'gold', used: 20, usedRatio: 2, state: 'over' })
  const quotas = await real.query('SELECT consumer, quota, used, allowed, used_ratio FROM quota_states ORDER BY ts')
  expect(quotas[0]).toMatchObject({ consumer: 'acme', quota: 'burst', used_ratio: 2 })
  expect(Number(quotas.at(-1)?.used)).toBe(0)
})
