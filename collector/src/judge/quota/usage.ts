import { QUARTER, usageQuestion } from '../../aggregate/usage.ts'
import type { Metered } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import type { Period } from '../calendar.ts'

/** What is to be counted. */
export interface Wanted {
  readonly metered: Metered
  readonly period: Period
}

type Amounts = ReadonlyMap<string, number>

/** One count over all consumers, of calls that are stored by `atMs`. */
interface Count {
  atMs: number
  /** Before `edgeMs`, which is moved on and counted anew now and then … */
  before: Amounts
  edgeMs: number
  dueMs: number
  /** … and since then, counted at every look. */
  since: Amounts
}

const none: Amounts = new Map()

/**
 * Counts of periods, kept in memory. What began in the last quarter of an hour or two is counted at each look, what is
 * older each minute: a call that comes later than that is missing for so long. Whatever cannot be added up in this way
 * is counted whole.
 */
export class Usage {
  readonly #store: Store
  readonly #failed: (error: unknown) => void
  readonly #counts = new Map<string, Count>()

  /** @param failed is told of a count that could not be made; the one before stands until it can */
  constructor(store: Store, failed: (error: unknown) => void) {
    this.#store = store
    this.#failed = failed
  }

  /** Brings these up to date, and forgets all others. */
  async count(wanted: Iterable<Wanted>, atMs: number): Promise<void> {
    const keys = new Set<string>()
    /** The newest calls are the same for every time zone. */
    const asked = new Map<string, Promise<Amounts>>()
    for (const one of wanted) {
      const key = keyOf(one)
      if (keys.has(key)) continue
      keys.add(key)
      try {
        const next = await this.#next(this.#counts.get(key), one, atMs, asked)
        this.#counts.set(key, next)
      } catch (error) {
        this.#failed(error)
      }
    }
    for (const key of this.#counts.keys()) if (!keys.has(key)) this.#counts.delete(key)
  }

  /** What a consumer used by then; undefined before the first count. */
  of(wanted: Wanted, consumer: string): { readonly used: number; readonly atMs: number } | undefined {
    const count = this.#counts.get(keyOf(wanted))
    if (count === undefined) return undefined
    return { used: (count.before.get(consumer) ?? 0) + (count.since.get(consumer) ?? 0), atMs: count.atMs }
  }

  /** Whether any of the calls counted are this consumer's. */
  knows(wanted: Wanted, consumer: string): boolean {
    const count = this.#counts.get(keyOf(wanted))
    return count !== undefined && (count.before.has(consumer) || count.since.has(consumer))
  }

  /** The whole of a period, counted now. */
  ask({ metered, period: { startMs, endMs } }: Wanted): Promise<Amounts> {
    return this.#ask(metered, startMs, endMs)
  }

  async #next(
    last: Count | undefined,
    { metered, period }: Wanted,
    atMs: number,
    asked: Map<string, Promise<Amounts>>,
  ): Promise<Count> {
    // A sender's clock may be ahead by as much.
    const toMs = Math.min(period.endMs, Math.ceil(atMs / 60_000) * 60_000 + limits.futureMs)
    if (period.endMs - period.startMs <= limits.usageWholeMs) {
      const since = await this.#ask(metered, period.startMs, toMs)
      return { atMs, before: none, edgeMs: period.startMs, dueMs: atMs, since }
    }
    if (!('sum' in metered.meter)) {
      if (last !== undefined && atMs < last.dueMs) return last
      const began = performance.now()
      const before = await this.#ask(metered, period.startMs, toMs)
      return { atMs, before, edgeMs: toMs, dueMs: dueAfter(atMs, began), since: none }
    }
    let { before, edgeMs, dueMs } = last ?? { before: none, edgeMs: 0, dueMs: 0 }
    if (last === undefined || atMs >= dueMs) {
      const began = performance.now()
      edgeMs = Math.max(Math.floor((atMs - limits.usageTailMs) / QUARTER) * QUARTER, period.startMs)
      before = edgeMs > period.startMs ? await this.#ask(metered, period.startMs, edgeMs) : none
      dueMs = dueAfter(atMs, began)
    }
    const tail = keyOf({ metered, period: { startMs: edgeMs, endMs: toMs } })
    const since = asked.get(tail) ?? this.#ask(metered, edgeMs, toMs)
    asked.set(tail, since)
    return { atMs, before, edgeMs, dueMs, since: await since }
  }

  async #ask(metered: Metered, fromMs: number, toMs: number): Promise<Amounts> {
    if (fromMs >= toMs) return none
    const { sql, params } = usageQuestion(metered, fromMs, toMs)
    const rows = await this.#store.query<{ consumer: string; used: number | string }>(sql, params)
    if (rows.length >= limits.quotaUsers) {
      throw new Error(`calls of more than ${limits.quotaUsers} consumers: a quota over so many is not judged`)
    }
    return new Map(rows.map(({ consumer, used }) => [consumer, Number(used)]))
  }
}

/** What takes long is done less often. */
function dueAfter(atMs: number, began: number): number {
  return atMs + Math.max(limits.usageRecountMs, (performance.now() - began) / limits.standingShare)
}

const meteredKeys = new WeakMap<Metered, string>()

/** The same calls counted in the same way, whichever quota asks. */
export function meteredKey(metered: Metered): string {
  let key = meteredKeys.get(metered)
  if (key === undefined) {
    key = JSON.stringify([metered.meter.text, metered.operation, metered.outcomes])
    meteredKeys.set(metered, key)
  }
  return key
}

function keyOf({ metered, period }: Wanted): string {
  return `${period.startMs} ${period.endMs} ${meteredKey(metered)}`
}
