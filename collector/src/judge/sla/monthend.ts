import type { Logger } from 'pino'
import { firstCallQuestion, sliceConsumersQuestion } from '../../aggregate/slices.ts'
import { closedStatementsQuestion } from '../../aggregate/statements.ts'
import type { Config, Objective } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import { type Clock, startClock } from '../clock.ts'
import { judged } from '../metrics.ts'
import { monthAt, monthBefore, monthPeriod } from './month.ts'
import { NoStatement } from './reckon.ts'
import type { Statements } from './statements.ts'

/**
 * Closes months by itself: a day after the end of a consumer's month its statements are made and kept, for every
 * objective with a contract. What is missing is asked of the store, so that a stop in the middle, or over the turn of the
 * month, loses nothing.
 */
export class MonthEnd {
  readonly #store: Store
  readonly #statements: Statements
  readonly #config: () => Config
  readonly #log: Logger
  readonly #now: () => number
  /** Objectives with months of time zones that are done, under the configuration they were done for. */
  #done = new Set<string>()
  #doneFor: Config | undefined
  #clock: Clock | undefined

  constructor(parts: { store: Store; statements: Statements; config: () => Config; log: Logger; now?: () => number }) {
    this.#store = parts.store
    this.#statements = parts.statements
    this.#config = parts.config
    this.#log = parts.log
    this.#now = parts.now ?? Date.now
  }

  start(): this {
    this.#clock = startClock(
      limits.slaTickMs,
      () => this.close(),
      (error) => this.#failed(error),
    )
    return this
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#clock?.stop()
  }

  #stopping = false

  /** Makes the statements that are due and not there yet. */
  async close(): Promise<void> {
    const config = this.#config()
    if (this.#doneFor !== config) this.#done = new Set()
    this.#doneFor = config
    const zones = new Set(['UTC', ...config.consumers.map(({ timeZone }) => timeZone)])
    for (const objective of config.objectives) {
      if (objective.contract === undefined) continue
      for (const zone of zones) {
        const month = monthBefore(monthAt(zone, this.#now() - limits.slaLatenessMs))
        const key = JSON.stringify([objective.name, zone, month])
        if (this.#done.has(key)) continue
        if (await this.#closeFor(objective, zone, month)) this.#done.add(key)
        if (this.#stopping) return
      }
    }
  }

  /** @returns whether nothing is left to be tried again */
  async #closeFor(objective: Objective, zone: string, month: string): Promise<boolean> {
    const first = firstCallQuestion(monthPeriod(month, zone)!.endMs)
    // A month from before the first call says nothing of anybody.
    if ((await this.#store.query(first.sql, first.params)).length === 0) return true
    const { sql, params } = closedStatementsQuestion(objective.name, month)
    const closed = new Set((await this.#store.query(sql, params)).map((row) => String(row.consumer)))
    let left = 0
    for (const consumer of await this.#consumers(objective, zone, month)) {
      if (this.#stopping) return false
      if (closed.has(consumer)) continue
      const [subject] = this.#statements.subjects(consumer, month, objective.name)
      const stopTimer = judged.seconds.startTimer({ what: 'statements' })
      try {
        const { version, document } = await this.#statements.keep(subject!, (sql, params) =>
          this.#store.query(sql, params),
        )
        const { attained, met, credit } = document
        this.#log.info(
          { objective: objective.name, consumer, month, version, attained, met, credit },
          'SLA statement made',
        )
      } catch (error) {
        // What cannot be counted now will not be later.
        if (error instanceof NoStatement) this.#log.warn({ objective: objective.name, consumer, month }, error.message)
        else {
          this.#failed(error, { objective: objective.name, consumer, month })
          left++
        }
      }
      stopTimer()
    }
    return left === 0
  }

  /** Those of the configuration with this time zone; with UTC also all others that called. */
  async #consumers(objective: Objective, zone: string, month: string): Promise<string[]> {
    const config = this.#config()
    const ofZone = config.consumers.filter(({ timeZone }) => timeZone === zone).map(({ id }) => id)
    const { consumer, name } = objective
    if (consumer !== undefined) return this.#statements.timeZoneOf(consumer) === zone ? [consumer] : []
    if (zone !== 'UTC') return ofZone
    const { startMs, endMs } = monthPeriod(month, zone)!
    const count = limits.slaConsumers
    const { sql, params } = sliceConsumersQuestion(objective, startMs, endMs, count)
    const called = (await this.#store.query(sql, params)).map((row) => String(row.consumer))
    if (called.length === count) {
      this.#log.warn({ objective: name, month, consumers: count }, 'statements are made for the busiest consumers only')
    }
    const configured = new Set(config.consumers.map(({ id }) => id))
    return [...ofZone, ...called.filter((id) => !configured.has(id))]
  }

  #failed(error: unknown, about: Record<string, unknown> = {}): void {
    judged.failures.inc({ what: 'statement' })
    this.#log.error(
      { ...about, error: error instanceof Error ? error.message : String(error) },
      'no SLA statement made',
    )
  }
}
