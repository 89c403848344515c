import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { alertCommand } from '../../collector/src/cli/alert.ts'
import { parseConfig, readRule } from '../../collector/src/config/read.ts'
import { Reader } from '../../collector/src/judge/alert/reader.ts'
import { judgeRules } from '../../collector/src/judge/alert/round.ts'
import type { Alert } from '../../collector/src/judge/alert/step.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { type Call, emptyStore, insertCalls } from './calls.ts'

const minute = 60_000
const toMs = Math.floor(Date.now() / minute) * minute - 5 * minute
const fromMs = toMs - 3 * 3600_000
/** Every ten seconds a call, of which those of two stretches are slow, and those of bob in the second one alone. */
const stretches = [
  [fromMs + 40 * minute, fromMs + 50 * minute],
  [fromMs + 120 * minute, fromMs + 130 * minute],
] as const
const within = (ms: number, i: number) => ms >= stretches[i]![0] && ms < stretches[i]![1]
const calls: Partial<Call>[] = []
for (let ms = fromMs; ms < toMs; ms += 10_000) {
  calls.push({ atMs: ms, consumer: 'acme', durationUs: within(ms, 0) || within(ms, 1) ? 900_000 : 50_000 })
  calls.push({ atMs: ms + 1, consumer: 'bob', durationUs: within(ms, 1) ? 1_500_000 : 50_000 })
}

const log = pino({ level: 'silent' })
let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let url: string

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  await insertCalls(store, calls)
  const { config } = parseConfig(
    'alerts: [{ name: known, when: p95 > 300ms, over: 2m, for: 1m, group_by: [consumer] }]',
    '',
    {},
  )
  judge = new Judge({ store, config: config!, log, externalUrl: () => '' })
  server = webServer({ store, judge, door: new Door([], []), loopback: true, log, routes: [] })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server?.close()
  await judge?.stop()
  await close?.()
})

interface Firing {
  labels: Record<string, string>
  since: string
  fired: string
  resolved: string | null
  worst_ms: number
  summary: string
  calls_url: string
}

async function replay(body: object) {
  const answer = await server.inject({ method: 'POST', url: '/api/v1/alerts/backtest', payload: body })
  if (answer.statusCode !== 200) return { status: answer.statusCode, detail: answer.json().detail as string }
  const lines = answer.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return {
    status: 200,
    result: lines.at(-1).result as {
      fired: number
      step_ms: number
      firings: Firing[]
      series: { at: string; value: number | null }[]
    },
  }
}

describe('a back-test', () => {
  it('fires exactly when the judge would have', async () => {
    const { rule } = readRule({ name: 'known', when: 'p95 > 300ms', over: '2m', for: '1m', group_by: ['consumer'] }, [])
    const reader = new Reader(store, { objectives: () => [], quotas: () => [] })
    let alerts: ReadonlyMap<string, Alert> = new Map()
    const expected: [string, string, string][] = []
    const range = [fromMs + 112 * minute, fromMs + 140 * minute] as const
    for (let at = range[0] + limits.tickMs; at <= range[1]; at += limits.tickMs) {
      const until = { toMs: at, heldMs: 0, partial: false }
      const found = await judgeRules({ reader, rules: [rule!], alerts, until, failed: () => undefined })
      alerts = found.alerts
      for (const { event } of found.events) {
        if (event.state === 'firing' || event.state === 'resolved') {
          expected.push([event.state, event.labels.consumer!, new Date(event.atMs).toISOString()])
        }
      }
    }
    const { result } = await replay({ rule: 'known', from: range[0], to: range[1] })
    expect(result!.step_ms).toBe(limits.tickMs)
    const found = result!.firings.flatMap(({ labels, fired, resolved }) => [
      ['firing', labels.consumer!, fired],
      ['resolved', labels.consumer!, resolved!],
    ])
    expect(found.sort()).toEqual(expected.sort())
    expect(found).toHaveLength(4)
    expect(result!.firings.map(({ labels, worst_ms }) => [labels.consumer, worst_ms]).sort()).toEqual([
      ['acme', 900],
      ['bob', 1500],
    ])
    const first = result!.firings.find(({ labels }) => labels.consumer === 'acme')
    expect(first!.summary).toContain('p95 is 900 ms')
    const sample = await server.inject({ url: first!.calls_url })
    const shown = sample.json().calls as { consumer: string; duration_ms: number }[]
    expect(shown.length).toBeGreaterThan(0)
    for (const call of shown) expect(call).toMatchObject({ consumer: 'acme', duration_ms: 900 })
    expect(result!.series.filter(({ value }) => value === 1500).length).toBeGreaterThan(20)
  }, 60_000)

  it('looks less often over a longer range, and refuses one in which calls would be missed', async () => {
    const rule = { when: 'p95 > 300ms', over: '10m' }
    const { result } = await replay({ rule, from: toMs - 3 * 24 * 3600_000, to: toMs, steps: 500 })
    expect(result!.step_ms).toBe(520_000)
    expect(result!.fired).toBe(2)
    expect(await replay({ rule: { ...rule, over: '1m' }, from: toMs - 10 * 24 * 3600_000, to: toMs })).toEqual({
      status: 400,
      detail:
        'a window of 60 s is too short for a range of this length: not every call would be looked at; choose at most 33 hours',
    })
  }, 60_000)

  it('looks only as often as it is told to, but at every call, and at a week in windows of five minutes', async () => {
    const rule = { when: 'p95 > 300ms', over: '10m' }
    const threeHours = { rule, from: fromMs, to: toMs }
    expect((await replay({ ...threeHours, steps: 36 })).result).toMatchObject({ step_ms: 300_000, fired: 2 })
    expect((await replay({ ...threeHours, steps: 2 })).result).toMatchObject({ step_ms: 600_000, threshold_ms: 300 })
    const week = { rule: { when: 'p95 > 300ms' }, from: toMs - 7 * 24 * 3600_000, to: toMs, steps: 400 }
    expect((await replay(week)).result).toMatchObject({ step_ms: 300_000, fired: 2 })
    expect(await replay({ ...threeHours, steps: 0 })).toEqual({
      status: 400,
      detail: '"steps" must be a whole number from 1 to 2016',
    })
  }, 60_000)

  it('says what it cannot do', async () => {
    expect((await replay({ rule: 'nobody' })).detail).toBe('there is no alert rule "nobody"')
    expect((await replay({ rule: { when: 'p95 >> 5' } })).detail).toContain('is not a comparison')
    expect((await replay({})).detail).toContain('send a rule as a JSON object')
    expect((await replay({ rule: 'known', from: 5, to: 4 })).detail).toBe('"from" must be before "to"')
  })

  it('prints what it found', async () => {
    const printed: string[] = []
    vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text))
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    try {
      await alertCommand().parseAsync(
        ['backtest', 'p95 > 300ms', '--consumer', 'bob', '--over', '5m', '--last', '80m', '--url', url],
        { from: 'user' },
      )
      await alertCommand().parseAsync(['backtest', 'p95 > 20s', '--over', '5m', '--last', '10m', '--url', url], {
        from: 'user',
      })
    } finally {
      vi.restoreAllMocks()
    }
    expect(printed[0]).toMatch(
      /^bob-p95-300ms \(p95 > 300ms\) would have fired once, for 1\d min in all, between .*, looked at every 5 s\n$/,
    )
    expect(printed[2]).toMatch(/p95 is .* above 300 ms/)
    expect(printed[2]).toMatch(
      /http:\/\/127\.0\.0\.1:\d+\/api\/v1\/calls\?direction=in&.*consumer=bob.*min_duration_ms=300/,
    )
    expect(printed.at(-1)).toMatch(/would not have fired between/)
  }, 60_000)
})
