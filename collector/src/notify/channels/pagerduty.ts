import { createHash } from 'node:crypto'
import { type PagerDutyChannel, type PagerDutySeverity, pagerDutySeverities } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Guard } from '../guard.ts'
import { clipped, fitted, type Message } from '../message.ts'
import type { Notice } from '../notice.ts'
import { post } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'

/**
 * PagerDuty's Events API v2: a group is one incident by its dedup_key, from trigger to resolve; it answers 202, or 400 to
 * what it cannot read. Source: https://developer.pagerduty.com/docs/send-alert-event
 */
export function pagerDutyDeliverer(channel: PagerDutyChannel, guard: Guard, externalUrl: () => string): Deliverer {
  const url = `${channel.url.replace(/\/+$/, '')}/v2/enqueue`
  return {
    async deliver(notice, stop) {
      const send = (event: object) => post({ url, headers: {}, body: JSON.stringify(event) }, guard, stop)
      if (notice.status === 'resolved') return send(resolveEvent(channel, notice))
      const told = await send(triggerEvent(channel, notice, externalUrl()))
      // A test opens an incident and closes it at once: nobody is kept awake by it.
      return told.kind === 'delivered' && notice.reason === 'test' ? send(resolveEvent(channel, notice)) : told
    },
  }
}

export function resolveEvent({ routingKey }: PagerDutyChannel, notice: Notice): object {
  return { routing_key: routingKey, event_action: 'resolve', dedup_key: dedupKey(notice) }
}

export function triggerEvent(channel: PagerDutyChannel, notice: Notice, externalUrl: string): object {
  const { alerts, createdMs, groupLabels } = notice
  const component = groupLabels.operation ?? alerts[0]?.event.labels.operation
  const group = groupLabels.consumer ?? alerts[0]?.event.labels.consumer
  const source = groupLabels.service ?? alerts[0]?.event.labels.service ?? ''
  const render = (message: Message) => ({
    routing_key: channel.routingKey,
    event_action: 'trigger',
    dedup_key: dedupKey(notice),
    client: 'Callsight',
    client_url: externalUrl,
    payload: {
      summary: clipped(`${message.title}: ${message.alerts[0]?.summary ?? ''}`, limits.pagerDutySummaryChars),
      source: source === '' ? 'callsight' : source,
      severity: severityOf(channel, notice),
      timestamp: new Date(createdMs).toISOString(),
      ...(component ? { component: clipped(component, limits.noticeFactChars) } : {}),
      ...(group ? { group: clipped(group, limits.noticeFactChars) } : {}),
      ...(alerts[0] === undefined ? {} : { class: alerts[0].event.rule }),
      custom_details: detailsOf(message),
    },
    links: (message.alerts[0]?.links ?? []).map(({ name, url }) => ({ href: url, text: name })),
  })
  return fitted(notice, render, (event) => Buffer.byteLength(JSON.stringify(event)) <= limits.pagerDutyBytes)
}

function detailsOf({ alerts, leftOut }: Message): object {
  const told = alerts.map(({ status, summary, facts, links }) => ({
    status,
    summary: clipped(summary, limits.noticeSummaryChars),
    ...Object.fromEntries(facts.map(({ name, value }) => [name.toLowerCase(), clipped(value, limits.noticeFactChars)])),
    ...Object.fromEntries(links.map(({ name, url }) => [name.toLowerCase(), url])),
  }))
  return { alerts: told, ...(leftOut === '' ? {} : { left_out: leftOut }) }
}

/** The worst of its alerts that fire; a test is none. */
function severityOf({ severity }: PagerDutyChannel, { alerts, reason }: Notice): PagerDutySeverity {
  if (reason === 'test') return 'info'
  const ranks = alerts
    .filter(({ endsAtMs }) => endsAtMs === undefined)
    .map(({ event }) =>
      pagerDutySeverities.indexOf(Object.hasOwn(severity, event.severity) ? severity[event.severity]! : 'warning'),
    )
  return pagerDutySeverities[Math.min(...ranks, pagerDutySeverities.length - 1)] ?? 'warning'
}

/** At most 255 characters are taken; a group's key may be longer. */
function dedupKey({ groupKey }: Notice): string {
  return `callsight-${createHash('sha256').update(groupKey).digest('hex')}`
}
