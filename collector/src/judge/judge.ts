import type { Logger } from 'pino'
import { openAlertsQuestion, receiversQuestion } from '../aggregate/history.ts'
import type { AlertRule, Channel, Config } from '../config/config.ts'
import { limits } from '../limits.ts'
import { webhookChannel } from '../notify/channels/webhook.ts'
import { allowPrivateOf } from '../notify/guard.ts'
import { receiverName } from '../notify/notifier.ts'
import type { Store } from '../store/store.ts'
import { Reader } from './alert/reader.ts'
import { judgeRules } from './alert/round.ts'
import { alertOfEvent, eventOfRow } from './alert/row.ts'
import { type PlacedRule, placedRules, storedRules, storeRule } from './alert/rules.ts'
import { type Alert, abandon, newsOf } from './alert/step.ts'
import { type Watermark, watermark } from './alert/watermark.ts'
import { type Clock, startClock } from './clock.ts'
import { beat } from './heartbeat.ts'
import { Keeper } from './keeper.ts'
import { judged } from './metrics.ts'
import { ObjectiveBook } from './objective/book.ts'
import { type ObjectiveStanding, objectiveRow } from './objective/standing.ts'
import type { Correction } from './quota/corrections.ts'
import { type ConsumerUsage, Quotas } from './quota/quotas.ts'
import { type QuotaStanding, quotaRow } from './quota/standing.ts'
import type { Silence } from './silence/silence.ts'
import { Teller, type Told } from './tell.ts'

export interface JudgeOptions {
  readonly store: Store
  readonly config: Config
  readonly log: Logger
  /** Where people find this collector, for the links in notices. */
  readonly externalUrl: () => string
  /** Epoch milliseconds; the system's clock by default. */
  readonly now?: () => number
  /** The time before which every acknowledged call is stored, epoch milliseconds; now by default. */
  readonly arrivedMs?: () => number
}

/** Starts judging at once and then every few seconds until `stop`. */
export function startJudge(options: JudgeOptions): Judge {
  const judge = new Judge(options)
  judge.start()
  return judge
}

/** What a judgement found, until it is stored. */
interface Findings {
  readonly alerts: Map<string, Alert>
  readonly told: readonly Told[]
  /** The rules that were judged. */
  readonly rules: readonly AlertRule[]
  /** How many could not be. */
  readonly failures: number
}

/**
 * Asks the store, lets the pure parts decide, and has what they decided stored and told. Nothing counts as decided
 * before it is stored: whatever interrupts this, the next start goes on from the tables.
 */
export class Judge {
  readonly #store: Store
  readonly #log: Logger
  readonly #now: () => number
  readonly #arrivedMs: () => number
  readonly #reader: Reader
  readonly #teller: Teller
  readonly #objectives: Keeper<ObjectiveStanding>
  readonly #quotas: Quotas
  readonly #quotaKeeper: Keeper<QuotaStanding>
  #config: Config
  #stored: readonly AlertRule[] = []
  #alerts = new Map<string, Alert>()
  #unsaved: Findings | undefined
  #restored: Promise<void> | undefined
  #clocks: readonly Clock[] = []
  #until: Watermark | undefined
  /** When all alerts were last judged, none of them failing. */
  #judgedMs: number | undefined

  constructor({ store, config, log, externalUrl, now = Date.now, arrivedMs = now }: JudgeOptions) {
    this.#store = store
    this.#config = config
    this.#log = log
    this.#now = now
    const book = new ObjectiveBook(store)
    this.#arrivedMs = arrivedMs
    this.#reader = new Reader(store, { objectives: () => this.objectives(), quotas: () => this.quotas() })
    this.#objectives = new Keeper(store, {
      what: 'objectives',
      table: 'objective_states',
      key: ['objective', 'consumer'],
      // What has not arrived of the minute under way comes in with the next look.
      lagMs: 0,
      standings: (config, atMs) => book.standings(config, atMs),
      row: objectiveRow,
    })
    const rule = (name: string) => this.rules().find((placed) => placed.rule.name === name)?.rule
    const url = () => this.#config.externalUrl ?? externalUrl()
    this.#teller = new Teller({ store, log, externalUrl: url, now, config, rule })
    this.#quotas = new Quotas({
      store,
      tell: (told) => this.#tell(told.map((one) => ({ ...one, once: true }))),
      failed: (error) => this.#failed('quota', error),
    })
    this.#quotaKeeper = new Keeper(store, {
      what: 'quotas',
      table: 'quota_states',
      key: ['consumer', 'quota', 'per'],
      standings: (config, atMs) => this.#quotas.judge(config, atMs, now()),
      row: quotaRow,
    })
    this.#configureTeller()
  }

  /** Each kind has a clock of its own, so that a costly objective does not hold up an alert. */
  start(): void {
    const clock = (what: string, judge: () => Promise<void>, everyMs: number = limits.tickMs) =>
      startClock(everyMs, judge, (error) => this.#failed(what, error))
    this.#clocks = [
      clock('alert', () => this.judgeAlerts()),
      clock('objective', () => this.judgeObjectives()),
      clock('quota', () => this.judgeQuotas()),
      // Repetitions and the ends of silences come at their time, whatever judging takes.
      clock('notice', () => this.#tell([])),
      clock('heartbeat', () => this.judgeHeartbeat(), limits.heartbeatMs),
    ]
  }

  /** Waits for the judgements and the deliveries under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#clocks.map((clock) => clock.stop()))
    await this.#teller.stop()
  }

  /** Takes a new configuration from the next judgement on. Alerts of rules that are gone are resolved then. */
  setConfig(config: Config): void {
    this.#config = config
    this.#objectives.hurry()
    this.#quotaKeeper.hurry()
    this.#configureTeller()
  }

  get config(): Config {
    return this.#config
  }

  rules(): PlacedRule[] {
    return placedRules(this.#config, this.#stored)
  }

  /** Whether a rule on what is unusual found no history for this time of the week. */
  hasNoHistory(rule: AlertRule): boolean {
    return this.#reader.hasNoHistory(rule)
  }

  /** The alerts that are not over. */
  alerts(): Alert[] {
    return [...this.#alerts.values()]
  }

  objectives(): readonly ObjectiveStanding[] {
    return this.#objectives.standings
  }

  quotas(): readonly QuotaStanding[] {
    return this.#quotas.standings
  }

  /** What is known of a consumer's use without asking the store. */
  usage(consumer: string): ConsumerUsage | undefined {
    return this.#quotas.of(consumer)
  }

  /** Corrects a use. @throws KeyTaken when the key stands for another correction */
  correct(wanted: Parameters<Quotas['correct']>[0]): Promise<Correction> {
    return this.#quotas.correct(wanted, this.#now())
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
    this.#configureTeller()
  }

  /** Removes a rule that does not come from the file. */
  async removeRule(name: string): Promise<void> {
    await this.#restore()
    await storeRule(this.#store, name, undefined, this.#now())
    this.#stored = this.#stored.filter((rule) => rule.name !== name)
  }

  /** The silences that are not over, or ended lately, each with the number of alerts that it holds back now. */
  async silences(): Promise<{ silence: Silence; held: number }[]> {
    await this.#restore()
    return this.#teller.silences()
  }

  /** Adds a silence, or changes the one of its id. */
  async silence(silence: Silence): Promise<void> {
    await this.#restore()
    await this.#teller.silence(silence)
  }

  /** One judgement of all alerts, as of now. */
  async judgeAlerts(): Promise<void> {
    const stopTimer = judged.seconds.startTimer({ what: 'alerts' })
    await this.#restore()
    await this.#save()
    const nowMs = this.#now()
    this.#unsaved = await this.#stepAlerts(nowMs)
    const { failures } = this.#unsaved
    await this.#save()
    stopTimer()
    if (failures > 0) return
    this.#judgedMs = nowMs
    judged.lastSuccess.set({ what: 'alerts' }, nowMs / 1000)
  }

  /** One judgement of all objectives, as of now; less often than asked for when it takes long. */
  judgeObjectives(): Promise<void> {
    return this.#objectives.judge(this.#config, this.#now())
  }

  /** One judgement of all quotas, likewise. */
  async judgeQuotas(): Promise<void> {
    await this.#restore()
    await this.#quotaKeeper.judge(this.#config, this.#now())
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
    this.#configureTeller()
    const open = openAlertsQuestion()
    const events = (await this.#store.query(open.sql, open.params)).map(eventOfRow)
    this.#alerts = new Map(events.map((event) => [event.fingerprint, alertOfEvent(event)]))
    await this.#teller.restore()
  }

  async #stepAlerts(nowMs: number): Promise<Findings> {
    const rules = this.rules().map(({ rule }) => rule)
    let failures = 0
    const until = watermark(nowMs, this.#arrivedMs(), this.#until)
    judged.held.set(until.heldMs / 1000)
    if (until.partial && !this.#until?.partial) {
      this.#log.warn(
        { seconds: until.heldMs / 1000 },
        'calls wait for the store: alerts can fire, but none is resolved',
      )
    }
    this.#until = until
    const { alerts, events } = await judgeRules({
      reader: this.#reader,
      rules,
      alerts: this.#alerts,
      until,
      failed: (rule, error) => {
        failures++
        this.#failed('alert', error, rule.name)
      },
    })
    const told: Told[] = events.map(({ rule, event }) => {
      return { event, receivers: newsOf(event) !== undefined ? rule.notify.map(receiverName) : [] }
    })
    const names = new Set(rules.map(({ name }) => name))
    for (const alert of this.#alerts.values()) {
      if (names.has(alert.rule)) continue
      const { sql, params } = receiversQuestion(alert.fingerprint)
      const receivers = (await this.#store.query(sql, params)).map((row) => String(row.channel))
      const event = abandon(alert, nowMs)
      alerts.delete(alert.fingerprint)
      told.push({ event, receivers: newsOf(event) !== undefined ? receivers : [] })
    }
    return { alerts, told, rules, failures }
  }

  async #tell(told: readonly Told[]): Promise<void> {
    await this.#restore()
    await this.#teller.tell(told)
  }

  /** Tells the world outside that alerts are judged, if they are. */
  async judgeHeartbeat(): Promise<void> {
    const { heartbeat } = this.#config
    if (heartbeat === undefined) return
    const error = await beat(heartbeat, this.#judgedMs, this.#now(), allowPrivateOf(this.#config))
    if (error !== '') this.#log.warn({ error }, 'the heartbeat was not taken')
  }

  /** Stores the findings, makes them the state of things, and tells. Repeated by the next judgement when it fails. */
  async #save(): Promise<void> {
    if (this.#unsaved === undefined) return
    const { alerts, told, rules } = this.#unsaved
    await this.#teller.tell(told)
    this.#alerts = alerts
    this.#unsaved = undefined
    // A rule removed since it was judged still has to tell of its end.
    this.#teller.keep(this.#receivers(rules))
  }

  #configureTeller(): void {
    this.#teller.configure(this.#config, this.#receivers(this.rules().map(({ rule }) => rule)))
  }

  /** The channels of the file, and the URLs that rules, objectives and quotas name. */
  #receivers(rules: readonly AlertRule[]): Channel[] {
    const quotas = [...this.#config.plans, ...this.#config.consumers].flatMap((owner) => owner.quotas)
    const told = [...rules, ...quotas]
    const urls = told.flatMap(({ notify }) => notify.filter((receiver) => receiver.includes('://')))
    return [...this.#config.channels, ...urls.map((url) => webhookChannel(receiverName(url), url))]
  }

  #failed(what: string, error: unknown, rule?: string): void {
    judged.failures.inc({ what })
    this.#log.error({ what, rule, error: error instanceof Error ? error.message : String(error) }, 'judging failed')
  }
}
