import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { limits } from '../limits.ts'
import { type Profile, render } from './profile.ts'
import type { Store } from './store.ts'

/** For tests, which do not wait for minutes. */
export interface LockTimes {
  /** A holder not heard of for this long is taken for dead. */
  lockMs: number
  /** How long to wait for a living holder. */
  waitMs: number
}

/**
 * One migrator at a time, among all collectors of one server.
 *
 * Every holder has a generation, one more than the last. A generation is taken by inserting its row under the token
 * `lock-<generation>`: of several such inserts the engine keeps the first and drops the others as repetitions, on a
 * replicated table by way of Keeper, so whoever then reads its own name holds the lock. The holder adds a row now and
 * then as a sign of life; who is not heard of is taken for dead. All times are the server's.
 *
 * What it does not promise: a holder that stood still for longer than that may have one statement under way when the
 * next holder begins. Statements of sql/ can be repeated, so the result is the same.
 */
export class MigrationLock {
  readonly #store: Store
  readonly #times: LockTimes
  readonly owner = `${hostname()}/${process.pid}/${randomUUID()}`
  #generation = 0
  /** When the last sign of life was given, by this machine's clock, which goes on while it sleeps. */
  #livedMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(store: Store, times: LockTimes = { lockMs: limits.migrationLockMs, waitMs: limits.migrationWaitMs }) {
    this.#store = store
    this.#times = times
  }

  /**
   * Waits until nobody else migrates.
   *
   * @param tell is called once when there is a wait, with the holder
   * @throws Error when it takes too long
   */
  async take(profile: Profile, tell: (holder: string) => void): Promise<void> {
    const table = `CREATE TABLE IF NOT EXISTS migration_locks (
      generation UInt64, owner String, lasts_ms UInt32 COMMENT '0: given back', at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = MergeTree ORDER BY generation SETTINGS non_replicated_deduplication_window = 1000`
    await this.#store.command(render(table, profile))
    const until = Date.now() + this.#times.waitMs
    for (let told = false; ; ) {
      const asked = Date.now()
      const { generation, owner, free } = await this.#newest()
      if (free) {
        await this.#write(generation + 1, this.#times.lockMs, `lock-${generation + 1}`)
        const next = await this.#newest()
        if (next.generation === generation + 1 && next.owner === this.owner) {
          this.#generation = generation + 1
          this.#livedMs = asked
          this.#timer = setInterval(() => this.#live(), this.#times.lockMs / 3)
          return
        }
      } else {
        if (!told) tell(owner)
        told = true
      }
      if (Date.now() > until) {
        throw new Error(
          `${owner} has been migrating ${this.#store.place} for too long. Look at its log; when it is gone, start again.`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(500, this.#times.lockMs / 4)))
    }
  }

  /**
   * To be asked before each statement; it costs nothing while signs of life are given in time.
   *
   * @throws Error when somebody else took over meanwhile: this process stood still for too long
   */
  async check(): Promise<void> {
    if (Date.now() - this.#livedMs < this.#times.lockMs) return
    const { owner } = await this.#newest()
    if (owner !== this.owner) {
      throw new Error(
        `${owner} took over the migration of ${this.#store.place}, as this process was not heard of: start again`,
      )
    }
  }

  /** Gives no sign of life any more, so that others take the lock over in a while. */
  fallSilent(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async giveBack(): Promise<void> {
    if (this.#timer === undefined) return
    this.fallSilent()
    await this.#write(this.#generation, 0, `lock-${this.owner}-back`)
  }

  /** A sign of life that cannot be given is given the next time, and its lack is what others wait for. */
  #live(): void {
    const asked = Date.now()
    this.#write(this.#generation, this.#times.lockMs, `lock-${randomUUID()}`).then(
      () => {
        this.#livedMs = asked
      },
      () => {},
    )
  }

  #write(generation: number, lasts_ms: number, token: string): Promise<void> {
    return this.#store.insert('migration_locks', [{ generation, owner: this.owner, lasts_ms }], token)
  }

  async #newest(): Promise<{ generation: number; owner: string; free: boolean }> {
    const [row] = await this.#store.query<{ number: number; owner: string; free: boolean }>(
      `SELECT toUInt32(generation) AS number, any(owner) AS owner,
         min(lasts_ms) = 0 OR max(at + toIntervalMillisecond(lasts_ms)) < now64(3) AS free
       FROM migration_locks GROUP BY generation ORDER BY generation DESC LIMIT 1`,
    )
    return row === undefined
      ? { generation: 0, owner: '', free: true }
      : { generation: row.number, owner: row.owner, free: Boolean(row.free) }
  }
}
