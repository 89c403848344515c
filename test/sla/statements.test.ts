import pino from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  badCallsQuestion,
  type SliceQuestion,
  type SliceSource,
  slicesQuestion,
} from '../../collector/src/aggregate/slices.ts'
import type { Config } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { MonthEnd } from '../../collector/src/judge/sla/monthend.ts'
import { Statements } from '../../collector/src/judge/sla/statements.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { setThresholds } from '../../collector/src/store/thresholds.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from '../judge/calls.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** A year whose calls outlive this test, whenever it runs. */
const year = new Date().getUTCFullYear() + 1

function configOf(text: string): Config {
  const { config, faults } = parseConfig(text, 'x', {})
  expect(faults).toEqual([])
  return config!
}

describe('slices', () => {
  let store: Store
  let close: () => Promise<void>
  const fromMs = Date.UTC(year, 2, 10, 7, 0)
  const toMs = fromMs + 5 * HOUR
  const calls = randomCalls(11, 6000, fromMs - HOUR, toMs + HOUR)
  const latency = 250_000

  beforeAll(async () => {
    ;({ store, close } = await emptyStore())
    await setThresholds(store, { objectives: [{ latencyBelowUs: latency }] as never })
    for (let i = 0; i < calls.length; i += 1500) await insertCalls(store, calls.slice(i, i + 1500))
  })
  afterAll(() => close())

  const objectives = configOf(`objectives:
  - { name: all, per: consumer, target: 99%, window: 1d }
  - { name: fast, per: consumer, target: 99%, window: 1d, service: shop, good: { latency_below: 250ms } }
  - { name: odd, per: consumer, target: 99%, window: 1d, operation: "GET /books*", failed: [client_error, aborted], not_counted: [timeout] }
`).objectives

  const isBad = (call: Call, name: string) => {
    if (name === 'odd') return call.outcome === 'client_error' || call.outcome === 'aborted'
    if (call.outcome === 'server_error' || call.outcome === 'timeout') return true
    return name === 'fast' && call.durationUs >= latency
  }
  const isCounted = ({ outcome }: Call, name: string) => outcome !== (name === 'odd' ? 'timeout' : 'aborted')
  const isAbout = ({ service, operation }: Call, name: string) => {
    return (name !== 'fast' || service === 'shop') && (name !== 'odd' || operation.startsWith('GET /books'))
  }

  const sources: SliceSource[] = ['calls', 'calls_1m', 'calls_15m']
  const cases = objectives.flatMap((objective) =>
    sources.flatMap((source) =>
      [false, true].map((byOperation) => ({ name: objective.name, objective, source, byOperation })),
    ),
  )

  it.each(cases)('of $name are those of a plain recount, from $source, by operation: $byOperation', async (one) => {
    const { objective, source, byOperation, name } = one
    const sliceMs = source === 'calls_15m' ? 30 * MINUTE : 5 * MINUTE
    const excluded = [
      { startMs: fromMs + 45 * MINUTE, endMs: fromMs + 75 * MINUTE },
      { startMs: fromMs + 3 * HOUR, endMs: fromMs + 4 * HOUR },
    ]
    const about: SliceQuestion = { objective, consumer: 'acme', anchorMs: fromMs, sliceMs, byOperation, excluded }
    const { sql, params } = slicesQuestion(about, { source, fromMs, toMs })
    const found = (await store.query(sql, params)).map((row) => [
      `${row.slice} ${row.operation_name} ${row.excluded_time}`,
      Number(row.total),
      Number(row.bad),
    ])
    const plain = new Map<string, [number, number]>()
    for (const call of calls) {
      const { atMs, consumer, direction, weight } = call
      if (consumer !== 'acme' || direction !== 'in' || atMs < fromMs || atMs >= toMs) continue
      if (!isAbout(call, name) || !isCounted(call, name)) continue
      const slice = (fromMs + Math.floor((atMs - fromMs) / sliceMs) * sliceMs) / 1000
      const out = excluded.some(({ startMs, endMs }) => startMs <= atMs && atMs < endMs)
      const key = `${slice} ${byOperation ? call.operation : ''} ${Number(out)}`
      const [total, bad] = plain.get(key) ?? [0, 0]
      plain.set(key, [total + weight, bad + (isBad(call, name) ? weight : 0)])
    }
    expect(plain.size).toBeGreaterThan(10)
    expect(found.toSorted()).toEqual([...plain].map(([key, [total, bad]]) => [key, total, bad]).toSorted())
  })

  it('show a few bad calls of each, none of excluded time', async () => {
    const [, objective] = objectives
    const excluded = [{ startMs: fromMs, endMs: fromMs + 15 * MINUTE }]
    const about = {
      objective: objective!,
      consumer: 'acme',
      anchorMs: fromMs,
      sliceMs: 30 * MINUTE,
      byOperation: false,
      excluded,
    }
    const starts = [fromMs, fromMs + 30 * MINUTE]
    const { sql, params } = badCallsQuestion(about, starts, { fromMs, toMs })
    const rows = await store.query(sql, params)
    expect(rows.map(({ slice }) => Number(slice) * 1000)).toEqual(starts.flatMap((ms) => [ms, ms, ms]))
    expect(limits.slaSamples).toBe(3)
    const bad = calls.filter((call) => call.consumer === 'acme' && isAbout(call, 'fast') && isBad(call, 'fast'))
    expect(bad.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 15 * MINUTE).length).toBeGreaterThan(3)
  })
})

/** The contracts' worked examples, each an objective of its own and a service of its own. */
const examples = configOf(`
consumers:
  - { id: acme, name: Acme Corp, time_zone: UTC }
  - { id: idle }
objectives:
  - name: gateway
    service: gateway
    per: consumer
    target: 99.95%
    window: 30d
    contract: { formula: aws, credits: [{ below: 99.95%, credit: 10% }, { below: 99%, credit: 25% }, { below: 95%, credit: 100% }] }
  - name: voice
    service: voice
    per: consumer
    target: 99.95%
    window: 30d
    exclude: [{ from: "${year}-09-07T10:20Z", to: "${year}-09-07T11:00Z", reason: announced }]
    contract: { formula: twilio, unavailable_below: 95%, credits: [{ below: 99.95%, credit: 10% }] }
  - name: payments
    service: payments
    per: consumer
    good: { latency_below: 7000001us }
    target: 99.9%
    window: 30d
    exclude: [{ from: "${year}-09-03T04:00Z", to: "${year}-09-03T05:00Z", reason: maintenance }]
    contract: { formula: google }
`)

const september = Date.UTC(year, 8, 1)
const month = `${year}-09`
/** A day and a minute after the month, when it is closed. */
const after = Date.UTC(year, 9, 2, 0, 1)

function workedExamples(): Partial<Call>[] {
  const call = (service: string, atMs: number, more: Partial<Call> = {}) => ({ service, atMs, ...more })
  const bad = { outcome: 'server_error' as const }
  const calls: Partial<Call>[] = []
  // AWS: half of the calls of an hour failed: (8640 - 12 * 0.5) / 8640 = 99.930555… %, 10 %.
  for (let i = 0; i < 12; i++) {
    const atMs = september + 12 * HOUR + i * 5 * MINUTE
    calls.push(call('gateway', atMs, { weight: i + 1 }), call('gateway', atMs + 299_999, { weight: i + 1, ...bad }))
  }
  // Twilio: 30 minutes down, 10 of them announced: (43200 - 30 + 10) / 43200 = 99.953703… %, kept.
  for (let i = 0; i < 30; i++) {
    calls.push(call('voice', Date.UTC(year, 8, 7, 10, i), { weight: 50, ...bad }))
    calls.push(call('voice', Date.UTC(year, 8, 7, 12, i), { weight: 50 }))
  }
  // Google: in the hour at 10:00 UTC 2000 captures, 2 of them slower than 7 s: exactly 99.9 %; refunds are few, so the day
  // counts: 1 of 400 timed out, 99.75 %. A night of maintenance is ignored.
  const at = (hour: number) => Date.UTC(year, 8, 3, hour, 30)
  calls.push(
    call('payments', at(10), { operation: 'capture', weight: 1998, durationUs: 7_000_000 }),
    call('payments', at(10), { operation: 'capture', weight: 2, durationUs: 7_000_001 }),
    call('payments', at(10), { operation: 'refund', weight: 199 }),
    call('payments', at(16), { operation: 'refund', weight: 200 }),
    call('payments', at(16), { operation: 'refund', outcome: 'timeout' }),
    call('payments', at(4), { operation: 'refund', weight: 5000, ...bad }),
  )
  return calls.map((one, i) => ({ ...one, traceId: i.toString(16).padStart(32, '0') }))
}

describe('statements', () => {
  let store: Store
  let close: () => Promise<void>
  let config = examples
  let now = after
  let statements: Statements

  beforeAll(async () => {
    ;({ store, close } = await emptyStore())
    await setThresholds(store, config)
    await insertCalls(store, workedExamples())
    statements = new Statements({ store, config: () => config, now: () => now })
  })
  afterAll(() => close())

  it('reproduce the worked examples of the contracts', async () => {
    const { statements: found, missing } = await statements.ofMonth('acme', month)
    expect(missing).toEqual([])
    const told = found.map(({ version, document: { objective, attained, met, credit, final } }) => {
      return { version, objective, attained, met, credit, final }
    })
    expect(told).toEqual([
      { version: 1, objective: 'gateway', attained: '99.930555%', met: false, credit: '10%', final: true },
      { version: 1, objective: 'voice', attained: '99.953703%', met: true, credit: null, final: true },
      { version: 1, objective: 'payments', attained: '99.75%', met: false, credit: null, final: true },
    ])
    const [gateway, voice, payments] = found.map(({ document }) => document)
    expect(gateway!.bad_slices).toHaveLength(12)
    expect(gateway!.bad_slices[0]).toEqual({
      from: `${year}-09-01T12:00Z`,
      to: `${year}-09-01T12:05Z`,
      calls: 2,
      bad: 1,
      trace_ids: ['00000000000000000000000000000001'],
    })
    expect(voice!.slices).toEqual({ all: 43_200, counted: 43_200, empty: 43_140, faulty: 30, forgiven: 10 })
    expect(voice!.excluded).toEqual([{ from: `${year}-09-07T10:20Z`, to: `${year}-09-07T11:00Z`, reason: 'announced' }])
    expect(voice!.calls).toEqual({ judged: 2500, bad: 1000, excluded: 500, excluded_bad: 500 })
    expect(payments!.bad_slices).toMatchObject([
      { from: `${year}-09-03T00:00Z`, to: `${year}-09-04T00:00Z`, operation: 'refund', calls: 400, bad: 1 },
    ])
    expect(payments!.bad_slices[0]!.trace_ids).toHaveLength(1)
  })

  it('of a consumer without calls say that nothing was asked of the provider', async () => {
    const { statements: found } = await statements.ofMonth('idle', month)
    expect(found.map(({ document: { attained, met, credit } }) => ({ attained, met, credit }))).toEqual([
      { attained: '100.00%', met: true, credit: null },
      { attained: '100.00%', met: true, credit: null },
      { attained: null, met: null, credit: null },
    ])
  })

  it('are versions: an unchanged recount makes none, a late call makes one, and the old one stays', async () => {
    const versions = async () =>
      store.query(
        "SELECT version, final, checksum = lower(hex(SHA256(statement))) AS sealed FROM sla_statements WHERE consumer = 'acme' AND objective = 'gateway' ORDER BY version",
      )
    expect((await statements.recompute('acme', month, 'gateway')).statements[0]!.version).toBe(1)
    expect(await versions()).toEqual([{ version: 1, final: true, sealed: 1 }])

    await insertCalls(store, [{ service: 'gateway', atMs: september, outcome: 'timeout', traceId: 'f'.repeat(32) }])
    // Nobody asked for it to be made anew.
    expect((await statements.ofMonth('acme', month, 'gateway')).statements[0]).toMatchObject({ version: 1 })
    const [second] = (await statements.recompute('acme', month, 'gateway')).statements
    // (8640 - 6 - 1) / 8640
    expect(second).toMatchObject({ version: 2, document: { attained: '99.918981%' } })
    expect((await statements.ofMonth('acme', month, 'gateway')).statements[0]).toEqual(second)
    const [first] = (await statements.version('acme', month, 1, 'gateway')).statements
    expect(first).toMatchObject({ version: 1, document: { attained: '99.930555%' } })
    expect(await versions()).toEqual([
      { version: 1, final: true, sealed: 1 },
      { version: 2, final: true, sealed: 1 },
    ])
    await expect(statements.version('acme', month, 7)).rejects.toThrow(`there is no version 7 for acme in ${month}`)
  })

  it('stay as they are when the terms change, until they are made anew', async () => {
    const lower = structuredClone(config) as typeof config
    ;(lower.objectives[0]!.target as { text: string; numerator: number }).text = '99.9%'
    ;(lower.objectives[0]!.target as { text: string; numerator: number }).numerator = 9990
    const before = config
    config = lower
    expect((await statements.ofMonth('acme', month, 'gateway')).statements[0]).toMatchObject({ version: 2 })
    const [third] = (await statements.recompute('acme', month, 'gateway')).statements
    expect(third).toMatchObject({ version: 3, document: { terms: { target: '99.9%' }, met: true } })
    config = before
  })

  it('of a month that is not over are provisional, and kept only when asked to', async () => {
    const open = statements
    await expect(open.ofMonth('idle', `${year}-10`, 'voice')).resolves.toMatchObject({ missing: [] })
    now = Date.UTC(year, 8, 30, 23, 59)
    await expect(open.ofMonth('idle', `${year}-10`, 'voice')).rejects.toThrow(`${year}-10 has not begun in UTC`)
    now = after
    await insertCalls(store, [{ service: 'voice', atMs: Date.UTC(year, 9, 1, 0, 5), outcome: 'timeout' }])
    now = Date.UTC(year, 9, 1, 0, 10, 30)
    const [october] = (await open.ofMonth('acme', `${year}-10`, 'voice')).statements
    // (10 - 1) / 10 minutes
    expect(october).toMatchObject({
      version: null,
      madeMs: null,
      document: { final: false, attained: '90.00%', judged_until: `${year}-10-01T00:10Z` },
    })
    const [kept] = (await open.recompute('acme', `${year}-10`, 'voice')).statements
    expect(kept).toMatchObject({ version: 1, document: { final: false } })
    // The month is over, and its statement is another one.
    now = Date.UTC(year, 10, 2, 0, 1)
    expect((await open.ofMonth('acme', `${year}-10`, 'voice')).statements[0]).toMatchObject({
      version: 2,
      document: { final: true, attained: '99.997759%' },
    })
    now = after
  })
})

/** Without calls and statements. */
async function emptied(store: Store): Promise<void> {
  for (const table of ['calls', 'calls_1m', 'calls_15m', 'sla_statements'])
    await store.command(`TRUNCATE TABLE ${table}`)
}

describe('a statement', () => {
  let store: Store
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ store, close } = await emptyStore())
    await setThresholds(store, examples)
  })
  beforeEach(() => emptied(store))
  afterAll(() => close())

  it('is the same bytes from the same calls, in whatever order and when they came', async () => {
    const made = async (blocks: Partial<Call>[][], madeMs: number) => {
      await emptied(store)
      for (const block of blocks) await insertCalls(store, block)
      const statements = new Statements({ store, config: () => examples, now: () => madeMs })
      const { statements: found } = await statements.ofMonth('acme', month)
      const texts = await store.query('SELECT objective, checksum, statement FROM sla_statements ORDER BY objective')
      return { checksums: found.map(({ checksum }) => checksum), texts }
    }
    const calls = workedExamples()
    const mixed = calls.toReversed()
    const first = await made([calls], after)
    expect(await made([mixed.slice(0, 31), mixed.slice(31)], after + 3 * DAY)).toEqual(first)
    expect(new Set(first.checksums).size).toBe(3)
  })

  it('is not made anew from what is left when calls are gone, nor for traces that are', async () => {
    let now = after
    await insertCalls(store, [...workedExamples(), { atMs: Date.UTC(year, 1, 1), service: 'other' }])
    const kept = new Statements({ store, config: () => examples, now: () => now })
    const [first] = (await kept.ofMonth('acme', month, 'voice')).statements
    expect(first!.document).toMatchObject({ first_call_in_store: null, calls: { judged: 2500 } })
    await store.command('TRUNCATE TABLE calls')
    await store.command(`ALTER TABLE calls_15m DELETE WHERE service = 'other' SETTINGS mutations_sync = 1`)
    expect((await kept.recompute('acme', month, 'voice')).statements[0]).toEqual(first)
    await store.command('TRUNCATE TABLE calls_1m')
    await expect(kept.recompute('acme', month, 'voice')).rejects.toThrow(
      `${month} of acme is not made anew for voice: the store has 0 calls of it, and version 1 was made from 3000`,
    )
    now = after + 120 * DAY
    await expect(kept.recompute('acme', month, 'voice')).rejects.toThrow(
      `${month} of acme cannot be counted for voice: calls by minute are kept for 90d (retention.minutes)`,
    )
    expect((await kept.ofMonth('acme', month, 'voice')).statements[0]).toEqual(first)
  })

  it('says from when on calls were recorded, and is not made of a month nothing is known of', async () => {
    const statements = new Statements({ store, config: () => examples, now: () => after })
    await expect(statements.ofMonth('acme', month, 'voice')).rejects.toThrow(
      `nothing is known of ${month}: the store has no call from before ${year}-10-01 00:00 UTC`,
    )
    await insertCalls(store, [{ atMs: september + DAY + 20 * MINUTE, consumer: 'somebody' }])
    const [voice] = (await statements.ofMonth('acme', month, 'voice')).statements
    expect(voice!.document.first_call_in_store).toBe(`${year}-09-02T00:15Z`)
    await expect(statements.ofMonth('acme', `${year}-08`, 'voice')).rejects.toThrow(`nothing is known of ${year}-08`)
  })
})

describe('a latency that is counted since a while', () => {
  let store: Store
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ store, close } = await emptyStore())
  })
  afterAll(() => close())

  it('is counted from single calls before, and from the roll-ups since', async () => {
    const since = september + 9 * DAY + 7 * MINUTE + 30_000
    const some = randomCalls(5, 3000, since - 6 * HOUR, since + 6 * HOUR)
    // In the minute that only the single calls know in whole.
    const close = {
      ...some[0]!,
      direction: 'in' as const,
      consumer: 'acme',
      outcome: 'ok' as const,
      atMs: since + 10_000,
    }
    const calls = [...some, { ...close, durationUs: 50_000 }, { ...close, durationUs: 30_000 }].map((call) => {
      return { ...call, service: 'shop' }
    })
    const us = 40_000
    const config = configOf(`objectives:
  - { name: fast, per: consumer, target: 99%, window: 30d, service: shop, good: { latency_below: 40ms }, contract: { formula: twilio, unavailable_below: 60% } }
  - { name: share, per: consumer, target: 99%, window: month, service: shop, good: { latency_below: 40ms } }
`)
    // Before, the roll-ups do not know the latency: every call of theirs would be slow.
    await insertCalls(
      store,
      calls.filter(({ atMs }) => atMs < since),
    )
    const row = { us, since: new Date(since).toISOString().replace('T', ' ').slice(0, -1), removed: false }
    await store.insert('thresholds', [row], 'here')
    await insertCalls(
      store,
      calls.filter(({ atMs }) => atMs >= since),
    )
    const statements = new Statements({ store, config: () => config, now: () => since + 6 * HOUR + 5 * MINUTE })
    const { statements: found } = await statements.ofMonth('acme', month)
    const own = calls.filter((call) => {
      return call.consumer === 'acme' && call.direction === 'in' && call.outcome !== 'aborted'
    })
    const isBad = ({ outcome, durationUs }: Call) =>
      outcome === 'server_error' || outcome === 'timeout' || durationUs >= us
    const weight = (some: readonly Call[]) => some.reduce((sum, call) => sum + call.weight, 0)
    const [fast, share] = found.map(({ document }) => document)
    expect(share!.calls).toMatchObject({ judged: weight(own), bad: weight(own.filter(isBad)) })
    const minutes = new Map<number, Call[]>()
    for (const call of own) {
      const minute = Math.floor(call.atMs / MINUTE)
      minutes.set(minute, [...(minutes.get(minute) ?? []), call])
    }
    const down = [...minutes.values()].filter((some) => weight(some.filter(isBad)) * 10 > weight(some) * 4)
    expect(fast!.slices.faulty).toBe(down.length)
    expect(down.length).toBeGreaterThan(20)

    const later = new Statements({ store, config: () => config, now: () => september + 32 * DAY })
    await expect(later.ofMonth('acme', month, 'fast')).rejects.toThrow(
      `${month} of acme cannot be counted for fast: calls under 40ms were not counted before ${year}-09-10 00:08 UTC, and single calls are kept for 30d (retention.calls)`,
    )
  })
})

describe('months', () => {
  let store: Store
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ store, close } = await emptyStore())
  })
  beforeEach(() => emptied(store))
  afterAll(() => close())

  // March of Berlin has 743 hours, October 745.
  it.each([
    ['03', `${year}-02-${year % 4 === 0 ? 29 : 28}T23:00Z`, `${year}-03-31T22:00Z`, 743],
    ['10', `${year}-09-30T22:00Z`, `${year}-10-31T23:00Z`, 745],
  ])('are those of the consumer, with daylight saving: %s', async (number, start, end, hours) => {
    const config = configOf(`
consumers: [{ id: acme, time_zone: Europe/Berlin }]
objectives:
  - { name: minutes, per: consumer, target: 99%, window: 30d, contract: { formula: twilio, unavailable_below: 50% } }
  - { name: slices, per: consumer, target: 99%, window: 30d, contract: { formula: aws } }
  - { name: plain, per: consumer, target: 50%, window: month }
`)
    const [first, last] = [Date.parse(start), Date.parse(end)]
    const bad = { outcome: 'server_error' as const }
    // Outside: a millisecond before and at the end. Inside: the first and the last.
    const calls = [first - 1, first, last - 1, last].map((atMs) => ({ atMs, ...bad }))
    await insertCalls(store, [...calls, { atMs: first + DAY, weight: 2 }])
    const statements = new Statements({ store, config: () => config, now: () => last + 25 * HOUR })
    const { statements: found } = await statements.ofMonth('acme', `${year}-${number}`)
    const [minutes, slices, plain] = found.map(({ document }) => document)
    expect(minutes).toMatchObject({ period_start: start, period_end: end, time_zone: 'Europe/Berlin' })
    expect(minutes!.slices).toMatchObject({ all: hours * 60, faulty: 2 })
    expect(slices!.slices).toMatchObject({ all: hours * 12, faulty: 2 })
    expect(slices!.bad_slices.map(({ from, to }) => [Date.parse(from), Date.parse(to)])).toEqual([
      [first, first + 5 * MINUTE],
      [last - 5 * MINUTE, last],
    ])
    expect(plain).toMatchObject({ attained: '50.00%', met: true, calls: { judged: 4, bad: 2 } })
  })

  it('close by themselves a day after their end, each once, over restarts', async () => {
    const config = configOf(`
consumers: [{ id: acme, time_zone: Europe/Berlin }, { id: idle }]
objectives:
  - { name: mine, per: consumer, target: 99%, window: 30d, contract: { formula: calls } }
  - { name: without, per: consumer, target: 99%, window: 30d }
`)
    const middle = Date.UTC(year, 8, 15)
    await insertCalls(store, [{ atMs: middle }, { atMs: middle, consumer: 'bob', outcome: 'timeout' }])
    let now = Date.UTC(year, 9, 1, 22, 0)
    const log = pino({ level: 'silent' })
    const restart = () => {
      const statements = new Statements({ store, config: () => config, now: () => now })
      return new MonthEnd({ store, statements, config: () => config, log, now: () => now })
    }
    const kept = async () =>
      (
        await store.query(
          'SELECT consumer, objective, toString(month) AS month, version FROM sla_statements ORDER BY ALL',
        )
      ).map((row) => Object.values(row).join(' '))
    const of = (consumer: string) => `${consumer} mine ${year}-09-01 1`
    let monthEnd = restart()
    await monthEnd.close()
    // A day after midnight in Berlin, not yet in UTC; and of August nothing is known.
    expect(await kept()).toEqual([of('acme')])
    now += 2 * HOUR
    await monthEnd.close()
    expect(await kept()).toEqual([of('acme'), of('bob'), of('idle')])
    monthEnd = restart()
    await monthEnd.close()
    await monthEnd.close()
    expect(await kept()).toHaveLength(3)
  })

  it('go on after one that failed', async () => {
    const config = configOf(`
consumers: [{ id: acme }, { id: idle }]
objectives: [{ name: mine, per: consumer, target: 99%, window: 30d, contract: { formula: calls } }]
`)
    let broken = true
    const failing: Store = Object.assign(Object.create(store) as Store, {
      insert: (table: string, rows: readonly Record<string, unknown>[], token: string) => {
        if (broken && rows[0]?.consumer === 'acme') return Promise.reject(new Error('the engine is away'))
        return store.insert(table, rows, token)
      },
      query: (sql: string, params?: Record<string, unknown>) => store.query(sql, params),
    })
    const now = () => after
    const statements = new Statements({ store: failing, config: () => config, now })
    await insertCalls(store, [{ atMs: september, consumer: 'acme' }])
    const monthEnd = new MonthEnd({
      store: failing,
      statements,
      config: () => config,
      log: pino({ level: 'silent' }),
      now,
    })
    const kept = async () =>
      (await store.query('SELECT consumer FROM sla_statements ORDER BY consumer')).map((row) => row.consumer)
    await monthEnd.close()
    expect(await kept()).toEqual(['idle'])
    broken = false
    await monthEnd.close()
    expect(await kept()).toEqual(['acme', 'idle'])
  })
})
