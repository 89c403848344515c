import { createHash } from 'node:crypto'
import type { AlertRule } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { breaks, type Labels, lingers, type Reading, shown, tellingPoint, thresholdOf } from './reading.ts'
import { endedSummary, nothingSummary, type Told, troubleSummary, valueSummary } from './summary.ts'

export type { Labels, Point, Reading } from './reading.ts'

/**
 * One alert is one rule and one label set. Its life:
 *
 *     inactive ── holds ──> pending ── held for `for` ──> firing ── gone ──> recovering ── for `keep_firing_for` ──> resolved
 *                              └── gone ──> inactive         └───── back ───────┘
 *
 * With `for: 0s` it fires at once, with `keep_firing_for: 0s` it is resolved at once. A rule without any data, where its
 * policy says that this is an alert, and a rule that cannot be judged are alerts of their own, `nodata` and `error` in
 * the place of firing. Everything here is a function of counts and of the time passed in.
 */
export const firingStates = ['firing', 'recovering', 'nodata', 'error'] as const

/** An alert that is not over. */
export interface Alert {
  readonly rule: string
  readonly fingerprint: string
  readonly labels: Labels
  readonly severity: string
  readonly state: 'pending' | (typeof firingStates)[number]
  /** When the condition first held. */
  readonly activeSinceMs: number
  /** Since when the condition of a recovering alert is gone. */
  readonly clearSinceMs: number | undefined
  /** When it was last judged. */
  readonly seenMs: number
  /** In `unit`; null when the last window had no value. */
  readonly value: number | null
  readonly threshold: number
  readonly unit: string
  readonly calls: number
  readonly annotations: Labels
}

/** A change of state, as table alert_events has it. */
export interface AlertEvent {
  readonly id: string
  readonly atMs: number
  readonly rule: string
  readonly fingerprint: string
  /** The rule's own, and those that say what it is about. */
  readonly labels: Labels
  readonly severity: string
  readonly state: 'inactive' | Alert['state'] | 'resolved'
  /** The state before; empty when it was none. */
  readonly previous?: string
  readonly value: number | null
  readonly threshold: number
  /** Of value and threshold: `ms`, `ratio`, `bytes`, `calls`, `per_second`, `factor`. */
  readonly unit?: string
  readonly calls: number
  readonly summary: string
  readonly annotations?: Labels
  readonly activeSinceMs: number
}

/** An alert's next state (undefined: over) and the event that tells of the change, if there is one. */
export interface Step {
  readonly alert: Alert | undefined
  readonly event: AlertEvent | undefined
}

/** When it is judged. */
export interface Moment {
  readonly nowMs: number
  /** Rows are missing: what is there may break a rule, but what is not there ends nothing. */
  readonly partial?: boolean
}

/** What an event is to those who are told: pending, inactive and recovering wake nobody, nor does a breach that came back. */
export function newsOf({ state, previous }: Pick<AlertEvent, 'state' | 'previous'>): 'firing' | 'resolved' | undefined {
  if (state === 'resolved') return 'resolved'
  if (state === 'nodata' || state === 'error') return 'firing'
  return state === 'firing' && previous !== 'recovering' ? 'firing' : undefined
}

/** What a rule is about, and the labels it groups by. */
export function labelsOf(rule: AlertRule, group: Readonly<Record<string, unknown>>): Labels {
  const labels: Record<string, string> = {}
  for (const name of ['service', 'operation', 'consumer', 'env', 'plan', 'style', 'peer'] as const) {
    if (rule[name] !== undefined) labels[name] = rule[name]
  }
  for (const name of rule.groupBy) labels[name] = String(group[name])
  return labels
}

/** Stands for a rule and what it is about, whatever the order of the labels; not for the rule's own labels. */
export function fingerprintOf(rule: string, labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return digest([rule, sorted])
}

/** The labels of the alert that a rule has no data, or cannot be judged. */
export function troubleLabels(rule: AlertRule, trouble: 'nodata' | 'error'): Labels {
  return { ...labelsOf({ ...rule, groupBy: [] }, {}), condition: trouble }
}

/**
 * One step of one alert.
 *
 * @param before undefined when it is inactive
 * @param reading undefined when there were no calls, or too few for an alert to begin
 */
export function step(rule: AlertRule, before: Alert | undefined, reading: Reading | undefined, moment: Moment): Step {
  const points = reading?.points ?? []
  const { needed } = rule.points
  const held = points.filter((point) => breaks(rule, point)).length >= needed
  const open = before !== undefined && before.state !== 'pending'
  const lingering = open && (held || points.filter((point) => lingers(rule, point)).length >= needed)
  if (before === undefined && !held) return { alert: undefined, event: undefined }
  if (open && points.length === 0 && rule.noData === 'keep') {
    return { alert: { ...before, clearSinceMs: undefined, seenMs: moment.nowMs }, event: undefined }
  }
  const point = reading === undefined ? undefined : tellingPoint(rule, reading)
  const identity = reading?.labels ?? before?.labels ?? {}
  const now: Found = {
    fingerprint: before?.fingerprint ?? fingerprintOf(rule.name, identity),
    labels: { ...rule.labels, ...identity },
    value: point === undefined ? null : shown(rule.when, point.value),
    threshold: shown(rule.when, thresholdOf(rule, point)),
    unit: unitOf(rule),
    calls: point?.calls ?? 0,
    summary: (told) => (point === undefined ? nothingSummary(rule, told) : valueSummary(rule, point, told)),
  }
  const waits = { held, lingering, on: 'firing', forMs: rule.forMs, keepMs: rule.keepFiringForMs } as const
  return advance(rule, before, now, waits, moment)
}

/** One step of the alert that a rule has no data (`nodata`), or that it cannot be judged (`error`). */
export function stepTrouble(
  rule: AlertRule,
  before: Alert | undefined,
  trouble: { kind: 'nodata' | 'error'; held: boolean; reason: string },
  moment: Moment,
): Step {
  if (before === undefined && !trouble.held) return { alert: undefined, event: undefined }
  const identity = troubleLabels(rule, trouble.kind)
  const now: Found = {
    fingerprint: fingerprintOf(rule.name, identity),
    labels: { ...rule.labels, ...identity },
    value: null,
    threshold: shown(rule.when, thresholdOf(rule)),
    unit: unitOf(rule),
    calls: 0,
    summary: (told) => troubleSummary(rule, trouble.kind, trouble.reason, told),
  }
  const forMs = trouble.kind === 'error' ? limits.alertErrorMs : rule.forMs
  const waits = { held: trouble.held, lingering: trouble.held, on: trouble.kind, forMs, keepMs: 0 }
  const next = advance(rule, before, now, waits, moment)
  // Nobody needs to know of a question that was answered at the second try.
  const quiet = next.event?.state === 'pending' || next.event?.state === 'inactive'
  return quiet ? { alert: next.alert, event: undefined } : next
}

/** Ends an alert whose rule is gone. */
export function abandon(alert: Alert, nowMs: number): AlertEvent {
  const state = alert.state === 'pending' ? 'inactive' : 'resolved'
  return eventOf(alert, state, alert.state, nowMs, endedSummary(alert))
}

interface Found extends Pick<Alert, 'fingerprint' | 'labels' | 'value' | 'threshold' | 'unit' | 'calls'> {
  summary(told: Told): string
}

interface Waits {
  readonly held: boolean
  /** Of an alert that fires: its condition is not gone. */
  readonly lingering: boolean
  readonly on: 'firing' | 'nodata' | 'error'
  readonly forMs: number
  readonly keepMs: number
}

function advance(rule: AlertRule, before: Alert | undefined, found: Found, waits: Waits, moment: Moment): Step {
  const { nowMs, partial = false } = moment
  // While calls wait for the store the same moment is judged again, and after a restart even an earlier one.
  if (before !== undefined && nowMs <= before.seenMs) return { alert: before, event: undefined }
  if (partial && !waits.held && !waits.lingering) return { alert: before, event: undefined }
  const { summary, ...same } = found
  const watched = before !== undefined && nowMs - before.seenMs <= watchedMs(rule)
  const times = timesOf(before, waits, nowMs, watched)
  const state = stateOf(before, waits, times, nowMs)
  const alert = {
    ...same,
    rule: rule.name,
    severity: rule.severity,
    annotations: rule.annotations,
    seenMs: nowMs,
    ...times,
  }
  const over = state === 'inactive' || state === 'resolved'
  const next = over ? undefined : { ...alert, state }
  if (state === before?.state) return { alert: next, event: undefined }
  const text = summary({ state, labels: found.labels })
  return { alert: next, event: eventOf(alert, state, before?.state ?? '', nowMs, text) }
}

function timesOf(before: Alert | undefined, { held, lingering }: Waits, nowMs: number, watched: boolean) {
  if (before === undefined) return { activeSinceMs: nowMs, clearSinceMs: undefined }
  const pending = before.state === 'pending'
  // Nobody looked in between, so nothing says that it held, or was gone, all the time.
  const activeSinceMs = pending && !watched ? nowMs : before.activeSinceMs
  if (pending ? held : lingering) return { activeSinceMs, clearSinceMs: undefined }
  return { activeSinceMs, clearSinceMs: (watched ? before.clearSinceMs : undefined) ?? nowMs }
}

function stateOf(
  before: Alert | undefined,
  { held, lingering, on, forMs, keepMs }: Waits,
  times: { activeSinceMs: number; clearSinceMs: number | undefined },
  nowMs: number,
): AlertEvent['state'] {
  if (before === undefined || before.state === 'pending') {
    if (!held) return 'inactive'
    return nowMs - times.activeSinceMs >= forMs ? on : 'pending'
  }
  if (lingering) return on
  return nowMs - (times.clearSinceMs ?? nowMs) >= keepMs ? 'resolved' : 'recovering'
}

/** A pause no longer than this hides nothing: what happened in it is in the window that is judged after it. */
function watchedMs(rule: AlertRule): number {
  return Math.max(rule.overMs, 2 * limits.tickMs)
}

const units = {
  us: 'ms',
  share: 'ratio',
  bytes: 'bytes',
  calls: 'calls',
  per_second: 'per_second',
  factor: 'factor',
} as const

/** The unit in which a rule's values are stored and shown. */
export function unitOf({ when }: Pick<AlertRule, 'when'>): string {
  return units[when.unit]
}

function eventOf(
  alert: Omit<Alert, 'state'>,
  state: AlertEvent['state'],
  previous: string,
  atMs: number,
  summary: string,
): AlertEvent {
  const { rule, fingerprint, labels, severity, value, threshold, unit, calls, annotations, activeSinceMs } = alert
  const id = `evt_${digest([fingerprint, state, atMs])}`
  const about = { id, atMs, rule, fingerprint, labels, severity, state, previous }
  return { ...about, value, threshold, unit, calls, summary, annotations, activeSinceMs }
}

function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
