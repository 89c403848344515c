import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usageQuestion } from '../../collector/src/aggregate/usage.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { quotaStandings } from '../../collector/src/judge/quota/standing.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { type Call, emptyStore, insertCalls, randomCalls } from './calls.ts'

const toMs = Math.floor(Date.now() / 1000) * 1000
const minutes = 60_000
const zoe = { ...randomCalls(3, 1, toMs, toMs + 1)[0]!, consumer: 'zoe', service: 'billing', direction: 'in' as const }
const calls = [
  ...randomCalls(1, 8000, toMs - 30 * minutes, toMs + minutes),
  ...randomCalls(2, 4000, toMs - 29 * 24 * 60 * minutes, toMs),
  // A consumer that is known by what its calls say of its plan, newest first.
  { ...zoe, atMs: toMs, plan: 'gold', weight: 7 },
  { ...zoe, atMs: toMs - 3 * minutes, plan: 'lead', weight: 3 },
]
let store: Store
let close: () => Promise<void>

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  for (let i = 0; i < calls.length; i += 1500) await insertCalls(store, calls.slice(i, i + 1500))
})
afterAll(() => close())

const weighed = (some: readonly Call[]) => some.reduce((sum, { weight }) => sum + weight, 0)

describe('quotas', () => {
  it('equal a recount by the calendar of each consumer, and by UTC for those the calls name', async () => {
    const { config } = parseConfig(
      `consumers:
  - { id: acme, plan: gold, time_zone: Pacific/Auckland }
  - { id: bob, plan: gold }
  - { id: idle, plan: gold, time_zone: America/Los_Angeles }
  - { id: carol }
plans:
  gold: { quotas: [{ name: monthly, limit: 1000, per: month }, { name: burst, limit: 5, per: 1m }] }
  lead: { quotas: [] }`,
      'test',
      {},
    )
    const standings = await quotaStandings(store, config!, toMs)
    const named = (name: string) => standings.filter(({ quota }) => quota.name === name)
    expect(
      named('monthly')
        .map(({ consumer }) => consumer)
        .sort(),
    ).toEqual(['acme', 'bob', 'idle', 'zoe'])
    for (const { consumer, period, used } of standings) {
      const mine = calls.filter((call) => {
        const minute = Math.floor(call.atMs / minutes) * minutes
        return (
          call.direction === 'in' && call.consumer === consumer && minute >= period.startMs && minute < period.endMs
        )
      })
      expect([consumer, used]).toEqual([consumer, weighed(mine)])
    }
    const start = (consumer: string) => named('monthly').find((one) => one.consumer === consumer)?.period.startMs
    const local = (timeZone: string) => {
      const format = new Intl.DateTimeFormat('en-GB', { timeZone, day: 'numeric', hour: 'numeric', minute: 'numeric' })
      return (ms: number | undefined) => format.format(ms)
    }
    expect(local('Pacific/Auckland')(start('acme'))).toBe('1, 00:00')
    expect(local('America/Los_Angeles')(start('idle'))).toBe('1, 00:00')
    expect(standings.some(({ consumer }) => consumer === 'carol')).toBe(false)
  })

  it('ask by id or by plan', async () => {
    const { sql, params } = usageQuestion(toMs - 60 * minutes, toMs + 60 * minutes, { consumers: ['dora'], plans: [] })
    const from = Math.floor((toMs - 60 * minutes) / minutes) * minutes
    const [row] = await store.query(sql, { ...params, from: from / 1000 })
    const mine = calls.filter(
      ({ direction, consumer, atMs }) => direction === 'in' && consumer === 'dora' && atMs >= from,
    )
    expect([row?.consumer, Number(row?.used)]).toEqual(['dora', weighed(mine)])
  })
})
