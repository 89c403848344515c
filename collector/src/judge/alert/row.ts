import type { Row } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'
import { type Alert, type AlertEvent, firingStates } from './step.ts'

export function rowOfEvent(event: AlertEvent): Row {
  const { atMs, activeSinceMs, ...same } = event
  return { ...same, ts: timeText(atMs), active_since: timeText(activeSinceMs) }
}

/** Reads a row of aggregate/history.ts. */
export function eventOfRow(row: Row): AlertEvent {
  return {
    id: String(row.id),
    atMs: Number(row.at_ms),
    rule: String(row.rule),
    fingerprint: String(row.fingerprint),
    labels: row.labels as Record<string, string>,
    severity: String(row.severity),
    state: row.state as AlertEvent['state'],
    previous: String(row.previous),
    value: row.value === null ? null : Number(row.value),
    threshold: Number(row.threshold),
    unit: String(row.unit),
    calls: Number(row.calls),
    summary: String(row.summary),
    annotations: row.annotations as Record<string, string>,
    activeSinceMs: Number(row.active_since_ms),
  }
}

/** The alert as its newest event left it. */
export function alertOfEvent(event: AlertEvent): Alert {
  const { rule, fingerprint, labels, severity, value, threshold, calls, activeSinceMs, atMs } = event
  const { unit = '', annotations = {} } = event
  const state = firingStates.find((one) => one === event.state) ?? 'pending'
  const clearSinceMs = state === 'recovering' ? atMs : undefined
  const about = { rule, fingerprint, labels, severity, annotations }
  return { ...about, state, activeSinceMs, clearSinceMs, seenMs: atMs, value, threshold, unit, calls }
}
