import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { openAlertsQuestion } from '../aggregate/history.ts'
import { knownEventsQuestion } from '../aggregate/notices.ts'
import type { AlertRule, Channel, Config, Grouping } from '../config/config.ts'
import { repeatMsOf } from '../notify/channels/alertmanager.ts'
import { allowPrivateOf } from '../notify/guard.ts'
import type { Notice } from '../notify/notice.ts'
import { Notifier } from '../notify/notifier.ts'
import type { Attempt } from '../notify/queue.ts'
import type { Row, Store } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import { eventOfRow } from './alert/row.ts'
import type { AlertEvent } from './alert/step.ts'
import { judged } from './metrics.ts'
import { composed } from './notice/compose.ts'
import { type Group, groupOf, type Turn, turn, withEvent } from './notice/group.ts'
import {
  isOnce,
  noticeOf,
  rowOfTold,
  rowsOfTurn,
  storedGroups,
  storedUndelivered,
  storedUntold,
  type Told,
} from './notice/record.ts'
import { Holds } from './silence/holds.ts'
import type { Silence } from './silence/silence.ts'

export type { Told } from './notice/record.ts'

interface Options {
  readonly store: Store
  readonly log: Logger
  readonly externalUrl: () => string
  /** The rule behind an event; undefined when there is none any more, or never was. */
  readonly rule: (name: string) => AlertRule | undefined
  readonly config: Config
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Something decided that is not known to be stored yet; it is stored as it is before anything else is decided. */
interface Unsaved {
  readonly table: string
  readonly rows: readonly Row[]
  readonly token: string
  /** What holds once it is stored. */
  done(): Promise<void>
}

/**
 * Stores what happened, decides who is told what and when, and sends it. Whatever interrupts this, the next start goes on
 * from the tables: an event is stored with the names of those who are to be told, a notice is stored before it is sent,
 * and it names the events that it settles. So each change of state is in exactly one notice to each channel, and a
 * notice that is sent again is the same under the same id.
 */
export class Teller {
  readonly #options: Options
  readonly #notifier: Notifier
  readonly #groups = new Map<string, Group>()
  /** How often a channel has to be told again, where it does not remember by itself. */
  readonly #repeats = new Map<string, number | undefined>()
  readonly #holds: Holds
  #config: Config
  #unsaved: Unsaved | undefined
  #restored = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: Options) {
    this.#options = options
    this.#config = options.config
    const { store, config, log, now } = options
    this.#holds = new Holds(store, config)
    this.#notifier = new Notifier({
      record: (notice, channel, attempt) => this.#record(notice, channel, attempt),
      externalUrl: options.externalUrl,
      log,
      now,
    })
  }

  /** Takes a configuration, and adds and updates those who can be told. */
  configure(config: Config, channels: readonly Channel[]): void {
    this.#config = config
    this.#holds.config = config
    for (const channel of channels) this.#repeats.set(channel.name, repeatMsOf(channel))
    this.#notifier.configure(channels, allowPrivateOf(config))
  }

  /** Forgets those who are not among these, once there is nothing to tell them. */
  keep(channels: readonly Channel[]): void {
    const names = [...channels.map(({ name }) => name), ...[...this.#groups.values()].map(({ channel }) => channel)]
    this.#notifier.keep(new Set(names))
  }

  /** Reads what an earlier run left, and sends what it did not deliver. To be called once its channels are known. */
  restore(): Promise<void> {
    return this.#alone(async () => {})
  }

  /**
   * Stores these events and tells of them, when it is time. When it fails the same events are told again; an event told
   * twice is sent once, over restarts too.
   */
  tell(told: readonly Told[]): Promise<void> {
    return this.#alone(async () => {
      const fresh = await this.#unknown(told)
      if (fresh.length > 0) {
        const ids = fresh.map(({ event }) => event.id)
        const rows = fresh.map(rowOfTold)
        const done = async () => {
          for (const one of fresh) this.#take(one)
        }
        await this.#save({ table: 'alert_events', rows, token: `events-${digest(ids)}`, done })
      }
      await this.#decide()
    })
  }

  #groupingOf({ channel }: Group): Grouping {
    const { grouping } = this.#config
    return { ...grouping, repeatMs: Math.min(grouping.repeatMs, this.#repeats.get(channel) ?? grouping.repeatMs) }
  }

  /** Silences that are not over, or ended lately, each with the number of firing alerts that it holds back. */
  silences(): { silence: Silence; held: number }[] {
    return this.#holds.silences(this.#options.now())
  }

  /** Adds a silence, or changes the one of its id; who is to be told by that is told. */
  silence(silence: Silence): Promise<void> {
    return this.#alone(async () => {
      await this.#holds.silence(silence, this.#options.now())
      await this.#decide()
    })
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    await this.#last.catch(() => {})
    await this.#notifier.stop()
  }

  /**
   * One thing at a time, and nothing before what was decided before is stored: several judges tell, and each look at the
   * groups depends on the one before.
   */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#last
      .catch(() => {})
      .then(async () => {
        await this.#restore()
        await this.#save()
        await work()
      })
    this.#last = done
    return done
  }

  async #restore(): Promise<void> {
    if (this.#restored) return
    const { store, now } = this.#options
    const nowMs = now()
    const open = openAlertsQuestion()
    const [groups, untold, undelivered, alerts] = await Promise.all([
      storedGroups(store, nowMs),
      storedUntold(store, nowMs),
      storedUndelivered(store, nowMs),
      store.query(open.sql, open.params),
    ])
    const firing = alerts.map(eventOfRow).filter((event) => event.state !== 'pending' && !isOnce({ event }))
    await this.#holds.restore(firing, nowMs)
    for (const group of groups) this.#keepGroup(group)
    for (const { event, channel, once } of untold) this.#place(event, channel, once)
    this.#restored = true
    for (const { notice, channel, attempts } of undelivered) await this.#send(notice, channel, attempts)
  }

  /** The events that are not stored yet. */
  async #unknown(told: readonly Told[]): Promise<Told[]> {
    if (told.length === 0) return []
    const { sql, params } = knownEventsQuestion(told.map(({ event }) => event.id))
    const known = new Set((await this.#options.store.query(sql, params)).map(({ id }) => id))
    return told.filter(({ event: { id } }) => !known.has(id) && known.add(id))
  }

  #take(told: Told): void {
    const { event, receivers } = told
    const once = isOnce(told)
    judged.events.inc({ state: event.state })
    this.#options.log.info({ rule: event.rule, state: event.state, labels: event.labels }, event.summary)
    if (!once) this.#holds.take(event)
    for (const channel of receivers) this.#place(event, channel, once)
  }

  /** An alert stays in its group while that is open, whatever the configuration says now. */
  #place(event: AlertEvent, channel: string, once: boolean): void {
    const present = [...this.#groups.values()].find(
      (group) => group.channel === channel && group.lastMs !== undefined && group.members.has(event.fingerprint),
    )
    const empty = groupOf(event, channel, this.#config.grouping.by, once)
    this.#keepGroup(withEvent(present ?? this.#groups.get(keyOf(empty)) ?? empty, event, once))
  }

  #keepGroup(group: Group): void {
    if (group.members.size === 0) this.#groups.delete(keyOf(group))
    else this.#groups.set(keyOf(group), group)
  }

  /** Looks at every group; what is due is stored, then sent. */
  async #decide(): Promise<void> {
    const { store, log, rule, externalUrl, now } = this.#options
    const nowMs = now()
    const mutedBy = this.#holds.at(nowMs)
    const turns: Turn[] = []
    for (const group of this.#groups.values()) {
      const next = turn(group, this.#groupingOf(group), nowMs, mutedBy)
      if (next.draft !== undefined || next.silent !== undefined) turns.push(next)
      else this.#keepGroup(next.group)
    }
    if (turns.length === 0) return
    const failed = (error: unknown) =>
      log.warn({ error: String(error) }, 'a notice says less: the store did not answer')
    const composing = { store, rule, externalUrl, nowMs, failed, contexts: new Map() }
    const made = await Promise.all(
      turns.map(async (next) => {
        const notice = next.draft && (await composed(next.group, next.draft, composing))
        return { next, notice, rows: rowsOfTurn(next, notice, nowMs) }
      }),
    )
    const rows = made.flatMap((one) => one.rows)
    const done = async () => {
      for (const { next, notice } of made) {
        this.#keepGroup(next.group)
        if (next.silent !== undefined) judged.notices.inc({ reason: 'muted' })
        if (notice === undefined) continue
        judged.notices.inc({ reason: notice.reason })
        await this.#send(noticeOf(JSON.stringify(notice)), next.group.channel)
      }
    }
    await this.#save({ table: 'alert_notices', rows, token: `notices-${digest(rows.map(({ id }) => id))}`, done })
  }

  /** Stores what is not stored yet, and then this. */
  async #save(unsaved?: Unsaved): Promise<void> {
    for (const next of [this.#unsaved, unsaved]) {
      if (next === undefined) continue
      this.#unsaved = next
      await this.#options.store.insert(next.table, next.rows, next.token)
      this.#unsaved = undefined
      await next.done()
    }
  }

  async #send(notice: Notice, channel: string, attempts = 0): Promise<void> {
    if (this.#notifier.send(notice, channel, attempts)) return
    const error = `there is no channel ${channel} any more`
    this.#options.log.error({ notice: notice.id, channel }, error)
    await this.#record(notice, channel, { attempt: attempts, done: true, status: 0, error })
  }

  async #record({ id }: Notice, channel: string, { attempt, done, status, error }: Attempt): Promise<void> {
    const row = { ts: timeText(this.#options.now()), event_id: id, channel, attempt, done, status, error }
    await this.#options.store.insert('alert_deliveries', [row], `delivery-${id}-${channel}-${attempt}-${done}`)
  }
}

function keyOf({ channel, key }: Group): string {
  return JSON.stringify([channel, key])
}

function digest(ids: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(ids)).digest('hex')
}
