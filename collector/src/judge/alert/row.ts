import type { Row } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'
import type { Alert, AlertEvent } from './step.ts'

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
    value: row.value === null ? null : Number(row.value),
    threshold: Number(row.threshold),
    calls: Number(row.calls),
    summary: String(row.summary),
    activeSinceMs: Number(row.active_since_ms),
  }
}

/** The alert as its newest event left it. */
export function alertOfEvent(event: AlertEvent): Alert {
  const { rule, fingerprint, labels, severity, value, threshold, calls, activeSinceMs } = event
  const state = event.state === 'firing' ? 'firing' : 'pending'
  return { rule, fingerprint, labels, severity, state, activeSinceMs, clearSinceMs: undefined, value, threshold, calls }
}
