import type { CalendarDate, CalendarUnit } from '../judge/calendar.ts'
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

export interface Token {
  readonly name: string
  /** `ingest` may send calls, `read` may ask, `admin` may also change rules. */
  readonly scope: 'ingest' | 'read' | 'admin'
  /** Of the token, in lower-case hexadecimal; the token itself is nowhere. */
  readonly sha256: string
  /** Environment that calls sent with this token belong to. */
  readonly env: string | undefined
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

/** How a call may end. */
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

/** A promise: of the calls in the window, at least `target` are good. */
export interface Objective {
  readonly name: string
  readonly service: string | undefined
  /** `*` stands for any text. */
  readonly operation: string | undefined
  /** `consumer`: one promise to each; undefined: one over all. */
  readonly per: 'consumer' | undefined
  /** A good call did not fail and, where this is given, took less. */
  readonly latencyBelowUs: number | undefined
  readonly target: Share
  /** As written, for people: `30d`. */
  readonly window: string
  readonly windowMs: number
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
  alerts: Object.freeze([]),
  channels: Object.freeze([]),
})
