import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { upstreamReadings } from '../../collector/src/judge/upstream/reading.ts'
import { type UpstreamStanding, upstreamStandings } from '../../collector/src/judge/upstream/standing.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { randomly } from '../random.ts'
import { emptyStore } from './calls.ts'

const minutes = 60_000
const hours = 60 * minutes
const now = Math.floor(Date.now() / hours) * hours + 40 * minutes

interface Word {
  tsMs: number
  env: string
  service: string
  peer: string
  peerPort: number
  policy: string
  unit: string
  dialect: string
  allowed: number | null
  remaining: number | null
  resetsMs: number | null
  windowS: number | null
  retryMs: number | null
  calls: number
  refused: number
}

const word: Word = {
  tsMs: now,
  env: 'prod',
  service: 'shop',
  peer: 'api.github.com',
  peerPort: 443,
  policy: 'core',
  unit: '',
  dialect: 'x-ratelimit',
  allowed: 5000,
  remaining: 4000,
  resetsMs: now + 20 * minutes,
  windowS: null,
  retryMs: null,
  calls: 1,
  refused: 0,
}

/** Anything, of few quotas, over ten days. */
function randomWords(seed: number, number: number): Word[] {
  const next = randomly(seed)
  const one = <T>(...list: T[]): T => list[Math.floor(next() * list.length)]!
  return Array.from({ length: number }, () => {
    const tsMs = Math.round(now - next() ** 4 * 10 * 24 * hours)
    return {
      tsMs,
      env: one('prod', 'test'),
      service: one('billing', 'search'),
      peer: one('a.example', 'b.example'),
      peerPort: one(443, 8443),
      policy: one('', 'burst', 'daily'),
      unit: one('', 'requests', 'tokens'),
      dialect: one('none', 'ratelimit', 'x-ratelimit'),
      allowed: one(null, 100, 2 ** 40),
      remaining: one(null, 0, 17, 99),
      resetsMs: one(null, tsMs + 1000, tsMs + 3 * hours),
      windowS: one(null, 60, 86_400),
      retryMs: one(null, null, tsMs + 30_000),
      calls: one(1, 7),
      refused: one(0, 0, 1),
    }
  })
}

const words = randomWords(15, 3000)
/** A quota of an hour, half of it used evenly in its first 40 minutes, in words of every minute. */
const even = Array.from({ length: 41 }, (_, minute) => ({
  ...word,
  tsMs: now - (40 - minute) * minutes,
  // Told as seconds from now, as many do: a moment that moves by the second it is rounded to.
  resetsMs: now + 20 * minutes + (minute % 3) * 500,
  remaining: 5000 - minute * 100,
}))
/** The hour before, of which nothing may be counted now. */
const before = Array.from({ length: 30 }, (_, minute) => ({
  ...word,
  tsMs: now - (75 - minute) * minutes,
  resetsMs: now - 40 * minutes,
  remaining: 5000 - minute * 160,
}))

let store: Store
let close: () => Promise<void>
let standings: UpstreamStanding[]

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  const rows = [...words, ...even, ...before].map((one) => ({
    ts: timeText(one.tsMs),
    env: one.env,
    service: one.service,
    instance: 'i1',
    peer: one.peer,
    peer_port: one.peerPort,
    policy: one.policy,
    unit: one.unit,
    dialect: one.dialect,
    allowed: one.allowed,
    remaining: one.remaining,
    resets_at: one.resetsMs === null ? null : timeText(one.resetsMs),
    window_s: one.windowS,
    retry_at: one.retryMs === null ? null : timeText(one.retryMs),
    calls: one.calls,
    refused: one.refused,
  }))
  await store.insert('upstream_limits', rows, 'words')
  standings = await upstreamStandings((sql, params) => store.ask(sql, params), now)
})
afterAll(() => close())

const keyOf = (one: { env: string; service: string; peer: string; peerPort: number; policy: string }) =>
  [one.env, one.service, one.peer, one.peerPort, one.policy].join(' ')

describe('quotas at other servers', () => {
  it('stand as the newest word that tells each thing says, by a plain look at all words', () => {
    const groups = new Map<string, Word[]>()
    for (const one of [...words, ...even, ...before]) {
      if (one.tsMs >= now - limits.upstreamSeenMs) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
    }
    expect(standings.map(keyOf).sort()).toEqual([...groups.keys()].sort())
    expect(groups.size).toBeGreaterThan(40)
    for (const standing of standings) {
      const own = groups.get(keyOf(standing))!.sort((a, b) => b.tsMs - a.tsMs)
      const newest = <K extends keyof Word>(field: K) => own.find((one) => one[field] !== null)?.[field] ?? null
      const named = own.find(({ dialect }) => dialect !== 'none')
      const last = own.filter(({ tsMs }) => tsMs >= now - hours)
      const retry = Math.max(0, ...own.map(({ retryMs }) => retryMs ?? 0))
      expect(standing).toMatchObject({
        seenMs: own[0]!.tsMs,
        allowed: newest('allowed'),
        resetsMs: newest('resetsMs'),
        windowS: newest('windowS'),
        retryMs: retry > now ? retry : null,
        dialect: named?.dialect ?? '',
        unit: named?.unit ?? '',
        calls: last.reduce((sum, { calls }) => sum + calls, 0),
        refused: last.reduce((sum, { refused }) => sum + refused, 0),
      })
    }
  })

  it('come to what they come to when they go on as in this window, whatever the last one was', () => {
    const { used, remaining, usedRatio, state, forecast } = standings.find(({ policy }) => policy === 'core')!
    expect({ used, remaining, usedRatio, state }).toEqual({
      used: 4000,
      remaining: 1000,
      usedRatio: 0.8,
      state: 'near',
    })
    const { end, exhaustedAtMs } = forecast!
    expect(Math.abs(end.middle - 6000)).toBeLessThan(2)
    expect(end.low).toBeLessThan(6000)
    expect(end.high).toBeGreaterThan(6000)
    expect(Math.abs(exhaustedAtMs!.middle - (now + 10 * minutes))).toBeLessThan(1000)
    expect(exhaustedAtMs!.low).toBeLessThan(exhaustedAtMs!.middle)
    expect(exhaustedAtMs!.high).toBeGreaterThan(exhaustedAtMs!.middle)
  })

  it('are read by alerts as shares, by service, server and quota', () => {
    const readings = upstreamReadings(standings)
    const core = readings.find(({ labels }) => labels.policy === 'core')!
    expect(core.labels).toEqual({ service: 'shop', peer: 'api.github.com', policy: 'core' })
    expect(core.used).toBe(0.8)
    expect(core.forecast).toBeCloseTo(1.2, 2)
    const names = readings.map(({ labels }) => JSON.stringify(labels))
    expect(new Set(names).size).toBe(names.length)
    for (const { labels, used } of readings) {
      const own = standings.filter((one) => one.peer === labels.peer && one.service === labels.service)
      const ratios = own.filter(({ policy }) => policy === labels.policy).map(({ usedRatio }) => usedRatio ?? 0)
      expect(used).toBe(Math.max(...ratios))
    }
  })
})
