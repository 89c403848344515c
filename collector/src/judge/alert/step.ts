import { createHash } from 'node:crypto'
import type { AlertRule, Condition } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { isAbove, ratio } from '../../config/share.ts'

/**
 * One alert is one rule and one label set. Its life:
 *
 *     inactive ── condition holds ──> pending ── held for `for` ──> firing ── gone for `keep_firing_for` ──> resolved
 *                                        └────── gone ──> inactive
 *
 * With `for: 0s` it fires at once. A label set without enough calls counts as a condition that does not hold: what
 * nobody calls is slow for nobody. Everything here is a function of counts and of the time passed in.
 */
export type Labels = Readonly<Record<string, string>>

/** What the store says about one label set. */
export interface Reading {
  readonly labels: Labels
  readonly calls: number
  /** Microseconds, or failed calls. */
  readonly figure: number
}

/** An alert that is not over. */
export interface Alert {
  readonly rule: string
  readonly fingerprint: string
  readonly labels: Labels
  readonly severity: string
  readonly state: 'pending' | 'firing'
  /** When the condition first held. */
  readonly activeSinceMs: number
  /** Since when the condition of a firing alert is gone. */
  readonly clearSinceMs: number | undefined
  /** Milliseconds, or a share from 0 to 1; null before the first reading after a restart that had none. */
  readonly value: number | null
  readonly threshold: number
  readonly calls: number
}

/** A change of state, as table alert_events has it. */
export interface AlertEvent {
  readonly id: string
  readonly atMs: number
  readonly rule: string
  readonly fingerprint: string
  readonly labels: Labels
  readonly severity: string
  readonly state: 'inactive' | 'pending' | 'firing' | 'resolved'
  readonly value: number | null
  readonly threshold: number
  readonly calls: number
  readonly summary: string
  readonly activeSinceMs: number
}

/** An alert's next state (undefined: over) and the event that tells of the change, if there is one. */
export interface Step {
  readonly alert: Alert | undefined
  readonly event: AlertEvent | undefined
}

/** The rule's own labels and those it groups by. */
export function labelsOf(rule: AlertRule, group: Readonly<Record<string, unknown>>): Labels {
  const labels: Record<string, string> = {}
  for (const name of ['service', 'operation', 'consumer'] as const) {
    if (rule[name] !== undefined) labels[name] = rule[name]
  }
  for (const name of rule.groupBy) labels[name] = String(group[name])
  return labels
}

/** Stands for a rule and a label set, whatever their order. */
export function fingerprintOf(rule: string, labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return digest([rule, sorted])
}

/** Whether the condition holds, decided on whole numbers. */
export function holds(when: Condition, { figure, calls }: Reading): boolean {
  return when.metric === 'percentile' ? figure > when.aboveUs : isAbove(figure, calls, when.above)
}

/** Milliseconds of a percentile, a share of an error rate. */
export function thresholdOf(when: Condition): number {
  return when.metric === 'percentile' ? when.aboveUs / 1000 : ratio(when.above)
}

/**
 * One step of one alert.
 *
 * @param before undefined when it is inactive
 * @param reading undefined when there were too few calls
 */
export function step(rule: AlertRule, before: Alert | undefined, reading: Reading | undefined, nowMs: number): Step {
  const held = reading !== undefined && holds(rule.when, reading)
  if (before === undefined && !held) return { alert: undefined, event: undefined }
  const labels = before?.labels ?? reading!.labels
  const current = {
    rule: rule.name,
    fingerprint: before?.fingerprint ?? fingerprintOf(rule.name, labels),
    labels,
    severity: rule.severity,
    value: shownValue(rule.when, reading),
    threshold: thresholdOf(rule.when),
    calls: reading?.calls ?? 0,
  }
  if (held) {
    const firing = before?.state === 'firing'
    const activeSinceMs = since(rule, before, nowMs)
    const state = firing || nowMs - activeSinceMs >= rule.forMs ? 'firing' : 'pending'
    const alert: Alert = { ...current, state, activeSinceMs, clearSinceMs: undefined }
    return { alert, event: state === before?.state ? undefined : eventOf(rule, alert, state, nowMs) }
  }
  const clearSinceMs = before!.clearSinceMs ?? nowMs
  const alert: Alert = { ...current, state: before!.state, activeSinceMs: before!.activeSinceMs, clearSinceMs }
  if (alert.state === 'pending') return { alert: undefined, event: eventOf(rule, alert, 'inactive', nowMs) }
  if (nowMs - clearSinceMs < rule.keepFiringForMs) return { alert, event: undefined }
  return { alert: undefined, event: eventOf(rule, alert, 'resolved', nowMs) }
}

/** Ends an alert whose rule is gone. */
export function abandon(alert: Alert, nowMs: number): AlertEvent {
  const state = alert.state === 'firing' ? 'resolved' : 'inactive'
  return event(alert, state, nowMs, `${alert.rule}: the rule was removed${labelsText(alert.labels)}`)
}

/**
 * When the condition first held. A pending alert that should have fired well before now was not watched in between
 * (the collector was down), so nothing says that its condition held all the time: it starts anew.
 */
function since(rule: AlertRule, before: Alert | undefined, nowMs: number): number {
  if (before === undefined) return nowMs
  const unwatched = before.state === 'pending' && nowMs - before.activeSinceMs > rule.forMs + rule.overMs
  return unwatched ? nowMs : before.activeSinceMs
}

function shownValue(when: Condition, reading: Reading | undefined): number | null {
  if (reading === undefined) return null
  return when.metric === 'percentile' ? reading.figure / 1000 : reading.figure / reading.calls
}

function eventOf(rule: AlertRule, alert: Alert, state: AlertEvent['state'], nowMs: number): AlertEvent {
  return event(alert, state, nowMs, summaryOf(rule, alert, state))
}

function event(alert: Alert, state: AlertEvent['state'], atMs: number, summary: string): AlertEvent {
  const { rule, fingerprint, labels, severity, value, threshold, calls, activeSinceMs } = alert
  const id = `evt_${digest([fingerprint, state, atMs])}`
  return { id, atMs, rule, fingerprint, labels, severity, state, value, threshold, calls, summary, activeSinceMs }
}

/** `slow: p95 is 412 ms, above 300 ms, in 312 calls of 5m (operation=POST /orders)` */
function summaryOf(rule: AlertRule, { value, calls, labels }: Alert, state: AlertEvent['state']): string {
  const { when } = rule
  const metric = when.metric === 'percentile' ? `p${when.percentile.text.slice(0, -1)}` : 'the error rate'
  const show = (value: number) =>
    when.metric === 'percentile' ? `${decimals(value)} ms` : `${decimals(value * 100)} %`
  const about = labelsText(labels)
  if (value === null) return `${rule.name}: fewer than ${rule.minCalls} calls in ${durationText(rule.overMs)}${about}`
  const relation = state === 'pending' || state === 'firing' ? 'above' : 'no longer above'
  return `${rule.name}: ${metric} is ${show(value)}, ${relation} ${show(thresholdOf(when))}, in ${calls} calls of ${durationText(rule.overMs)}${about}`
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value === '' ? '(none)' : value}`)
  return pairs.length === 0 ? '' : ` (${pairs.join(', ')})`
}

function decimals(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)))
}

function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
