import { createHash } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Row, Store } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import { judged } from './metrics.ts'
import {
  type ObjectiveStanding,
  objectiveRow,
  objectiveStandings,
  type QuotaStanding,
  quotaRow,
  quotaStandings,
} from './standing.ts'

/** How the promises and allowances stand, judged now and then and written down. */
export class Standings {
  objectives: readonly ObjectiveStanding[] = []
  quotas: readonly QuotaStanding[] = []
  readonly #store: Store
  readonly #failed: (what: string, error: unknown) => void
  readonly #objectiveStates: Chronicle
  readonly #quotaStates: Chronicle
  #dueMs = 0

  /** @param failed is told what could not be judged; the other is judged all the same */
  constructor(store: Store, failed: (what: string, error: unknown) => void) {
    this.#store = store
    this.#failed = failed
    this.#objectiveStates = new Chronicle(store, 'objective_states', ['objective', 'consumer'])
    this.#quotaStates = new Chronicle(store, 'quota_states', ['consumer', 'quota', 'per'])
  }

  /** Judges at the next opportunity, whatever the last judgement took. */
  hurry(): void {
    this.#dueMs = 0
  }

  /** Judges everything as of now, unless the last judgement took so long that it is not due yet. */
  async judge(config: Config, nowMs: number): Promise<void> {
    if (nowMs < this.#dueMs) return
    const stopTimer = judged.seconds.startTimer({ what: 'standings' })
    const atMs = nowMs - limits.lagMs
    try {
      this.objectives = await objectiveStandings(this.#store, config, atMs)
      await this.#objectiveStates.write(this.objectives.map(objectiveRow), nowMs)
    } catch (error) {
      this.#failed('objective', error)
    }
    try {
      this.quotas = await quotaStandings(this.#store, config, atMs)
      await this.#quotaStates.write(this.quotas.map(quotaRow), nowMs)
    } catch (error) {
      this.#failed('quota', error)
    }
    this.#dueMs = nowMs + (stopTimer() * 1000) / limits.standingShare
  }
}

/** Writes the states that changed, and the others now and then. */
class Chronicle {
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
