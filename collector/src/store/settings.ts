import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { Profile } from './profile.ts'
import { setRetention } from './retention.ts'
import type { Store } from './store.ts'
import { setThresholds } from './thresholds.ts'

/** Keeps what the configuration says of the store true: how long things live, and which latencies are counted. */
export class Settings {
  readonly #store: Store
  readonly #profile: Profile
  readonly #log: Logger
  #running: Promise<void> = Promise.resolve()

  constructor(store: Store, profile: Profile, log: Logger) {
    this.#store = store
    this.#profile = profile
    this.#log = log
  }

  /** At the start, before calls are taken. @throws Error when the engine refuses */
  async apply(config: Config): Promise<void> {
    const tables = await setRetention(this.#store, config.retention, this.#profile)
    if (tables.length > 0) this.#log.info({ tables }, 'kept for another time from now on')
    await setThresholds(this.#store, config)
  }

  /** At a changed configuration, one after the other. What the engine refuses is logged, and made good at the next start. */
  follow(config: Config): void {
    this.#running = this.#running
      .then(() => this.apply(config))
      .catch((error: unknown) => this.#log.error({ error }, 'the store did not take the changed configuration'))
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    await this.#running
  }
}
