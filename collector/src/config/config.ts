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

/** A share as a fraction of whole numbers, so that no count is ever compared with a rounded percentage. */
export interface Share {
  /** As written: `99.5%`. */
  readonly text: string
  readonly numerator: number
  readonly denominator: number
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
}

export interface Quota {
  readonly name: string
  readonly limit: number
  /** The calendar month in the consumer's time zone, or the minute. */
  readonly per: 'month' | '1m'
}

export interface Plan {
  readonly name: string
  readonly quotas: readonly Quota[]
}

/** How a call ended. */
export const outcomes = ['ok', 'client_error', 'server_error', 'timeout', 'aborted'] as const
export type Outcome = (typeof outcomes)[number]

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
] as const
export type AlertLabel = (typeof alertLabels)[number]

/** `p95 > 300ms`, `error_rate > 5%`. */
export type Condition =
  | { readonly text: string; readonly metric: 'percentile'; readonly percentile: Share; readonly aboveUs: number }
  | { readonly text: string; readonly metric: 'error_rate'; readonly above: Share }

export interface AlertRule {
  readonly name: string
  readonly when: Condition
  /** Calls that ended in this long before now are judged. */
  readonly overMs: number
  /** How long the condition must hold before the alert fires. */
  readonly forMs: number
  /** How long a firing alert outlives its condition. */
  readonly keepFiringForMs: number
  /** With fewer calls in the window the condition does not hold. */
  readonly minCalls: number
  readonly service: string | undefined
  /** `*` stands for any text. */
  readonly operation: string | undefined
  readonly consumer: string | undefined
  readonly groupBy: readonly AlertLabel[]
  readonly severity: string
  /** Names of channels, or http(s) URLs. */
  readonly notify: readonly string[]
}

export interface Channel {
  readonly name: string
  /** http(s) URL; it may hold credentials, so it is never logged whole. */
  readonly webhook: string
  /** `whsec_` and base64, or plain text; undefined: notices are not signed. */
  readonly secret: string | undefined
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
}

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
})
