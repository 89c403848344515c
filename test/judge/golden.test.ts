import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { Config } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { ratio } from '../../collector/src/config/share.ts'
import { surelyAbove } from '../../collector/src/judge/alert/confidence.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { emptyStore, insertCalls } from './calls.ts'
import { type Arrival, bursty, clocksBack, type Day, days, outage, seasonal, slow, sparse } from './days.ts'
import { type RawCall, recount } from './recount.ts'

/*
 * Whole days of calls, judged as they arrive, moment by moment. What was judged is committed: a change of it has to be
 * meant. Budgets and uses are held against a plain recount of the calls as well.
 */

const log = pino({ level: 'silent' })
const second = 1000
const minute = 60 * second
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Judged {
  config: Config
  /** What people would be told: moment, rule or quota, state, whom it is about. */
  told: { at: string; atMs: number; rule: string; state: string; labels: Record<string, string> }[]
  judge: Judge
}

async function lived(day: Day): Promise<Judged> {
  const { config, faults } = parseConfig(day.config, day.name, {})
  expect(faults).toEqual([])
  const { store, close } = await emptyStore()
  closing.push(close)
  let nowMs = day.fromMs
  const judge = new Judge({ store, config: config!, log, externalUrl: () => 'http://collector', now: () => nowMs })
  closing.push(() => judge.stop())
  let next = 0
  const live = async () => {
    const from = next
    while (next < day.calls.length && day.calls[next]!.arrivesMs <= nowMs) next++
    if (next > from) await insertCalls(store, day.calls.slice(from, next))
    // Whatever a judgement takes on this machine, the next one is due.
    judge.setConfig(config!)
    await judge.judgeObjectives()
    await judge.judgeQuotas()
    await judge.judgeAlerts()
  }
  for (; nowMs <= day.toMs; nowMs += day.stepMs(nowMs)) await live()
  // What is late is in by then: days that changed are counted again each minute.
  nowMs = Math.max(day.toMs, day.calls.at(-1)!.arrivesMs)
  for (let i = 0; i < 4; i++) {
    nowMs += minute
    await live()
  }
  const rows = await store.query(
    `SELECT toUnixTimestamp64Milli(ts) AS ms, rule, toString(state) AS state, labels FROM alert_events
     WHERE state IN ('firing', 'resolved', 'nodata', 'error') ORDER BY ts, rule, labels`,
  )
  const told = rows.map(({ ms, rule, state, labels }) => {
    const at = new Date(Number(ms)).toISOString()
    return { at, atMs: Number(ms), rule: String(rule), state: String(state), labels: labels as Record<string, string> }
  })
  return { config: config!, told, judge }
}

/** What is committed of a day. */
function document({ told, judge }: Judged) {
  const rounded = (value: number | null) => (value === null ? null : Number(value.toPrecision(9)))
  return {
    told: told.map(({ atMs: _, ...one }) => one),
    objectives: judge.objectives().map(({ objective, consumer, counts, verdict }) => ({
      objective: objective.name,
      consumer,
      calls: counts.calls,
      bad: counts.badCalls,
      attainment: rounded(verdict.attainment),
      met: verdict.met,
      budget_left: rounded(verdict.budgetLeft),
      burning: verdict.burns.filter(({ burning }) => burning).map(({ severity }) => severity),
    })),
    quotas: judge.quotas().map(({ quota, consumer, period, used, state }) => ({
      quota: quota.name,
      consumer,
      from: new Date(period.startMs).toISOString(),
      to: new Date(period.endMs).toISOString(),
      used,
      state,
    })),
  }
}

function expectRecounted({ judge, config }: Judged, day: Day): void {
  const raw = day.calls.map((call): RawCall => ({ ...call, status: 0 }))
  for (const { objective, consumer, atMs, timeZone, counts } of judge.objectives()) {
    const mine = raw.filter((call) => consumer === '' || call.consumer === consumer)
    const { recent, ...whole } = recount(objective, timeZone, mine, atMs)
    expect(counts, `${objective.name} ${consumer}`).toMatchObject({ ...whole, recent })
  }
  for (const { quota, consumer, period, used } of judge.quotas()) {
    const mine = day.calls.filter((call) => call.consumer === consumer && call.direction === 'in')
    const within = mine.filter(({ atMs }) => atMs >= period.startMs && atMs < period.endMs)
    expect(used, `${quota.name} ${consumer}`).toBe(within.length)
  }
  expect(judge.objectives().length).toBeGreaterThanOrEqual(config.objectives.length)
}

describe.each(days.map((make) => [make.name, make] as const))('the day %s', (_, make) => {
  it('is judged as it was, and as a recount says', { timeout: 300_000 }, async () => {
    const day = make()
    const judged = await lived(day)
    expectRecounted(judged, day)
    const { told } = judged
    const fired = (rule: string) => told.filter((one) => one.rule === rule && one.state === 'firing')
    if (make === seasonal || make === sparse || make === clocksBack)
      expect(told.filter(({ rule }) => !rule.startsWith('quota'))).toEqual([])
    if (make === outage) {
      const firstMs = day.calls.find(({ outcome }) => outcome === 'server_error')!.atMs
      const [page] = fired('available burn_rate page')
      expect((page!.atMs - firstMs) / second).toBeLessThanOrEqual(75)
      expect(fired('errors')).toHaveLength(1)
      expect(told.at(-1)!.state).toBe('resolved')
    }
    if (make === slow) {
      const [breach] = fired('slow')
      expect((breach!.atMs - evidenceMs(day)) / second).toBeLessThanOrEqual(15)
      expect(told.filter(({ rule }) => rule === 'slow').map(({ state }) => state)).toEqual(['firing', 'resolved'])
    }
    if (make === bursty) expect(fired('errors')).toHaveLength(1)
    const file = fileURLToPath(new URL(`golden/${day.name}.json`, import.meta.url))
    await expect(`${JSON.stringify(document(judged), undefined, 2)}\n`).toMatchFileSnapshot(file)
  })
})

/** The first second in which the calls that ended show what the rule asks for: p95 above 300 ms, surely. */
function evidenceMs({ calls, config, fromMs, toMs }: Day): number {
  const { config: read } = parseConfig(config, '', {})
  const rule = read!.alerts.find(({ name }) => name === 'slow')!
  const ends = calls.map((call: Arrival) => ({
    endMs: call.atMs + call.durationUs / 1000,
    slow: call.durationUs > 300_000,
  }))
  for (let at = fromMs; at < toMs; at += second) {
    const window = ends.filter(({ endMs }) => endMs >= at - rule.overMs && endMs < at)
    const part = window.filter(({ slow }) => slow).length
    if (window.length < rule.minCalls || part / window.length <= 1 - ratio(rule.when.percentile!.share)) continue
    if (surelyAbove(part, window.length, { numerator: 5, denominator: 100 }, rule.confidence!)) return at
  }
  throw new Error('the day has no breach')
}
