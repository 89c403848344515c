import { randomUUID } from 'node:crypto'
import type { AlertEvent } from '../judge/alert/step.ts'
import type { Notice } from './notice.ts'

/** A notice that says of itself that it is only a test. */
export function trialNotice(channel: string, externalUrl: string, nowMs: number): Notice {
  const event: AlertEvent = {
    id: `test_${randomUUID()}`,
    atMs: nowMs,
    rule: 'callsight-test',
    fingerprint: 'callsight-test',
    labels: { channel },
    severity: 'info',
    state: 'firing',
    value: null,
    threshold: 0,
    calls: 0,
    summary: `A test of the channel ${channel}: nothing is wrong`,
    activeSinceMs: nowMs,
  }
  const links = { board: `${externalUrl}/d/callsight-overview`, calls: `${externalUrl}/api/v1/calls` }
  return {
    id: event.id,
    // Not the key of the last test: an incident of that may still be open.
    groupKey: `{}:{alertname="callsight-test", test="${event.id}"}`,
    groupLabels: { alertname: event.rule, channel },
    status: 'firing',
    reason: 'test',
    alerts: [{ event, startsAtMs: nowMs, endsAtMs: undefined, links, hurt: [], hurtConsumers: 0, compared: '' }],
    truncated: 0,
    createdMs: nowMs,
  }
}
