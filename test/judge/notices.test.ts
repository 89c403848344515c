import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { beforeQuestion, stretchesBefore } from '../../collector/src/aggregate/before.ts'
import { hurtQuestion } from '../../collector/src/aggregate/hurt.ts'
import { parseConfig, readRule } from '../../collector/src/config/read.ts'
import type { AlertEvent } from '../../collector/src/judge/alert/step.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { comparedText, contextOf } from '../../collector/src/judge/notice/context.ts'
import { linksOf } from '../../collector/src/judge/notice/links.ts'
import { Teller } from '../../collector/src/judge/tell.ts'
import { limits } from '../../collector/src/limits.ts'
import { forgetConsumer } from '../../collector/src/store/forget.ts'
import type { Row, Store } from '../../collector/src/store/store.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from './calls.ts'

const log = pino({ level: 'silent' })
const hourMs = 3600_000
const weekMs = 7 * 24 * hourMs
const toMs = Math.floor(Date.now() / 60_000) * 60_000 - 60_000
let store: Store
let close: () => Promise<void>

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
})
afterAll(() => close())

const ruleOf = (more: Record<string, unknown>) => readRule({ name: 'slow', when: 'p95 > 300ms', ...more }, []).rule!

function eventOf(more: Partial<AlertEvent> = {}): AlertEvent {
  return {
    id: 'evt_1',
    atMs: toMs,
    rule: 'slow',
    fingerprint: 'f1',
    labels: { operation: 'GET /books' },
    severity: 'page',
    state: 'firing',
    value: 412.3,
    threshold: 300,
    calls: 50,
    summary: 'slow: p95 is 412.3 ms',
    activeSinceMs: toMs - 60_000,
    ...more,
  }
}

describe('what a notice says of an alert', () => {
  const calls = [
    ...randomCalls(11, 3000, toMs - 10 * 60_000, toMs + 60_000),
    ...randomCalls(12, 1500, toMs - hourMs - 10 * 60_000, toMs - 5 * 60_000),
    ...randomCalls(13, 1500, toMs - weekMs - 5 * 60_000, toMs - weekMs + 60_000),
  ]
  beforeAll(async () => {
    for (let i = 0; i < calls.length; i += 1500) await insertCalls(store, calls.slice(i, i + 1500))
  })
  const weighed = (some: readonly Call[]) => some.reduce((sum, { weight }) => sum + weight, 0)
  const isFailed = ({ outcome }: Call) => outcome === 'server_error' || outcome === 'timeout'
  const counts = (call: Call) => call.direction === 'in' && call.outcome !== 'aborted'

  it.each([
    ['p95 > 300ms', (call: Call) => isFailed(call) || call.durationUs > 300_000],
    ['max >= 2s', (call: Call) => isFailed(call) || call.durationUs >= 2_000_000],
    ['error_rate > 5%', isFailed],
  ])('%s: the consumers hurt equal a recount, call by call', async (when, isBad) => {
    const rule = ruleOf({ when, service: 'shop', group_by: ['operation'] })
    const ended = calls.filter((call) => {
      const end = call.atMs + call.durationUs / 1000
      const about = call.service === 'shop' && call.operation === 'GET /books'
      return counts(call) && about && end >= toMs - rule.overMs && end < toMs && call.atMs < toMs
    })
    const expected = [...new Set(ended.map(({ consumer }) => consumer))]
      .map((consumer) => {
        const own = ended.filter((call) => call.consumer === consumer)
        return { consumer, calls: weighed(own), bad: weighed(own.filter(isBad)) }
      })
      .filter(({ bad }) => bad > 0)
      .sort((a, b) => b.bad - a.bad || b.calls - a.calls || (a.consumer < b.consumer ? -1 : 1))
    expect(expected.length).toBeGreaterThan(3)
    const { sql, params } = hurtQuestion(rule, { operation: 'GET /books' }, toMs)
    const rows = await store.query(sql, params)
    expect(rows.map((row) => ({ consumer: row.consumer, calls: Number(row.calls), bad: Number(row.bad) }))).toEqual(
      expected.slice(0, limits.noticeConsumers),
    )
    expect(rows.map(({ consumers }) => Number(consumers))).toEqual(rows.map(() => expected.length))
  })

  it('what was before equals a recount: exactly, and a percentile within its 2.2 %', async () => {
    const stretches = stretchesBefore(5 * 60_000, toMs)
    expect(stretches.hour).toEqual({ startMs: toMs - 5 * 60_000 - hourMs, endMs: toMs - 5 * 60_000 })
    for (const name of ['week', 'hour'] as const) {
      const { startMs, endMs } = stretches[name]
      const some = calls.filter(
        (call) => counts(call) && call.operation === 'GET /books' && call.atMs >= startMs && call.atMs < endMs,
      )
      expect(some.length).toBeGreaterThan(50)
      const text = async (when: string) => {
        const rule = ruleOf({ when, group_by: ['operation'] })
        const { sql, params } = beforeQuestion(rule, { operation: 'GET /books' }, stretches)
        const rows = (await store.query(sql, params)).filter(({ stretch }) => stretch === name)
        return comparedText(rule, rows, stretches)
      }
      const time = name === 'week' ? 'in the same 5m a week before' : 'in the hour before'
      const rate = (100 * weighed(some.filter(isFailed))) / weighed(some)
      const short = (value: number) => Number(value.toFixed(value < 10 ? 2 : 1))
      expect(await text('error_rate > 5%')).toBe(`the error rate was ${short(rate)} % ${time}`)
      const average = some.reduce((sum, { durationUs, weight }) => sum + durationUs * weight, 0) / weighed(some) / 1000
      expect(await text('avg > 5ms')).toBe(`the average was ${short(average)} ms ${time}`)
      const sorted = [...some].sort((a, b) => a.durationUs - b.durationUs)
      const upTo = (i: number) => weighed(sorted.slice(0, i + 1))
      const exact = sorted.find((_, i) => upTo(i) >= 0.95 * weighed(some))!.durationUs / 1000
      const [, p95] = new RegExp(`^p95 was ([\\d.]+) ms ${time}$`).exec(await text('p95 > 1ms'))!
      expect(Math.abs(Number(p95) / exact - 1)).toBeLessThan(0.023)
    }
    expect(comparedText(ruleOf({}), [], stretches)).toBe('')
  })

  it('is left out when the store is slow or away', async () => {
    const failed = vi.fn()
    const hangs = { ...store, ask: () => new Promise<never>(() => {}) } as unknown as Store
    const fails = { ...store, ask: () => Promise.reject(new Error('away')) } as unknown as Store
    const nothing = { hurt: [], hurtConsumers: 0, compared: '' }
    const before = performance.now()
    expect(await contextOf(hangs, ruleOf({}), eventOf(), toMs, failed)).toEqual(nothing)
    expect(performance.now() - before).toBeGreaterThan(limits.noticeContextMs - 100)
    expect(failed).not.toHaveBeenCalled()
    expect(await contextOf(fails, ruleOf({}), eventOf(), toMs, failed)).toEqual(nothing)
    expect(failed).toHaveBeenCalledTimes(2)
  })

  it('links to the board and to the calls, each value of a label encoded', () => {
    const rule = ruleOf({ when: 'p95 > 300ms', over: '5m', group_by: ['operation'] })
    const labels = { operation: 'GET /a?key=s3cret&x#y', consumer: 'me:p@ss/../x', env: '' }
    const { board, calls } = linksOf(eventOf({ labels }), rule, 'https://here.example.com/sub', toMs + 5000)
    for (const link of [board, calls]) {
      const url = new URL(link)
      expect(url.origin).toBe('https://here.example.com')
      expect([url.username, url.password, url.hash]).toEqual(['', '', ''])
      expect(link).not.toContain('key=')
    }
    expect(new URL(board).pathname).toBe('/sub/d/callsight-overview')
    expect([...new URL(board).searchParams]).toEqual([
      ['from', String(toMs - 60_000 - 600_000)],
      ['to', String(toMs + 5000)],
      ['var-operation', labels.operation],
      ['var-consumer', labels.consumer],
    ])
    expect([...new URL(calls).searchParams]).toEqual([
      ['operation', labels.operation],
      ['consumer', labels.consumer],
      ['min_duration_ms', '300'],
      ['from', String(toMs - 60_000 - 300_000)],
      ['to', String(toMs + 5000)],
    ])
    const failing = ruleOf({ when: 'error_rate > 5%' })
    expect(new URL(linksOf(eventOf(), failing, 'http://x', toMs).calls).searchParams.get('outcome')).toBe(
      'server_error,timeout',
    )
  })
})

interface Taken {
  id: string
  reason: string
  status: string
  alerts: { labels: Record<string, string>; annotations: Record<string, string> }[]
}

describe('telling', () => {
  let receiver: Server
  let hook: string
  let taken: Taken[]
  let nowMs: number
  const tellers: { stop(): Promise<void> }[] = []

  beforeAll(async () => {
    receiver = createServer(async (request, response) => {
      let body = ''
      for await (const piece of request) body += piece
      const { notification_reason: reason, status, alerts } = JSON.parse(body)
      taken.push({ id: String(request.headers['webhook-id']), reason, status, alerts })
      response.writeHead(200).end()
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  })
  afterAll(() => new Promise((resolve) => receiver.close(resolve)))
  beforeEach(() => {
    taken = []
    nowMs = toMs
  })
  afterEach(async () => {
    await Promise.all(tellers.splice(0).map((teller) => teller.stop()))
    for (const table of ['alert_events', 'alert_deliveries', 'alert_notices', 'alert_silences']) {
      await store.command(`TRUNCATE TABLE ${table}`)
    }
  })

  function teller(more = '', on = store): Teller {
    const { config, faults } = parseConfig(`channels: { ops: { webhook: "${hook}" } }\n${more}`, 'x', {})
    expect(faults).toEqual([])
    const externalUrl = () => 'http://collector:4319'
    const one = new Teller({ store: on, log, externalUrl, now: () => nowMs, config: config!, rule: () => undefined })
    one.configure(config!, config!.channels)
    tellers.push(one)
    return one
  }

  let count = 0
  const told = (state: AlertEvent['state'], more: Partial<AlertEvent> = {}) => {
    return { event: eventOf({ id: `evt_${++count}`, atMs: nowMs, state, ...more }), receivers: ['ops'] }
  }
  const reasons = (expected: string[]) =>
    vi.waitFor(() => expect(taken.map(({ reason }) => reason)).toEqual(expected), 5000)

  it('the same event twice, at once, later and after a restart, sends it once', async () => {
    const first = teller()
    const one = told('firing')
    await Promise.all([first.tell([one, one]), first.tell([one])])
    await first.tell([one])
    await reasons(['firing'])
    await first.stop()
    const second = teller()
    await second.tell([one])
    await second.tell([told('resolved')])
    await reasons(['firing', 'resolved'])
    expect(await store.query('SELECT count() AS n FROM alert_events')).toEqual([{ n: 2 }])
  })

  it('whose notice is stored, without an answer, is sent once, whatever comes next', async () => {
    let lost = true
    const insert: Store['insert'] = async (table, rows, token) => {
      await store.insert(table, rows, token)
      if (table !== 'alert_notices' || !lost) return
      lost = false
      throw new Error('the answer was lost')
    }
    const first = teller(
      '',
      new Proxy(store, { get: (target, key) => (key === 'insert' ? insert : bound(target, key)) }),
    )
    const one = told('firing')
    await expect(first.tell([one])).rejects.toThrow('the answer was lost')
    const late = {
      id: 'sil_1',
      matchers: [],
      startsMs: nowMs + hourMs,
      endsMs: nowMs + 2 * hourMs,
      author: '',
      comment: '',
    }
    await first.silence(late)
    await first.tell([one])
    await reasons(['firing'])
    expect(await store.query('SELECT count() AS n FROM alert_notices')).toEqual([{ n: 1 }])
  })

  it('goes on with its groups after a restart: interval, repetition and flapping', async () => {
    const first = teller()
    await first.tell([told('firing')])
    nowMs += 10_000
    const late = told('firing', { fingerprint: 'f2', severity: 'warning' })
    await first.tell([late])
    await reasons(['firing'])
    await first.stop()
    const second = teller()
    nowMs += 280_000
    await second.tell([])
    nowMs += 10_000
    await second.tell([])
    await reasons(['firing', 'changed'])
    await second.stop()
    const third = teller()
    nowMs += 4 * hourMs
    await third.tell([])
    await reasons(['firing', 'changed', 'repeat'])
    for (const state of ['resolved', 'firing', 'resolved', 'firing'] as const) {
      nowMs += 60_000
      await third.tell([told(state), ...(state === 'resolved' ? [told(state, { fingerprint: 'f2' })] : [])])
    }
    await third.stop()
    const fourth = teller()
    await fourth.tell([])
    nowMs += 60_000
    await fourth.tell([told('resolved')])
    nowMs += 10 * 60_000
    await fourth.tell([])
    const seen = ['firing', 'changed', 'repeat', 'resolved', 'firing', 'resolved', 'flapping']
    await reasons(seen)
    nowMs += 5 * 60_000
    await fourth.tell([])
    await reasons([...seen, 'resolved'])
    const settled = await store.query(
      'SELECT count() AS n, uniqExact(id) AS ids FROM (SELECT arrayJoin(event_ids) AS id FROM alert_notices)',
    )
    const [events] = await store.query('SELECT count() AS n FROM alert_events')
    expect(settled).toEqual([{ n: events?.n, ids: events?.n }])
  })

  it('of a silence: held back, over a restart, and told when it ends', async () => {
    const first = teller()
    const matchers = parseConfig(
      'maintenance: [{ name: x, from: "2026-11-20T02:00Z", to: "2026-11-20T03:00Z", matchers: [operation=~"GET .*"] }]',
      'x',
      {},
    ).config!.maintenance[0]!.matchers
    const silence = { id: 'sil_1', matchers, startsMs: nowMs, endsMs: nowMs + hourMs, author: 'me', comment: 'why' }
    await first.silence(silence)
    await first.tell([told('firing'), told('firing', { fingerprint: 'f2', labels: { operation: 'POST /x' } })])
    expect(first.silences()).toMatchObject([{ held: 1 }])
    await reasons(['firing'])
    expect(taken[0]?.alerts.map(({ labels }) => labels.operation)).toEqual(['POST /x'])
    await first.stop()
    nowMs += hourMs - 1
    const second = teller()
    await second.tell([])
    expect(second.silences()).toMatchObject([{ silence: { id: 'sil_1', author: 'me', comment: 'why' }, held: 1 }])
    nowMs += 1
    await second.tell([])
    await reasons(['firing', 'changed'])
    expect(taken[1]?.alerts.map(({ labels }) => labels.operation).sort()).toEqual(['GET /books', 'POST /x'])
    expect(await store.query("SELECT muted FROM alert_notices WHERE muted != ''")).toEqual([{ muted: 'silence sil_1' }])
  })

  it('of one that came and went in maintenance: never, over a restart neither', async () => {
    const window = 'maintenance: [{ name: move, from: "2020-01-01T00:00Z", to: "2100-01-01T00:00Z" }]'
    const first = teller(window)
    await first.tell([told('firing')])
    nowMs += 1000
    await first.tell([told('resolved')])
    await first.stop()
    nowMs += 1000
    const second = teller()
    await second.tell([])
    await second.tell([told('firing', { fingerprint: 'other' })])
    await reasons(['firing'])
    expect(await store.query('SELECT muted FROM alert_notices WHERE length(event_ids) = 2')).toEqual([
      { muted: 'maintenance move' },
    ])
  })

  it('of an inhibited one: when what inhibits it is over', async () => {
    const inhibiting = teller(`inhibit: [{ source: ['severity="page"'], target: ['severity="warning"'] }]
grouping: { by: [severity] }`)
    const warning = { fingerprint: 'f2', severity: 'warning' }
    await inhibiting.tell([told('firing'), told('firing', warning)])
    await reasons(['firing'])
    nowMs += 5000
    await inhibiting.tell([told('resolved')])
    await vi.waitFor(() => expect(taken).toHaveLength(3), 5000)
    expect(
      taken
        .slice(1)
        .map(({ alerts, status }) => `${alerts[0]?.labels.severity} ${status}`)
        .sort(),
    ).toEqual(['page resolved', 'warning firing'])
  })

  it('what a consumer is forgotten from stays told', async () => {
    const first = teller()
    await first.tell([told('firing'), told('firing', { fingerprint: 'f2', labels: { consumer: 'umbrella' } })])
    await reasons(['firing'])
    await first.stop()
    await forgetConsumer(store, 'umbrella')
    const rows = await store.query<Row>('SELECT text, consumers, state FROM alert_notices')
    expect(JSON.stringify(rows)).not.toContain('umbrella')
    const second = teller()
    nowMs += 5000
    await second.tell([told('resolved')])
    await reasons(['firing', 'resolved'])
    expect(taken[1]?.alerts).toHaveLength(1)
  })

  it('a heartbeat is sent while alerts are judged, and not when they are not', async () => {
    const beats: string[] = []
    const heart = createServer((request, response) => {
      beats.push(`${request.method} ${request.url}`)
      response.end()
    })
    await new Promise<void>((resolve) => heart.listen(0, '127.0.0.1', resolve))
    const { port } = heart.address() as AddressInfo
    const text = `alerts: [{ name: slow, when: p95 > 1h }]\nheartbeat: http://127.0.0.1:${port}/beat`
    const { config } = parseConfig(text, 'x', {})
    let away = false
    const query: Store['query'] = (sql, params) => (away ? Promise.reject(new Error('away')) : store.query(sql, params))
    const half = new Proxy(store, { get: (target, key) => (key === 'query' ? query : bound(target, key)) })
    const judge = new Judge({ store: half, config: config!, log, externalUrl: () => '', now: () => nowMs })
    tellers.push(judge)
    await judge.judgeHeartbeat()
    expect(beats).toEqual([])
    await judge.judgeAlerts()
    await judge.judgeHeartbeat()
    expect(beats).toEqual(['POST /beat'])
    away = true
    nowMs += 31_000
    await judge.judgeAlerts().catch(() => {})
    await judge.judgeHeartbeat()
    expect(beats).toEqual(['POST /beat'])
    heart.close()
  })
})

function bound(target: Store, key: string | symbol): unknown {
  const value = Reflect.get(target, key)
  return typeof value === 'function' ? value.bind(target) : value
}
