import { setImmediate as breathe } from 'node:timers/promises'
import { usageHoursQuestion } from '../../aggregate/usagehours.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import type { Allowance } from './allowance.ts'
import { backtest, hoursOfWeekFrom, type Rhythm, rhythmOf } from './forecast.ts'
import { quotaPeriod } from './period.ts'
import { meteredKey } from './usage.ts'

const HOUR = 3600_000
const HISTORY = limits.forecastWeeks * 168

interface Known extends Rhythm {
  readonly errorRatio: number | null
}

/** The rhythm of each consumer's use, read from the store each hour; in memory stays what a forecast needs of it. */
export class Rhythms {
  readonly #store: Store
  #known = new Map<string, Known>()
  #wanted = ''
  #dueMs = 0

  constructor(store: Store) {
    this.#store = store
  }

  of(allowance: Allowance): Known | undefined {
    return this.#known.get(keyOf(allowance))
  }

  /** Reads them anew when an hour is over, or when others are wanted. */
  async refresh(allowances: readonly Allowance[], atMs: number): Promise<void> {
    const groups = new Map<string, Allowance[]>()
    for (const one of allowances) {
      const group = groups.get(meteredKey(one.quota))
      if (group === undefined) groups.set(meteredKey(one.quota), [one])
      else group.push(one)
    }
    const wanted = [...new Set(allowances.map(({ quota }) => `${quota.name} ${meteredKey(quota)}`))].sort().join()
    if (atMs < this.#dueMs && wanted === this.#wanted) return
    const endMs = Math.floor(atMs / HOUR) * HOUR
    const startMs = endMs - HISTORY * HOUR
    const known = new Map<string, Known>()
    const clocks = new Map<string, Uint8Array>()
    for (const group of groups.values()) {
      const histories = await this.#histories(group[0]!.quota, startMs, endMs)
      for (const [i, one] of group.entries()) {
        const amounts = histories.get(one.consumer)
        if (amounts === undefined) continue
        const hoursOfWeek = clocks.get(one.timeZone) ?? hoursOfWeekFrom(one.timeZone, startMs, HISTORY)
        clocks.set(one.timeZone, hoursOfWeek)
        const rhythm = rhythmOf({ amounts, hoursOfWeek })
        if (rhythm === null) continue
        const hours = (quotaPeriod(one.quota, one.timeZone, atMs).endMs - atMs) / HOUR
        known.set(keyOf(one), { ...rhythm, errorRatio: backtest({ amounts, hoursOfWeek }, hours) })
        // Twenty take some milliseconds.
        if (i % 20 === 19) await breathe()
      }
    }
    this.#known = known
    this.#wanted = wanted
    this.#dueMs = atMs + limits.forecastMs
  }

  async #histories(metered: Allowance['quota'], startMs: number, endMs: number): Promise<Map<string, Float64Array>> {
    const { sql, params } = usageHoursQuestion(metered, startMs, endMs)
    const rows = await this.#store.query<{ consumer: string; hours: number[]; amounts: (number | string)[] }>(
      sql,
      params,
    )
    return new Map(
      rows.map(({ consumer, hours, amounts }) => {
        const history = new Float64Array(HISTORY)
        for (const [i, hour] of hours.entries()) history[Number(hour)] = Number(amounts[i])
        return [consumer, history]
      }),
    )
  }
}

function keyOf({ consumer, quota }: Allowance): string {
  return JSON.stringify([consumer, quota.name])
}
