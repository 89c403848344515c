import { createHash } from 'node:crypto'
import { limits } from '../limits.ts'
import type { Row, Store } from '../store/store.ts'
import { timeText } from '../store/time.ts'

/** Writes the states that changed, and the others now and then. */
export class Chronicle {
  readonly #store: Store
  readonly #table: string
  readonly #key: readonly string[]
  #written = new Map<string, { text: string; atMs: number }>()

  /** @param key columns that name a state */
  constructor(store: Store, table: string, key: readonly string[]) {
    this.#store = store
    this.#table = table
    this.#key = key
  }

  async write(rows: readonly Row[], nowMs: number): Promise<void> {
    const next = new Map<string, { text: string; atMs: number }>()
    const news: Row[] = []
    for (const row of rows) {
      const key = JSON.stringify(this.#key.map((column) => row[column]))
      const text = JSON.stringify(row)
      const last = this.#written.get(key)
      const pause = last?.text === text ? limits.stateRepeatMs : limits.stateChangeMs
      if (last !== undefined && nowMs - last.atMs < pause) {
        next.set(key, last)
        continue
      }
      next.set(key, { text, atMs: nowMs })
      news.push({ ts: timeText(nowMs), ...row })
    }
    const token = createHash('sha256').update(JSON.stringify(news)).digest('hex')
    await this.#store.insert(this.#table, news, `${this.#table}-${token}`)
    this.#written = next
  }
}
