import { alertQuestion } from '../../aggregate/alert.ts'
import type { AlertRule } from '../../config/config.ts'
import type { Store } from '../../store/store.ts'
import { type Alert, type AlertEvent, fingerprintOf, labelsOf, type Reading, step } from './step.ts'

interface Round {
  readonly store: Store
  readonly rules: readonly AlertRule[]
  /** The alerts that are not over, by fingerprint. */
  readonly alerts: ReadonlyMap<string, Alert>
  readonly nowMs: number
  /** The end of what is judged, epoch milliseconds. */
  readonly toMs: number
  /** Is told of a rule that could not be judged. */
  failed(rule: AlertRule, error: unknown): void
}

/** An event of a rule. */
export interface RuleEvent {
  readonly rule: AlertRule
  readonly event: AlertEvent
}

/** Judges every rule once: the alerts as they are then, and what changed. A rule that fails leaves its alerts as they are. */
export async function judgeRules(round: Round): Promise<{ alerts: Map<string, Alert>; events: RuleEvent[] }> {
  const alerts = new Map(round.alerts)
  const events: RuleEvent[] = []
  for (const rule of round.rules) {
    let readings: Map<string, Reading>
    try {
      readings = await readingsOf(round.store, rule, round.toMs)
    } catch (error) {
      // No answer is not a good answer.
      round.failed(rule, error)
      continue
    }
    const known = [...round.alerts.values()].filter((alert) => alert.rule === rule.name)
    for (const fingerprint of new Set([...readings.keys(), ...known.map((alert) => alert.fingerprint)])) {
      const { alert, event } = step(rule, round.alerts.get(fingerprint), readings.get(fingerprint), round.nowMs)
      if (alert === undefined) alerts.delete(fingerprint)
      else alerts.set(fingerprint, alert)
      if (event !== undefined) events.push({ rule, event })
    }
  }
  return { alerts, events }
}

async function readingsOf(store: Store, rule: AlertRule, toMs: number): Promise<Map<string, Reading>> {
  const { sql, params } = alertQuestion(rule, toMs)
  const rows = await store.query(sql, params)
  return new Map(
    rows.map((row) => {
      const labels = labelsOf(rule, row)
      return [fingerprintOf(rule.name, labels), { labels, calls: Number(row.calls), figure: Number(row.value) }]
    }),
  )
}
