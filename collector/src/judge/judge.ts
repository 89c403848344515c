import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { openAlertsQuestion, receiversQuestion, undeliveredQuestion } from '../aggregate/history.ts'
import type { AlertRule, Channel, Config } from '../config/config.ts'
import { limits } from '../limits.ts'
import { Notifier, receiverName } from '../notify/notifier.ts'
import type { Attempt } from '../notify/queue.ts'
import type { Row, Store } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import { judgeRules } from './alert/round.ts'
import { alertOfEvent, eventOfRow, rowOfEvent } from './alert/row.ts'
import { type PlacedRule, placedRules, storedRules, storeRule } from './alert/rules.ts'
import { type Alert, type AlertEvent, abandon } from './alert/step.ts'
import { type Clock, startClock } from './clock.ts'
import { Keeper } from './keeper.ts'
import { judged } from './metrics.ts'
import { ObjectiveBook } from './objective/book.ts'
import { type ObjectiveStanding, objectiveRow } from './objective/standing.ts'
import { type QuotaStanding, quotaRow, quotaStandings } from './quota/standing.ts'

export interface JudgeOptions {
  readonly store: Store
  readonly config: Config
  readonly log: Logger
  /** Where people find this collector, for the links in notices. */
  readonly externalUrl: () => string
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
}

/** Starts judging at once and then every few seconds until `stop`. */
export function startJudge(options: JudgeOptions): Judge {
  const judge = new Judge(options)
  judge.start()
  return judge
}

/** An event with those who are to be told of it. */
interface Told {
  readonly event: AlertEvent
  readonly receivers: readonly string[]
}

/** What a judgement found, until it is stored. */
interface Findings {
  readonly alerts: Map<string, Alert>
  readonly told: readonly Told[]
  /** The rules that were judged. */
  readonly rules: readonly AlertRule[]
}

/**
 * Asks the store, lets the pure parts decide, keeps what they decided, then tells. An event and the intention to tell
 * of it are stored before anything is sent, and nothing counts as decided before it is stored: whatever interrupts this,
 * the next start goes on from the tables, with the same ids.
 */
export class Judge {
  readonly #store: Store
  readonly #log: Logger
  readonly #now: () => number
  readonly #notifier: Notifier
  readonly #objectives: Keeper<ObjectiveStanding>
  readonly #quotas: Keeper<QuotaStanding>
  #config: Config
  #stored: readonly AlertRule[] = []
  #alerts = new Map<string, Alert>()
  #unsaved: Findings | undefined
  #restored: Promise<void> | undefined
  #clocks: readonly Clock[] = []

  constructor({ store, config, log, externalUrl, now = Date.now }: JudgeOptions) {
    this.#store = store
    this.#config = config
    this.#log = log
    this.#now = now
    const book = new ObjectiveBook(store)
    this.#objectives = new Keeper(store, {
      what: 'objectives',
      table: 'objective_states',
      key: ['objective', 'consumer'],
      // What has not arrived of the minute under way comes in with the next look.
      lagMs: 0,
      standings: (config, atMs) => book.standings(config, atMs),
      row: objectiveRow,
    })
    this.#quotas = new Keeper(store, {
      what: 'quotas',
      table: 'quota_states',
      key: ['consumer', 'quota', 'per'],
      standings: (config, atMs) => quotaStandings(store, config, atMs),
      row: quotaRow,
    })
    const record = (event: AlertEvent, channel: string, attempt: Attempt) => this.#record(event, channel, attempt)
    this.#notifier = new Notifier({ record, externalUrl, log, now })
    this.#configureNotifier()
  }

  /** Each kind has a clock of its own, so that a costly objective does not hold up an alert. */
  start(): void {
    const clock = (what: string, judge: () => Promise<void>) =>
      startClock(limits.tickMs, judge, (error) => this.#failed(what, error))
    this.#clocks = [
      clock('alert', () => this.judgeAlerts()),
      clock('objective', () => this.judgeObjectives()),
      clock('quota', () => this.judgeQuotas()),
    ]
  }

  /** Waits for the judgements and the deliveries under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#clocks.map((clock) => clock.stop()))
    await this.#notifier.stop()
  }

  /** Takes a new configuration from the next judgement on. Alerts of rules that are gone are resolved then. */
  setConfig(config: Config): void {
    this.#config = config
    this.#objectives.hurry()
    this.#quotas.hurry()
    this.#configureNotifier()
  }

  get config(): Config {
    return this.#config
  }

  rules(): PlacedRule[] {
    return placedRules(this.#config, this.#stored)
  }

  /** The alerts that are pending or firing. */
  alerts(): Alert[] {
    return [...this.#alerts.values()]
  }

  objectives(): readonly ObjectiveStanding[] {
    return this.#objectives.standings
  }

  quotas(): readonly QuotaStanding[] {
    return this.#quotas.standings
  }

  /**
   * Adds a rule that does not come from the file.
   *
   * @param written the rule as the file would have it, which is what is kept
   */
  async addRule(rule: AlertRule, written: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#restore()
    await storeRule(this.#store, rule.name, written, this.#now())
    this.#stored = [...this.#stored.filter(({ name }) => name !== rule.name), rule]
    this.#configureNotifier()
  }

  /** Removes a rule that does not come from the file. */
  async removeRule(name: string): Promise<void> {
    await this.#restore()
    await storeRule(this.#store, name, undefined, this.#now())
    this.#stored = this.#stored.filter((rule) => rule.name !== name)
  }

  /** One judgement of all alerts, as of now. */
  async judgeAlerts(): Promise<void> {
    const stopTimer = judged.seconds.startTimer({ what: 'alerts' })
    await this.#restore()
    await this.#save()
    this.#unsaved = await this.#stepAlerts(this.#now())
    await this.#save()
    stopTimer()
  }

  /** One judgement of all objectives, as of now; less often than asked for when it takes long. */
  judgeObjectives(): Promise<void> {
    return this.#objectives.judge(this.#config, this.#now())
  }

  /** One judgement of all quotas, likewise. */
  judgeQuotas(): Promise<void> {
    return this.#quotas.judge(this.#config, this.#now())
  }

  /** Reads what an earlier run left: the rules, the alerts that are not over, and the notices on their way. */
  #restore(): Promise<void> {
    this.#restored ??= this.#readState().catch((error: unknown) => {
      this.#restored = undefined
      throw error
    })
    return this.#restored
  }

  async #readState(): Promise<void> {
    this.#stored = await storedRules(this.#store, (name, fault) => {
      this.#log.error({ rule: name, fault }, 'this stored alert rule is not judged: remove it and add it anew')
    })
    this.#configureNotifier()
    const open = openAlertsQuestion()
    const events = (await this.#store.query(open.sql, open.params)).map(eventOfRow)
    this.#alerts = new Map(events.map((event) => [event.fingerprint, alertOfEvent(event)]))
    const undelivered = undeliveredQuestion(this.#now())
    for (const row of await this.#store.query(undelivered.sql, undelivered.params)) {
      await this.#send(eventOfRow(row), String(row.channel), Number(row.attempts))
    }
  }

  async #stepAlerts(nowMs: number): Promise<Findings> {
    const rules = this.rules().map(({ rule }) => rule)
    const { alerts, events } = await judgeRules({
      store: this.#store,
      rules,
      alerts: this.#alerts,
      nowMs,
      toMs: nowMs - limits.lagMs,
      failed: (rule, error) => this.#failed('alert', error, rule.name),
    })
    const told: Told[] = events.map(({ rule, event }) => {
      return { event, receivers: isNews(event) ? rule.notify.map(receiverName) : [] }
    })
    const names = new Set(rules.map(({ name }) => name))
    for (const alert of this.#alerts.values()) {
      if (names.has(alert.rule)) continue
      const { sql, params } = receiversQuestion(alert.fingerprint)
      const receivers = (await this.#store.query(sql, params)).map((row) => String(row.channel))
      const event = abandon(alert, nowMs)
      alerts.delete(alert.fingerprint)
      told.push({ event, receivers: isNews(event) ? receivers : [] })
    }
    return { alerts, told, rules }
  }

  /** Stores the findings, makes them the state of things, and tells. Repeated by the next judgement when it fails. */
  async #save(): Promise<void> {
    if (this.#unsaved === undefined) return
    const { alerts, told, rules } = this.#unsaved
    const token = createHash('sha256')
      .update(told.map(({ event }) => event.id).join())
      .digest('hex')
    const intentions = told.flatMap(({ event, receivers }) => receivers.map((channel) => intention(event, channel)))
    // Intentions come first: one without its event is ignored, an event without its intention would be a lost notice.
    await this.#store.insert('alert_deliveries', intentions, `intentions-${token}`)
    await this.#store.insert(
      'alert_events',
      told.map(({ event }) => rowOfEvent(event)),
      `events-${token}`,
    )
    this.#alerts = alerts
    this.#unsaved = undefined
    for (const { event, receivers } of told) {
      judged.events.inc({ state: event.state })
      this.#log.info({ rule: event.rule, state: event.state, labels: event.labels }, event.summary)
      for (const receiver of receivers) await this.#send(event, receiver)
    }
    // A rule removed since it was judged still has to tell of its end.
    this.#notifier.keep(new Set(this.#receivers(rules).map(({ name }) => name)))
  }

  async #send(event: AlertEvent, receiver: string, attempts = 0): Promise<void> {
    if (this.#notifier.send(event, receiver, attempts)) return
    const error = `there is no channel ${receiver} any more`
    this.#log.error({ rule: event.rule, channel: receiver }, error)
    await this.#record(event, receiver, { attempt: attempts, done: true, status: 0, error })
  }

  async #record({ id }: AlertEvent, channel: string, { attempt, done, status, error }: Attempt): Promise<void> {
    const row = { ts: timeText(this.#now()), event_id: id, channel, attempt, done, status, error }
    await this.#store.insert('alert_deliveries', [row], `delivery-${id}-${channel}-${attempt}-${done}`)
  }

  #configureNotifier(): void {
    this.#notifier.configure(this.#receivers(this.rules().map(({ rule }) => rule)))
  }

  /** The channels of the file, and the URLs that rules name. */
  #receivers(rules: readonly AlertRule[]): Channel[] {
    const urls = rules.flatMap(({ notify }) => notify.filter((receiver) => receiver.includes('://')))
    return [
      ...this.#config.channels,
      ...urls.map((url) => ({ name: receiverName(url), webhook: url, secret: undefined })),
    ]
  }

  #failed(what: string, error: unknown, rule?: string): void {
    judged.failures.inc({ what })
    this.#log.error({ what, rule, error: error instanceof Error ? error.message : String(error) }, 'judging failed')
  }
}

/** Pending and inactive are kept for the record; nobody is woken for them. */
function isNews(event: AlertEvent): boolean {
  return event.state === 'firing' || event.state === 'resolved'
}

/** "To be delivered": an attempt number 0, which was none. */
function intention(event: AlertEvent, channel: string): Row {
  return { ts: timeText(event.atMs), event_id: event.id, channel, attempt: 0, done: false, status: 0, error: '' }
}
