import type { Config } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Row, Store } from '../store/store.ts'
import { Chronicle } from './chronicle.ts'
import { judged } from './metrics.ts'

interface Kind<Standing> {
  /** Its name in metrics. */
  readonly what: string
  /** Where states are written, and the columns that name one. */
  readonly table: string
  readonly key: readonly string[]
  /** How long ago the time that is judged ends; limits.lagMs by default. */
  readonly lagMs?: number
  standings(config: Config, atMs: number): Promise<readonly Standing[]>
  row(standing: Standing): Row
}

/** Keeps how promises or allowances stand: judged now and then, written down when they change. */
export class Keeper<Standing> {
  standings: readonly Standing[] = []
  readonly #kind: Kind<Standing>
  readonly #chronicle: Chronicle
  #dueMs = 0

  constructor(store: Store, kind: Kind<Standing>) {
    this.#kind = kind
    this.#chronicle = new Chronicle(store, kind.table, kind.key)
  }

  /** Judges at the next opportunity, whatever the last judgement took. */
  hurry(): void {
    this.#dueMs = 0
  }

  /** Judges everything as of now, unless the last judgement took so long that the next is not due yet. */
  async judge(config: Config, nowMs: number): Promise<void> {
    if (nowMs < this.#dueMs) return
    const stopTimer = judged.seconds.startTimer({ what: this.#kind.what })
    try {
      this.standings = await this.#kind.standings(config, nowMs - (this.#kind.lagMs ?? limits.lagMs))
      const rows = this.standings.map((standing) => this.#kind.row(standing))
      await this.#chronicle.write(rows, nowMs)
    } finally {
      this.#dueMs = nowMs + (stopTimer() * 1000) / limits.standingShare
    }
  }
}
