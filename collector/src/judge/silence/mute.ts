import type { Config } from '../../config/config.ts'
import { matches } from '../../config/matcher.ts'
import type { AlertEvent } from '../alert/step.ts'
import { labelsOfAlert } from '../notice/labels.ts'
import { isUnderMaintenance } from './maintenance.ts'
import { type Silence, stateOf } from './silence.ts'

/** What keeps alerts from being told. */
export interface Mutes extends Pick<Config, 'maintenance' | 'inhibit'> {
  readonly silences: readonly Silence[]
  /** Every alert that fires now, whoever is told of it, muted or not. */
  readonly firing: readonly AlertEvent[]
}

/** Why an alert is not told at a time: `silence sil_…`, `maintenance nightly`, `inhibited by down`; empty when it is. */
export function mutedBy(event: AlertEvent, { silences, maintenance, inhibit, firing }: Mutes, nowMs: number): string {
  const labels = labelsOfAlert(event)
  const silence = silences.find((one) => stateOf(one, nowMs) === 'active' && matches(one.matchers, labels))
  if (silence !== undefined) return `silence ${silence.id}`
  const window = maintenance.find((one) => matches(one.matchers, labels) && isUnderMaintenance(one, nowMs))
  if (window !== undefined) return `maintenance ${window.name}`
  for (const { source, target, equal } of inhibit) {
    if (!matches(target, labels)) continue
    // As in Alertmanager: what is on both sides does not inhibit its like, and so not itself either.
    const both = matches(source, labels)
    const found = firing.find((other) => {
      const theirs = labelsOfAlert(other)
      if (!matches(source, theirs) || (both && matches(target, theirs))) return false
      return equal.every((name) => (theirs[name] ?? '') === (labels[name] ?? ''))
    })
    if (found !== undefined) return `inhibited by ${found.rule}`
  }
  return ''
}
