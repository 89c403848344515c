import { metrics } from '../metrics.ts'
import type { Row } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import { originOf } from './call.ts'
import type { PointGroup } from './otlp.ts'

/**
 * Rows of `agent_reports` from an agent's own counters: callsight.agent.seen, .sent and .dropped (by `reason`), each
 * cumulative since the agent's start. Anything else is counted as not kept.
 */
export function reportRows(groups: PointGroup[], tokenEnv: string | undefined): { rows: Row[]; others: number } {
  const rows: Row[] = []
  let others = 0
  for (const { resource, points, others: unread } of groups) {
    others += unread
    const origin = originOf(resource, tokenEnv, '')
    const dropped: Record<string, number> = {}
    const report = { seen: 0, sent: 0 }
    let timeNs = 0n
    for (const point of points) {
      const value = Math.max(0, Math.floor(point.value)) || 0
      if (point.metric === 'callsight.agent.seen') report.seen = value
      else if (point.metric === 'callsight.agent.sent') report.sent = value
      else if (point.metric === 'callsight.agent.dropped') dropped[String(point.attributes.reason ?? '')] = value
      else {
        // A newer agent may tell more of itself; that is no reason to tell it off.
        if (!point.metric.startsWith('callsight.agent.')) others++
        continue
      }
      if (point.timeNs > timeNs) timeNs = point.timeNs
    }
    if (timeNs === 0n) continue
    rows.push({
      ts: timeText(Number(timeNs / 1_000_000n)),
      env: origin.env,
      service: origin.service,
      instance: origin.instance,
      version: String(resource['telemetry.distro.version'] ?? ''),
      ...report,
      dropped,
    })
  }
  if (others > 0) metrics.rejected.inc({ cause: 'metric_not_read' }, others)
  return { rows, others }
}
