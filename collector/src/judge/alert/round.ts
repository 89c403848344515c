import type { AlertRule } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { isAboutCalls, type Reader, type Readings } from './reader.ts'
import { type Alert, type AlertEvent, fingerprintOf, type Step, step, stepTrouble, troubleLabels } from './step.ts'
import { fewCallsText } from './summary.ts'
import type { Watermark } from './watermark.ts'

interface Round {
  readonly reader: Pick<Reader, 'expect' | 'read'>
  readonly rules: readonly AlertRule[]
  /** The alerts that are not over, by fingerprint. */
  readonly alerts: ReadonlyMap<string, Alert>
  readonly until: Watermark
  /** Is told of a rule that could not be judged. */
  failed(rule: AlertRule, error: unknown): void
}

/** An event of a rule. */
export interface RuleEvent {
  readonly rule: AlertRule
  readonly event: AlertEvent
}

/**
 * Judges every rule once: the alerts as they are then, and what changed. A rule that fails leaves its alerts as they are,
 * and becomes an alert of its own when it goes on failing.
 *
 * An alert under way that was not judged for longer than its window, because the collector was down or rows were waiting
 * for the store, is judged at moments in between first, in their order, so that the time it was pending or recovering is
 * that of its calls. For what began and ended in such a pause nobody is woken.
 */
export async function judgeRules(round: Round): Promise<{ alerts: Map<string, Alert>; events: RuleEvent[] }> {
  const found: Found = { alerts: new Map(round.alerts), events: [] }
  const { toMs, partial } = round.until
  const moment = { nowMs: toMs + limits.lagMs, partial }
  round.reader.expect(round.rules, toMs, (rule) => open(rule, found.alerts).length > 0)
  for (const rule of round.rules) {
    const trouble = (kind: 'nodata' | 'error', held: boolean, reason: string) => {
      const fingerprint = fingerprintOf(rule.name, troubleLabels(rule, kind))
      take(found, rule, fingerprint, stepTrouble(rule, found.alerts.get(fingerprint), { kind, held, reason }, moment))
    }
    // What is not there yet would be taken for what is not there.
    if (partial && isAboutAbsence(rule)) continue
    let readings: Readings | undefined
    try {
      for (const missedMs of partial ? [] : missed(rule, found.alerts, moment.nowMs)) {
        const then = await round.reader.read(rule, missedMs - limits.lagMs, true)
        if (then !== undefined) stepOpen(found, rule, then, missedMs)
      }
      readings = await round.reader.read(rule, toMs, open(rule, found.alerts).length > 0)
    } catch (error) {
      // No answer is not a good answer.
      round.failed(rule, error)
      trouble('error', true, error instanceof Error ? error.message : String(error))
      continue
    }
    trouble('error', false, '')
    if (readings === undefined) continue
    for (const fingerprint of new Set([...readings.keys(), ...open(rule, found.alerts)])) {
      take(found, rule, fingerprint, step(rule, found.alerts.get(fingerprint), readings.get(fingerprint), moment))
    }
    const nothing = rule.noData === 'alert' && !hasData(rule, readings)
    if (!partial) trouble('nodata', nothing, fewCallsText(rule))
  }
  return found
}

interface Found {
  readonly alerts: Map<string, Alert>
  readonly events: RuleEvent[]
}

function take({ alerts, events }: Found, rule: AlertRule, fingerprint: string, { alert, event }: Step): void {
  if (alert === undefined) alerts.delete(fingerprint)
  else alerts.set(fingerprint, alert)
  if (event !== undefined) events.push({ rule, event })
}

/** The alerts of a rule that are not over, but for those about the rule itself. */
function open(rule: AlertRule, alerts: ReadonlyMap<string, Alert>): string[] {
  const own = (['nodata', 'error'] as const).map((kind) => fingerprintOf(rule.name, troubleLabels(rule, kind)))
  return [...alerts.values()]
    .filter((alert) => alert.rule === rule.name && !own.includes(alert.fingerprint))
    .map(({ fingerprint }) => fingerprint)
}

function stepOpen(found: Found, rule: AlertRule, readings: Readings, nowMs: number): void {
  for (const fingerprint of open(rule, found.alerts)) {
    const before = found.alerts.get(fingerprint)
    if (before === undefined || before.seenMs >= nowMs) continue
    take(found, rule, fingerprint, step(rule, before, readings.get(fingerprint), { nowMs }))
  }
}

/** Moments at which the alerts of a rule were not judged: a window apart, or as far as their bound allows. */
export function missed(rule: AlertRule, alerts: ReadonlyMap<string, Alert>, nowMs: number): number[] {
  if (!isAboutCalls(rule)) return []
  const seen = open(rule, alerts).map((fingerprint) => alerts.get(fingerprint)!.seenMs)
  const sinceMs = Math.min(nowMs, ...seen)
  const apartMs = Math.max(rule.overMs, (nowMs - sinceMs) / limits.alertCatchUp, limits.tickMs)
  const moments: number[] = []
  for (let at = sinceMs + apartMs; at < nowMs; at += apartMs) moments.push(Math.floor(at))
  return moments
}

function hasData(rule: AlertRule, readings: Readings): boolean {
  return [...readings.values()].some(({ points }) => points.some(({ calls }) => calls >= rule.minCalls))
}

/** Rules that fewer calls break. */
function isAboutAbsence({ when }: AlertRule): boolean {
  const { metric, comparison, anomaly } = when
  if (metric === 'silence') return true
  return (metric === 'rps' || metric === 'calls') && (comparison.startsWith('<') || anomaly !== undefined)
}
