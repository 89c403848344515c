import { QUARTER } from '../../aggregate/usage.ts'
import { plansQuestion } from '../../aggregate/usageplans.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'

interface Seen {
  readonly plan: string
  readonly seen: number
}

/** The newest plan that the calls of each consumer name, kept in memory as use is. */
export class Plans {
  readonly #store: Store
  readonly #plans = new Map<string, Seen>()
  #edgeMs = 0
  #dueMs = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** By consumer. */
  async named(atMs: number): Promise<ReadonlyMap<string, string>> {
    if (atMs >= this.#dueMs) {
      const edgeMs = Math.floor((atMs - limits.usageTailMs) / QUARTER) * QUARTER
      const whole = await this.#ask('calls_15m', edgeMs - limits.planMs, edgeMs)
      this.#plans.clear()
      this.#take(whole)
      this.#edgeMs = edgeMs
      this.#dueMs = atMs + limits.closedRecountMs
    }
    const nowMs = Math.ceil(atMs / 60_000) * 60_000
    this.#take(await this.#ask('calls_1m', this.#edgeMs, nowMs + limits.futureMs))
    return new Map([...this.#plans].map(([consumer, { plan }]) => [consumer, plan]))
  }

  #take(rows: readonly (Seen & { consumer: string })[]): void {
    for (const { consumer, plan, seen } of rows) {
      const known = this.#plans.get(consumer)
      if (known === undefined ? this.#plans.size < limits.quotaUsers : seen >= known.seen) {
        this.#plans.set(consumer, { plan, seen })
      }
    }
  }

  async #ask(...asked: Parameters<typeof plansQuestion>): Promise<(Seen & { consumer: string })[]> {
    const { sql, params } = plansQuestion(...asked)
    const rows = await this.#store.query(sql, params)
    return rows.map((row) => {
      return { consumer: String(row.consumer), plan: String(row.newest_plan), seen: Number(row.seen) }
    })
  }
}
