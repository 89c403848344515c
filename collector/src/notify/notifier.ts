import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Channel } from '../config/config.ts'
import { urlText } from '../config/url.ts'
import { limits } from '../limits.ts'
import { type Deliverer, delivererOf } from './channels/deliverer.ts'
import type { AllowPrivate } from './guard.ts'
import { notices } from './metrics.ts'
import type { Notice } from './notice.ts'
import { type Attempt, type Parcel, Queue } from './queue.ts'

/** The name a receiver goes by in tables and messages: the channel's, or for a URL its host and a hash. */
export function receiverName(receiver: string): string {
  return receiver.includes('://') ? urlText(receiver) : receiver
}

interface Sending extends Parcel {
  readonly notice: Notice
}

/** Keeps the record of one attempt; it may fail, and is then called again with the same. */
export type Record = (notice: Notice, receiver: string, attempt: Attempt) => Promise<void>

interface Receiver {
  channel: Channel
  allowPrivate: AllowPrivate
  deliverer: Deliverer
  readonly queue: Queue<Sending>
}

interface Options {
  readonly record: Record
  /** Where people find this collector. */
  readonly externalUrl: () => string
  readonly log: Logger
  readonly now: () => number
}

/** Delivers notices. Each receiver has a queue of its own, so that none waits for another and the judge for none. */
export class Notifier {
  readonly #options: Options
  readonly #receivers = new Map<string, Receiver>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Adds and updates receivers. What waits for an updated one goes to its new address. */
  configure(channels: readonly Channel[], allowPrivate: AllowPrivate): void {
    for (const channel of channels) {
      const known = this.#receivers.get(channel.name)
      if (known === undefined) this.#receivers.set(channel.name, this.#receiver(channel, allowPrivate))
      else if (!isDeepStrictEqual([known.channel, known.allowPrivate], [channel, allowPrivate])) {
        Object.assign(known, { channel, allowPrivate, deliverer: this.#deliverer(channel, allowPrivate) })
        known.queue.revive()
      }
    }
  }

  /** Forgets the receivers that are not among these, once nothing waits for them. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, { queue }] of this.#receivers) {
      if (!names.has(name) && queue.length === 0) this.#receivers.delete(name)
    }
  }

  /** @returns false when there is no such receiver */
  send(notice: Notice, receiver: string, attempts = 0): boolean {
    const found = this.#receivers.get(receiver)
    if (found === undefined) return false
    const { groupKey, createdMs } = notice
    found.queue.add({ groupKey, createdMs, attempts, notice })
    return true
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#receivers.values()].map(({ queue }) => queue.stop()))
  }

  #receiver(channel: Channel, allowPrivate: AllowPrivate): Receiver {
    const receiver: Receiver = {
      channel,
      allowPrivate,
      deliverer: this.#deliverer(channel, allowPrivate),
      queue: new Queue<Sending>(
        {
          deliver: ({ notice }, stop) => receiver.deliverer.deliver(notice, stop),
          record: ({ notice }, attempt) => this.#recorded(notice, channel.name, attempt),
        },
        this.#options.now,
      ),
    }
    return receiver
  }

  #deliverer(channel: Channel, allowPrivate: AllowPrivate): Deliverer {
    return delivererOf(channel, { externalUrl: this.#options.externalUrl, allowPrivate })
  }

  /** A record that cannot be kept is tried a few times; without it the notice is sent once more after a restart. */
  async #recorded(notice: Notice, receiver: string, attempt: Attempt): Promise<void> {
    const { log, record } = this.#options
    const result = attempt.error === '' ? 'delivered' : attempt.done ? 'given_up' : 'failed'
    notices.inc({ result })
    const about = { notice: notice.id, status: notice.status, channel: receiver, attempt: attempt.attempt }
    if (result === 'delivered') log.info(about, 'notice delivered')
    else log.warn({ ...about, error: attempt.error, done: attempt.done }, 'notice not delivered')
    for (let again = limits.recordAttempts; again > 0; again--) {
      try {
        return await record(notice, receiver, attempt)
      } catch (error) {
        log.warn({ ...about, error: String(error) }, 'the record of a delivery was not stored')
        await sleep(limits.recordPauseMs)
      }
    }
  }
}
