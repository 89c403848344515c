import type { CalendarDate, CalendarUnit } from '../judge/calendar.ts'
import type { Matcher } from './matcher.ts'
import { defaultRetention, type Retention } from './retention.ts'

/** How the tables are laid out: on one server, on replicas of one shard, or in ClickHouse Cloud. */
export const profiles = ['single', 'replicated', 'cloud'] as const
export type ProfileName = (typeof profiles)[number]

/** Where a listener binds. */
export interface Address {
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
}

/** Whole numbers, so that no count is ever compared with a rounded one. */
export interface Fraction {
  readonly numerator: number
  readonly denominator: number
}

/** A percentage as a fraction. */
export interface Share extends Fraction {
  /** As written: `99.5%`. */
  readonly text: string
}

export const scopes = ['ingest', 'read', 'admin', 'consumer'] as const

export interface Token {
  readonly name: string
  /** `ingest` may send calls, `read` may ask, `admin` may also change rules, `consumer` sees what concerns one consumer. */
  readonly scope: (typeof scopes)[number]
  /** Of the token, in lower-case hexadecimal; the token itself is nowhere. */
  readonly sha256: string
  /** Environment that calls sent with this token belong to. */
  readonly env: string | undefined
  /** Of the scope `consumer`: whose it is. */
  readonly consumer?: string | undefined
}

export interface Consumer {
  readonly id: string
  readonly name: string
  readonly plan: string | undefined
  /** SHA-256 of each API key of this consumer, in lower-case hexadecimal. */
  readonly keys: readonly string[]
  /** IANA name; its months are the consumer's quota months. */
  readonly timeZone: string
  /** In the place of those of its plan that have the same name, and beside the others. */
  readonly quotas: readonly Quota[]
}

/** How a call ended. */
export const outcomes = ['ok', 'client_error', 'server_error', 'timeout', 'aborted'] as const
export type Outcome = (typeof outcomes)[number]

export const sums = ['calls', 'units', 'request_bytes', 'response_bytes', 'bytes'] as const
export const distincts = ['operation', 'route', 'path', 'client_address'] as const

/** What a quota counts: a sum over calls, or the different values of a column or of an attribute of theirs. */
export type Meter =
  | { readonly text: string; readonly sum: (typeof sums)[number] }
  | { readonly text: string; readonly distinct: (typeof distincts)[number] }
  | { readonly text: string; readonly attribute: string }

/** Which calls count, and how. */
export interface Metered {
  readonly meter: Meter
  /** `*` stands for any text. */
  readonly operation: string | undefined
  /** Undefined: all. */
  readonly outcomes: readonly Outcome[] | undefined
}

export interface Quota extends Metered {
  readonly name: string
  readonly limit: number
  /** As written, for people: `month`, `1m`, `30d`. */
  readonly per: string
  /** A period of the calendar in the consumer's time zone, or the last so many milliseconds. */
  readonly window: CalendarUnit | { readonly rollingMs: number }
  /** The day or date on which calendar periods begin. */
  readonly anchor: number | CalendarDate
  /** Hard: for a gateway to enforce. Callsight itself refuses nothing. */
  readonly kind: 'hard' | 'soft'
  /** Shares of the limit that are told of once a period, in ascending order. */
  readonly thresholds: readonly Share[]
  /** Names of channels, or http(s) URLs. */
  readonly notify: readonly string[]
}

export interface Plan {
  readonly name: string
  readonly quotas: readonly Quota[]
}

/** Which calls a promise counts, and which of those failed. A status that is named decides before the outcome does. */
export interface GoodRule {
  readonly failed: readonly Outcome[]
  readonly failedStatuses: readonly number[]
  /** Statuses that are no failure whatever their outcome: a 501 that is as it should be. */
  readonly goodStatuses: readonly number[]
  /** Neither good nor bad. */
  readonly notCounted: readonly Outcome[]
  readonly notCountedStatuses: readonly number[]
}

/** How good calls are counted: each for itself; slices of time that are good or bad; the mean of slices' shares. */
export const methods = ['occurrences', 'timeslices', 'ratio_timeslices'] as const
export type Method = (typeof methods)[number]

export const calendarWindows = ['day', 'week', 'month', 'quarter', 'year'] as const
export type CalendarWindow = (typeof calendarWindows)[number]

/** Time that does not count, from start (inclusive) to end (exclusive): whole minutes, epoch milliseconds. */
export interface Exclusion {
  readonly fromMs: number
  readonly toMs: number
  readonly reason: string
}

/** How contracts count: three that are in wide use, and plainly good calls over all calls. */
export const formulas = ['aws', 'twilio', 'google', 'calls'] as const

/** Below this attainment, this share of the month's fee is due. */
export interface CreditTier {
  readonly below: Share
  readonly credit: Share
}

/** How a month of a promise is counted for the one it was made to, and what is due when it is broken. */
export interface Contract {
  readonly formula: (typeof formulas)[number]
  /** Milliseconds, a divisor of an hour. */
  readonly sliceMs: number
  /** What a slice without calls counts as. */
  readonly empty: 'good' | 'ignore' | 'bad'
  /** twilio: a minute whose share of good calls is lower is unavailable. */
  readonly unavailableBelow: Share | undefined
  /** A slice with fewer calls counts as one without; google: an hour with fewer is judged with its day. */
  readonly minCalls: number
  /** What happens in excluded time: failures are forgiven and good calls stay, or nothing of it counts. */
  readonly excluded: 'forgive' | 'ignore'
  /** The lowest `below` first. */
  readonly credits: readonly CreditTier[]
  /** The most that is due. */
  readonly cap: Share | undefined
}

/** A promise: of the calls in the window, at least `target` are good. */
export interface Objective {
  readonly name: string
  readonly service: string | undefined
  /** `*` stands for any text. */
  readonly operation: string | undefined
  /** The one consumer it is made to. */
  readonly consumer: string | undefined
  /** `consumer`: one promise to each; undefined: one over all. */
  readonly per: 'consumer' | undefined
  /** A good call did not fail and, where this is given, took less. */
  readonly latencyBelowUs: number | undefined
  /** Which calls count, and which of them failed. */
  readonly good: GoodRule
  readonly target: Share
  /** As written, for people: `30d`, `month`. */
  readonly window: string
  /** Of a calendar window its usual length, which burn rates are scaled by: a month has 30 days. */
  readonly windowMs: number
  /** Undefined: rolling. */
  readonly calendar: CalendarWindow | undefined
  /** Of a calendar window: IANA name. Consumers of the file have their own. */
  readonly timeZone: string
  readonly method: Method
  /** Length of a slice; of no meaning for occurrences. */
  readonly sliceMs: number
  /** A slice is good when at least this share of its calls is; for timeslices. */
  readonly sliceTarget: Share | undefined
  /** What a slice without calls is. */
  readonly empty: 'good' | 'ignore' | 'bad'
  readonly exclude: readonly Exclusion[]
  /** A burn rate alerts only on at least so many calls … */
  readonly minCalls: number
  /** … and so many bad ones, in its long window. */
  readonly minBad: number
  /** Who is told when the budget burns: names of channels, or http(s) URLs. */
  readonly notify: readonly string[]
  /** Of the two fast pairs of burn rates; the slow ones are tickets. */
  readonly severity: string
  /** How its SLA statements count; undefined: by the method of the objective itself. */
  readonly contract: Contract | undefined
}

/** What an alert may be split by. */
export const alertLabels = [
  'service',
  'env',
  'version',
  'operation',
  'consumer',
  'plan',
  'style',
  'method',
  'route',
  'peer',
  'status',
  'error_code',
] as const
export type AlertLabel = (typeof alertLabels)[number]

export type Comparison = '>' | '>=' | '<' | '<='

/** What a percentile is of. */
export type Measure = 'duration' | 'ttfb' | 'request_bytes' | 'response_bytes'

/** `us`: microseconds; `share`: of 1. */
export type Unit = 'us' | 'share' | 'bytes' | 'calls' | 'per_second' | 'factor'

/** `p95 > 300ms`, `error_rate > 5%`. */
export interface Condition {
  /** As written, with one blank beside the comparison. */
  readonly text: string
  readonly metric:
    | 'percentile'
    | 'avg'
    | 'max'
    | 'error_rate'
    | 'rps'
    | 'calls'
    | 'quota_used'
    | 'quota_forecast'
    | 'burn_rate'
    | 'silence'
  /** Of the metric `percentile` only. */
  readonly percentile: { readonly share: Share; readonly measure: Measure } | undefined
  readonly comparison: Comparison
  /** What is unusual for the time of the week breaks it, by this score and more; there is no threshold then. */
  readonly anomaly?: { readonly score: Fraction } | undefined
  /**
   * In `unit`; undefined: the pairs of burn rates that the objective itself asks for, or what is usual.
   */
  readonly threshold: Fraction | undefined
  readonly unit: Unit
}

/** What becomes of an alert when there are too few calls to say anything. */
export const noDataPolicies = ['ok', 'keep', 'alert'] as const
export type NoData = (typeof noDataPolicies)[number]

export interface AlertRule {
  readonly name: string
  readonly when: Condition
  /** Calls that ended in this long before now are judged. */
  readonly overMs: number
  /** How long the condition must hold before the alert fires. */
  readonly forMs: number
  /** How long a firing alert outlives its condition. */
  readonly keepFiringForMs: number
  /** A firing alert is over at this value, in the unit of the condition; undefined: at the threshold. */
  readonly recover: Fraction | undefined
  /** With fewer calls in the window the condition does not hold. */
  readonly minCalls: number
  /** The condition holds when it does in so many of the last windows. */
  readonly points: { readonly needed: number; readonly of: number }
  /** How sure an error rate or a percentile must be beyond its threshold; undefined: the measured value decides. */
  readonly confidence: Share | undefined
  readonly noData: NoData
  readonly direction: 'in' | 'out'
  readonly service: string | undefined
  /** `*` stands for any text. */
  readonly operation: string | undefined
  readonly consumer: string | undefined
  readonly env: string | undefined
  readonly plan: string | undefined
  readonly style: string | undefined
  /** Host of the other side, of outgoing calls. */
  readonly peer: string | undefined
  readonly groupBy: readonly AlertLabel[]
  /** Of a burn rate: the objective's name. */
  readonly objective: string | undefined
  /** Of a burn rate without a threshold: the objective's pairs of this severity; undefined: all of them. */
  readonly pairs?: 'page' | 'ticket' | undefined
  /** Of the use of quotas: the quota's name; undefined: every quota. */
  readonly quota: string | undefined
  readonly severity: string
  /** The rule's own labels, beside those that say what an alert is about. */
  readonly labels: Readonly<Record<string, string>>
  /** Text for those who are told, `runbook_url` among it. */
  readonly annotations: Readonly<Record<string, string>>
  /** Names of channels, or http(s) URLs. */
  readonly notify: readonly string[]
}

interface Receiver {
  readonly name: string
  /** Private addresses are allowed to this channel, but for those that must be named. See notify/guard.ts. */
  readonly allowPrivate: boolean
}

/** Alertmanager's webhook document, version 4. */
export interface WebhookChannel extends Receiver {
  readonly kind: 'webhook'
  /** http(s) URL; it may hold credentials, so it is never logged whole. */
  readonly url: string
  /** Each `whsec_` and base64, or plain text; every one signs. None: notices are not signed. */
  readonly secrets: readonly string[]
}

/** By an incoming webhook, or by an application's token: only the latter can update and thread. */
export interface SlackChannel extends Receiver {
  readonly kind: 'slack'
  /** Of the webhook, or the base of Slack's Web API. */
  readonly url: string
  readonly application: { readonly token: string; readonly channel: string } | undefined
}

export interface TeamsChannel extends Receiver {
  readonly kind: 'teams'
  readonly url: string
}

/** What PagerDuty knows of severities. */
export const pagerDutySeverities = ['critical', 'error', 'warning', 'info'] as const
export type PagerDutySeverity = (typeof pagerDutySeverities)[number]

export interface PagerDutyChannel extends Receiver {
  readonly kind: 'pagerduty'
  readonly url: string
  readonly routingKey: string
  /** By a rule's severity. */
  readonly severity: Readonly<Record<string, PagerDutySeverity>>
}

export interface EmailChannel extends Receiver {
  readonly kind: 'email'
  readonly to: readonly string[]
  readonly from: string
  /** smtp: or smtps: URL, with user and password where the server wants them. */
  readonly smtp: string
  /** Certificate authorities in PEM, beside those that Node knows. */
  readonly ca: string | undefined
}

export interface AlertmanagerChannel extends Receiver {
  readonly kind: 'alertmanager'
  /** Where Alertmanager answers; `/api/v2/alerts` is added. */
  readonly url: string
}

/** Any service that takes a POST: Discord and Telegram are templates that come along. */
export interface TemplateChannel extends Receiver {
  readonly kind: 'template' | 'discord' | 'telegram'
  readonly url: string
  readonly method: 'POST' | 'PUT' | 'PATCH'
  readonly headers: Readonly<Record<string, string>>
  /** With {{placeholders}}: text as it is sent, or what is sent as JSON. */
  readonly body: unknown
  /** How text is made safe for its readers. */
  readonly format: 'plain' | 'markdown' | 'html'
  /** Longest {{text}}, in characters. */
  readonly maxChars: number
}

export type Channel =
  | WebhookChannel
  | SlackChannel
  | TeamsChannel
  | PagerDutyChannel
  | EmailChannel
  | AlertmanagerChannel
  | TemplateChannel

/** Which alerts are told together, and when. */
export interface Grouping {
  /** Labels, `alertname` and `severity` among them; none: all alerts of a channel are one group. */
  readonly by: readonly string[]
  /** From a group's first alert to its first notice. */
  readonly waitMs: number
  /** From a notice to the next one that tells what has changed since. */
  readonly intervalMs: number
  /** From a notice to the next one while nothing changes. */
  readonly repeatMs: number
}

/** A time of the week on a clock: of these days, from a minute of the day to another, which may be on the next day. */
export interface WeeklyTime {
  /** 0 is Sunday. */
  readonly days: readonly number[]
  readonly fromMinute: number
  readonly toMinute: number
}

/** When alerts are judged and not told. */
export interface Maintenance {
  readonly name: string
  /** All must hold; none: every alert. */
  readonly matchers: readonly Matcher[]
  /** Epoch milliseconds; undefined: open on that side. */
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  /** None: at every moment between from and to. */
  readonly weekly: readonly WeeklyTime[]
  /** IANA name of the clock. */
  readonly timeZone: string
}

/** While a source fires, targets that agree with it in all of `equal` are not told. */
export interface Inhibition {
  readonly source: readonly Matcher[]
  readonly target: readonly Matcher[]
  readonly equal: readonly string[]
}

/** callsight.yaml, read and checked: durations are milliseconds, shares are fractions, every list is there. */
export interface Config {
  readonly store: {
    readonly url: string
    /** False: the collector starts although a repeated insert may count twice. */
    readonly exactlyOnce: boolean
    /** Undefined: as the server looks. */
    readonly profile?: ProfileName | undefined
    /** Of `system.clusters`, for the replicated profile. */
    readonly cluster?: string | undefined
  }
  /** How long each kind of data is kept. */
  readonly retention: Retention
  readonly listen: { readonly otlp: Address; readonly grpc: Address; readonly web: Address }
  readonly tokens: readonly Token[]
  readonly consumers: readonly Consumer[]
  readonly plans: readonly Plan[]
  readonly objectives: readonly Objective[]
  /** Files of OpenSLO as written; what they say is among the objectives and alerts. */
  readonly openslo: readonly string[]
  readonly alerts: readonly AlertRule[]
  readonly channels: readonly Channel[]
  readonly notices: {
    /** Ranges of private addresses that notices may go to: `10.0.0.0/8`. */
    readonly allowPrivate: readonly string[]
  }
  readonly grouping: Grouping
  readonly maintenance: readonly Maintenance[]
  readonly inhibit: readonly Inhibition[]
  /** http(s) URL that is asked for every minute while judging works. */
  readonly heartbeat: string | undefined
  /** http(s) URL under which people find the viewer, without a slash at its end; undefined: where it listens. */
  readonly externalUrl: string | undefined
}

/**
 * Alertmanager's numbers, but that a group's first notice does not wait: one look of the judge sees all alerts, so what
 * breaks together is told together all the same, and a page is not late.
 */
export const defaultGrouping: Grouping = Object.freeze({
  by: Object.freeze(['alertname']),
  waitMs: 0,
  intervalMs: 5 * 60_000,
  repeatMs: 4 * 3600_000,
})

/** What holds without a file. */
export const defaultConfig: Config = Object.freeze({
  store: Object.freeze({ url: 'embedded:./callsight-data', exactlyOnce: true }),
  retention: defaultRetention,
  listen: Object.freeze({
    otlp: Object.freeze({ host: '127.0.0.1', port: 4318 }),
    grpc: Object.freeze({ host: '127.0.0.1', port: 4317 }),
    web: Object.freeze({ host: '127.0.0.1', port: 4319 }),
  }),
  tokens: Object.freeze([]),
  consumers: Object.freeze([]),
  plans: Object.freeze([]),
  objectives: Object.freeze([]),
  openslo: Object.freeze([]),
  alerts: Object.freeze([]),
  channels: Object.freeze([]),
  notices: Object.freeze({ allowPrivate: Object.freeze([]) }),
  grouping: defaultGrouping,
  maintenance: Object.freeze([]),
  inhibit: Object.freeze([]),
  heartbeat: undefined,
  externalUrl: undefined,
})
