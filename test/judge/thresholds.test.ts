import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Config } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { emptyStore, insertCalls } from './calls.ts'

const log = pino({ level: 'silent' })
const DAY = 24 * 3600_000
let real: Store
/** The real one, but that the next insert into this table fails, before or after it was made. */
let store: Store
let failing: { table: string; when: 'before' | 'after' } | undefined
let close: () => Promise<void>
let receiver: Server
let hook: string
let notices: { id: string; threshold: string; summary: string }[]
let nowMs: number

beforeAll(async () => {
  ;({ store: real, close } = await emptyStore())
  store = new Proxy(real, {
    get(target, name) {
      if (name !== 'insert')
        return (...args: unknown[]) =>
          ((target as never)[name as never] as (...all: unknown[]) => unknown).apply(target, args)
      return async (table: string, rows: object[], token: string) => {
        const fails = rows.length > 0 && failing?.table === table ? failing.when : undefined
        if (fails !== undefined) failing = undefined
        if (fails === 'before') throw new Error('the engine is away')
        await target.insert(table, rows as never, token)
        if (fails === 'after') throw new Error('the answer was lost')
      }
    },
  })
  receiver = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { alerts } = JSON.parse(body)
    for (const { labels, annotations } of alerts) {
      const id = String(request.headers['webhook-id'])
      notices.push({ id, threshold: labels.threshold, summary: annotations.summary })
    }
    response.writeHead(200).end()
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
  failing = undefined
  // The middle of a month, which no test leaves by chance.
  nowMs = Date.UTC(2030, 5, 15, 12)
})
afterEach(async () => {
  await Promise.all(judges.splice(0).map((judge) => judge.stop()))
  const tables = ['alert_events', 'alert_notices', 'alert_deliveries', 'calls', 'calls_1m', 'calls_15m']
  for (const table of [...tables, 'quota_thresholds', 'quota_corrections', 'quota_periods']) {
    await real.command(`TRUNCATE TABLE ${table}`)
  }
})

function configured(quota = 'limit: 100, per: month'): Config {
  const { config, faults } = parseConfig(
    `consumers: [{ id: acme, plan: gold }]
plans: { gold: { quotas: [{ name: q, notify: [ops], ${quota} }] } }
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

/** Judges after so many more calls. */
async function use(judge: Judge, calls: number, seconds = 60): Promise<void> {
  if (calls > 0) await insertCalls(real, [{ atMs: nowMs - 6000, weight: calls }])
  nowMs += seconds * 1000
  await judge.judgeQuotas()
  // What an earlier run did not tell of is told of with the next alerts.
  await judge.judgeAlerts()
}

const correct = (judge: Judge, amount: number) =>
  judge.correct({ consumer: 'acme', quota: 'q', amount, reason: 'r', actor: 'a', key: `${amount}`, atMs: undefined })

const thresholds = () => notices.map(({ threshold }) => threshold)
/** Waits for these notices, under an id each. */
async function told(...expected: string[]): Promise<void> {
  await vi.waitFor(() => expect(thresholds()).toEqual(expected), 10_000)
  expect(new Set(notices.map(({ id }) => id)).size).toBe(expected.length)
}

describe('a threshold', () => {
  it('is told of once, the most advanced alone when several are passed', async () => {
    const judge = judgeOf(configured())
    await use(judge, 49)
    expect(judge.quotas()[0]?.used).toBe(49)
    await use(judge, 1)
    await told('50%')
    expect(notices[0]?.summary).toBe('acme has used 50% of q: 50 of 100 calls, until 2030-07-01 00:00 UTC')
    await use(judge, 0)
    await use(judge, 45)
    await told('50%', '90%')
    await use(judge, 5)
    await told('50%', '90%', '100%')
    await use(judge, 500)
    expect(await real.query('SELECT threshold, used FROM quota_thresholds ORDER BY ts')).toEqual([
      { threshold: '50%', used: 50 },
      { threshold: '90%', used: 95 },
      { threshold: '100%', used: 100 },
    ])
    const events = await real.query(
      "SELECT rule, severity, labels['consumer'] AS consumer FROM alert_events ORDER BY ts",
    )
    expect(events).toEqual([
      { rule: 'quota q', severity: 'warning', consumer: 'acme' },
      { rule: 'quota q', severity: 'warning', consumer: 'acme' },
      { rule: 'quota q', severity: 'critical', consumer: 'acme' },
    ])
  })

  it('is not told of again when the use falls and rises, but in the next period', async () => {
    const judge = judgeOf(configured())
    await use(judge, 85)
    await told('80%')
    await correct(judge, -40)
    await use(judge, 0)
    expect(judge.quotas()[0]?.used).toBe(45)
    await correct(judge, 39)
    await use(judge, 0)
    expect(judge.quotas()[0]?.used).toBe(84)
    await use(judge, 6)
    await told('80%', '90%')
    nowMs += 30 * DAY
    await use(judge, 60)
    await told('80%', '90%', '50%')
  })

  it('is told of once over restarts, and never taken for an alert of a rule that is gone', async () => {
    const config = configured()
    const first = judgeOf(config)
    await use(first, 85)
    await told('80%')
    await first.stop()
    const second = judgeOf(config)
    await use(second, 0)
    await second.judgeAlerts()
    await use(second, 6)
    await told('80%', '90%')
    await second.stop()
    const third = judgeOf(config)
    await third.judgeAlerts()
    await use(third, 0)
    expect(third.alerts()).toEqual([])
    await third.stop()
    expect(thresholds()).toEqual(['80%', '90%'])
    expect(await real.query('SELECT DISTINCT toString(state) AS state FROM alert_events')).toEqual([
      { state: 'firing' },
    ])
  })

  it.each([
    ['alert_notices', 'before'],
    ['alert_notices', 'after'],
    ['alert_events', 'before'],
    ['alert_events', 'after'],
  ] as const)('is told of once when the collector dies %s %s it was written', async (table, when) => {
    const config = configured()
    const first = judgeOf(config)
    failing = { table, when }
    await use(first, 85)
    expect(notices).toEqual([])
    await first.stop()
    const second = judgeOf(config)
    await use(second, 0)
    await told('80%')
    await use(second, 0)
    await second.stop()
    expect(thresholds()).toEqual(['80%'])
  })

  it('is told of once when the collector dies between telling and remembering', async () => {
    const config = configured()
    const first = judgeOf(config)
    failing = { table: 'quota_thresholds', when: 'before' }
    await use(first, 85)
    await vi.waitFor(() => expect(thresholds()).toEqual(['80%']), 10_000)
    await first.stop()
    const second = judgeOf(config)
    await use(second, 0)
    await second.stop()
    const ids = await real.query('SELECT DISTINCT id FROM alert_events')
    expect(ids).toHaveLength(1)
    expect(thresholds()).toEqual(['80%'])
    expect(await real.query('SELECT threshold FROM quota_thresholds')).toEqual([{ threshold: '80%' }])
  })

  it('of a changed limit is another one', async () => {
    const judge = judgeOf(configured())
    await use(judge, 85)
    await told('80%')
    judge.setConfig(configured('limit: 170, per: month'))
    await use(judge, 0)
    await told('80%', '50%')
    judge.setConfig(configured())
    await use(judge, 0)
    await told('80%', '50%')
  })

  it('of a rolling window is told of again after the length of the window', async () => {
    const judge = judgeOf(configured('limit: 100, per: 6h, window: rolling, thresholds: [80%]'))
    await use(judge, 85)
    await told('80%')
    await use(judge, 85, 3 * 3600)
    await told('80%')
    await use(judge, 85, 3600 * 3)
    await use(judge, 0)
    await told('80%', '80%')
    await judge.stop()
    const next = judgeOf(configured('limit: 100, per: 6h, window: rolling, thresholds: [80%]'))
    await use(next, 0)
    await next.stop()
    expect(thresholds()).toEqual(['80%', '80%'])
  })

  it('that is reached in the last moments of a period is told of when that closes', async () => {
    const judge = judgeOf(configured('limit: 100, per: day'))
    nowMs = Date.UTC(2030, 5, 15, 23, 59, 50)
    await use(judge, 10, 5)
    await insertCalls(real, [{ atMs: Date.UTC(2030, 5, 15, 23, 59, 59), weight: 80 }])
    await use(judge, 0, 30)
    expect(judge.quotas()[0]?.used).toBe(0)
    await use(judge, 0, 6 * 60)
    await told('90%')
    expect(notices[0]?.summary).toContain('until 2030-06-16 00:00 UTC')
    expect(judge.usage('acme')?.quotas[0]?.closed).toMatchObject([{ counted: 90, late: 0 }, { counted: 0 }])
  })
})
