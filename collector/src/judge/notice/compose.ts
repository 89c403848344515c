import { createHash } from 'node:crypto'
import type { AlertRule } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Notice, NoticeAlert } from '../../notify/notice.ts'
import type { Store } from '../../store/store.ts'
import { type AlertEvent, newsOf } from '../alert/step.ts'
import { type Context, contextOf, hasContext, nothingKnown } from './context.ts'
import type { Draft, Group, Member } from './group.ts'
import { linksOf } from './links.ts'

export interface Composing {
  readonly store: Store
  readonly rule: (name: string) => AlertRule | undefined
  readonly externalUrl: () => string
  readonly nowMs: number
  /** What was found out about alerts so far: channels that are told of the same alert ask once. */
  readonly contexts: Map<string, Promise<Context>>
  /** Is told when the store gave no answer about an alert. */
  failed(error: unknown): void
}

/** Writes the notice that was decided. It takes no longer than limits.noticeContextMs, whatever the store does. */
export async function composed(group: Group, draft: Draft, composing: Composing): Promise<Notice> {
  const { nowMs } = composing
  const named = draft.members.slice(0, limits.noticeAlerts)
  const alerts = await Promise.all(
    named.map((member, i) => alertOf(member, draft, i < limits.noticeContexts, composing)),
  )
  return {
    id: noticeId([group.channel, group.key, draft.reason, draft.eventIds, nowMs]),
    groupKey: group.key,
    groupLabels: group.labels,
    status: draft.status,
    reason: draft.reason,
    alerts,
    truncated: draft.members.length - named.length,
    createdMs: nowMs,
  }
}

/** The ids of decisions, whether they are sent or not. */
export function noticeId(parts: readonly unknown[]): string {
  return `ntc_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`
}

async function alertOf(member: Member, draft: Draft, inDepth: boolean, composing: Composing): Promise<NoticeAlert> {
  const { externalUrl, nowMs } = composing
  const event = eventToTell(member)
  const rule = composing.rule(event.rule)
  const endMs = (draft.reason === 'repeat' ? nowMs : event.atMs) - limits.lagMs
  const asked = inDepth && rule !== undefined && hasContext(rule, event)
  return {
    event,
    startsAtMs: event.activeSinceMs,
    endsAtMs: newsOf(event) === 'firing' ? undefined : event.atMs,
    links: linksOf(event, rule, externalUrl(), nowMs),
    ...(asked ? await contextAt(rule, event, endMs, composing) : nothingKnown),
  }
}

/** When very much breaks at once, what comes first is looked into, and the store is left to the judge for the rest. */
async function contextAt(rule: AlertRule, event: AlertEvent, endMs: number, composing: Composing): Promise<Context> {
  const { store, contexts, failed } = composing
  const key = `${event.id} ${endMs}`
  const known = contexts.get(key)
  if (known !== undefined) return known
  if (contexts.size >= limits.contextsAtOnce) return nothingKnown
  const context = contextOf(store, rule, event, endMs, failed)
  contexts.set(key, context)
  return context
}

/** A flapping alert counts as firing until it keeps still, and says so. */
function eventToTell({ event, flap }: Member) {
  if (!flap.flapping) return event
  const minutes = (ms: number) => `${ms / 60_000}m`
  const flaps = `flapping: ${flap.changesMs.length} changes within ${minutes(limits.flapWindowMs)}`
  const summary = `${event.summary} (${flaps}; the next notice when it kept still for ${minutes(limits.flapStableMs)})`
  return { ...event, state: 'firing' as const, previous: '', summary }
}
