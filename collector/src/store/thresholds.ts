import { randomUUID } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Store } from './store.ts'
import { timeText } from './time.ts'

/**
 * Has calls counted under every latency that objectives promise, exactly, in `under` of calls_1m and calls_15m; and no
 * longer under those that none promises any more. To be called before calls are taken, and when the configuration
 * changed. Collectors of one store share one configuration.
 *
 * A latency is complete from a time a little later than now: a call may claim to start a while from now, and an insert
 * under way may have read the latencies before they changed.
 *
 * @returns how many latencies are counted from now on
 */
export async function setThresholds(store: Store, { objectives }: Pick<Config, 'objectives'>): Promise<number> {
  const wanted = new Set(objectives.flatMap(({ latencyBelowUs }) => latencyBelowUs ?? []))
  const now = Date.now()
  const counted = await thresholds(store)
  const since = timeText(now + limits.futureMs + limits.thresholdSlackMs)
  const rows = [
    ...[...wanted].filter((us) => !counted.has(us)).map((us) => ({ us, since, removed: false })),
    ...[...counted.keys()].filter((us) => !wanted.has(us)).map((us) => ({ us, since, removed: true })),
  ]
  await store.insert('thresholds', rows, `thresholds-${randomUUID()}`)
  return wanted.size
}

/** The latencies counted, in microseconds, each with the epoch milliseconds from which its counts are complete. */
export async function thresholds(store: Store): Promise<Map<number, number>> {
  const rows = await store.query<{ us: number; since: number }>(
    `SELECT toFloat64(us) AS us, toFloat64(toUnixTimestamp64Milli(since)) AS since FROM thresholds FINAL WHERE NOT removed`,
  )
  return new Map(rows.map(({ us, since }) => [us, since]))
}
