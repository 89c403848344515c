import type { AlertRule } from '../../config/config.ts'
import type { AlertEvent } from '../alert/step.ts'

/** Labels that GET /api/v1/calls can be asked for. */
const asked = ['env', 'service', 'operation', 'consumer', 'method', 'route', 'peer', 'status'] as const

/**
 * Where to look: the board around the alert, and the calls behind it as the API gives them. Values of labels come from
 * whoever calls, so each is encoded.
 *
 * @param rule undefined when it is gone, or is no rule over calls: the links are then about time and labels alone
 */
export function linksOf(
  event: Pick<AlertEvent, 'labels' | 'activeSinceMs' | 'atMs'>,
  rule: AlertRule | undefined,
  externalUrl: string,
  nowMs: number,
) {
  const overMs = rule?.overMs ?? 3600_000
  const about = asked.flatMap((name) => {
    const value = event.labels[name]
    // An operation with a * stands for several, and nobody known is no value to look for.
    return value === undefined || value === '' || (name === 'operation' && value.includes('*')) ? [] : [[name, value]]
  }) as [string, string][]
  const fromMs = Math.min(event.activeSinceMs, event.atMs) - overMs
  const board = new URLSearchParams({ from: String(fromMs - overMs), to: String(nowMs) })
  for (const [name, value] of about) board.append(`var-${name}`, value)
  const calls = new URLSearchParams({ ...Object.fromEntries(about), ...badCalls(rule) })
  calls.set('from', String(fromMs))
  calls.set('to', String(nowMs))
  return {
    board: `${externalUrl}/d/callsight-overview?${board}`,
    calls: `${externalUrl}/api/v1/calls?${calls}`,
  }
}

function badCalls(rule: AlertRule | undefined): Record<string, string> {
  if (rule === undefined) return {}
  const { metric, percentile, comparison, threshold, unit } = rule.when
  if (metric === 'error_rate') return { outcome: 'server_error,timeout' }
  const slow = metric === 'avg' || metric === 'max' || percentile?.measure === 'duration'
  if (!slow || unit !== 'us' || threshold === undefined || !comparison.startsWith('>')) return {}
  return { min_duration_ms: String(threshold.numerator / threshold.denominator / 1000) }
}
