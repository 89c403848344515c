import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { undeliveredQuestion } from '../aggregate/history.ts'
import type { Channel } from '../config/config.ts'
import { Notifier } from '../notify/notifier.ts'
import type { Attempt } from '../notify/queue.ts'
import type { Row, Store } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import { eventOfRow, rowOfEvent } from './alert/row.ts'
import type { AlertEvent } from './alert/step.ts'
import { judged } from './metrics.ts'

/** An event with the names of those who are to be told of it. */
export interface Told {
  readonly event: AlertEvent
  readonly receivers: readonly string[]
}

interface Options {
  readonly store: Store
  readonly log: Logger
  readonly externalUrl: () => string
  /** Epoch milliseconds. */
  readonly now: () => number
}

/**
 * Stores what happened, then tells of it. An event and the intention to tell of it are stored before anything is sent:
 * whatever interrupts this, the next start goes on from the tables, with the same ids.
 */
export class Teller {
  readonly #options: Options
  readonly #notifier: Notifier

  constructor(options: Options) {
    this.#options = options
    const { externalUrl, log, now } = options
    this.#notifier = new Notifier({
      record: (event, channel, attempt) => this.#record(event, channel, attempt),
      externalUrl,
      log,
      now,
    })
  }

  /** Adds and updates those who can be told. */
  configure(channels: readonly Channel[]): void {
    this.#notifier.configure(channels)
  }

  /** Forgets those who are not among these, once nothing waits for them. */
  keep(channels: readonly Channel[]): void {
    this.#notifier.keep(new Set(channels.map(({ name }) => name)))
  }

  /** Sends what an earlier run left undelivered. */
  async restore(): Promise<void> {
    const { sql, params } = undeliveredQuestion(this.#options.now())
    for (const row of await this.#options.store.query(sql, params)) {
      await this.#send(eventOfRow(row), String(row.channel), Number(row.attempts))
    }
  }

  /**
   * Stores these events and tells of them. When it fails nothing was sent, and the same events are told again; the same
   * event told twice is sent once.
   */
  async tell(told: readonly Told[]): Promise<void> {
    const { store, log } = this.#options
    const token = createHash('sha256')
      .update(told.map(({ event }) => event.id).join())
      .digest('hex')
    const intentions = told.flatMap(({ event, receivers }) => receivers.map((channel) => intention(event, channel)))
    // Intentions come first: one without its event is ignored, an event without its intention would be a lost notice.
    await store.insert('alert_deliveries', intentions, `intentions-${token}`)
    const events = told.map(({ event }) => rowOfEvent(event))
    await store.insert('alert_events', events, `events-${token}`)
    for (const { event, receivers } of told) {
      judged.events.inc({ state: event.state })
      log.info({ rule: event.rule, state: event.state, labels: event.labels }, event.summary)
      for (const receiver of receivers) await this.#send(event, receiver)
    }
  }

  /** Waits for the deliveries under way. */
  stop(): Promise<void> {
    return this.#notifier.stop()
  }

  async #send(event: AlertEvent, receiver: string, attempts = 0): Promise<void> {
    if (this.#notifier.send(event, receiver, attempts)) return
    const error = `there is no channel ${receiver} any more`
    this.#options.log.error({ rule: event.rule, channel: receiver }, error)
    await this.#record(event, receiver, { attempt: attempts, done: true, status: 0, error })
  }

  async #record({ id }: AlertEvent, channel: string, { attempt, done, status, error }: Attempt): Promise<void> {
    const row = { ts: timeText(this.#options.now()), event_id: id, channel, attempt, done, status, error }
    await this.#options.store.insert('alert_deliveries', [row], `delivery-${id}-${channel}-${attempt}-${done}`)
  }
}

/** "To be delivered": an attempt number 0, which was none. */
function intention(event: AlertEvent, channel: string): Row {
  return { ts: timeText(event.atMs), event_id: event.id, channel, attempt: 0, done: false, status: 0, error: '' }
}
