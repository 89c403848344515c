import { eventsByIdQuestion, groupsQuestion, undeliveredQuestion, untoldQuestion } from '../../aggregate/notices.ts'
import type { Notice } from '../../notify/notice.ts'
import type { Row, Store } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'
import { eventOfRow, rowOfEvent } from '../alert/row.ts'
import type { AlertEvent } from '../alert/step.ts'
import { noticeId } from './compose.ts'
import { digest, type Group, groupOf, isOpen, type Member, type Turn } from './group.ts'

/** An event with the names of those who are to be told of it. */
export interface Told {
  readonly event: AlertEvent
  readonly receivers: readonly string[]
  /** It is told once and over then, such as a quota's threshold: nothing resolves it and nothing repeats it. */
  readonly once?: boolean
}

/** A quota's threshold is known by its fingerprint, too: those of rules are hexadecimal. */
export function isOnce({ event, once }: Pick<Told, 'event' | 'once'>): boolean {
  return once ?? event.fingerprint.startsWith('quota-')
}

export function rowOfTold(told: Told): Row {
  return { ...rowOfEvent(told.event), receivers: told.receivers, once: isOnce(told) }
}

/** A group as its newest row has it: events are named, not repeated, so that the row names no consumer. */
interface State {
  readonly by: readonly string[]
  readonly lastMs: number | null
  readonly members: readonly (Pick<Member, 'muted' | 'once'> & {
    readonly id: string
    readonly told: Member['told'] | null
    readonly changesMs: readonly number[]
    readonly flapping: boolean
  })[]
}

/** The rows of one decision: a notice to send, a decision to be silent, or both. */
export function rowsOfTurn({ group, draft, silent }: Turn, notice: Notice | undefined, nowMs: number): Row[] {
  const common = {
    made_at: timeText(nowMs),
    channel: group.channel,
    group_id: digest(group.key),
    open: [...group.members.values()].some(isOpen),
    state: JSON.stringify(stateOf(group)),
  }
  const rows: Row[] = []
  if (silent !== undefined) {
    const { why, eventIds } = silent
    const id = noticeId([group.channel, group.key, 'muted', eventIds, nowMs])
    rows.push({ ...common, id, reason: 'muted', muted: why, event_ids: eventIds, text: '', consumers: [] })
  }
  if (draft !== undefined && notice !== undefined) {
    rows.push({
      ...common,
      id: notice.id,
      reason: notice.reason,
      muted: '',
      event_ids: draft.eventIds,
      text: JSON.stringify(notice),
      consumers: consumersOf(notice),
    })
  }
  return rows
}

/** The groups that go on, without the changes that are not settled. */
export async function storedGroups(store: Store, nowMs: number): Promise<Group[]> {
  const { sql, params } = groupsQuestion(nowMs)
  const rows = (await store.query(sql, params)).map((row) => {
    return { channel: String(row.channel), state: JSON.parse(String(row.newest)) as State }
  })
  const ids = rows.flatMap(({ state }) => state.members.map(({ id }) => id))
  const events = new Map((await eventsById(store, ids)).map((event) => [event.id, event]))
  return rows.flatMap(({ channel, state }) => {
    let group: Group | undefined
    const members = new Map<string, Member>()
    for (const { id, told, changesMs, flapping, muted, once } of state.members) {
      const event = events.get(id)
      // The consumer that it was about was forgotten.
      if (event === undefined) continue
      group ??= groupOf(event, channel, state.by, once)
      const flap = { changesMs, flapping }
      members.set(event.fingerprint, { event, told: told ?? undefined, pending: [], flap, muted, once })
    }
    return group === undefined ? [] : [{ ...group, members, lastMs: state.lastMs ?? undefined }]
  })
}

/** Changes that are stored and that their channels were not told of. */
export async function storedUntold(store: Store, nowMs: number) {
  const { sql, params } = untoldQuestion(nowMs)
  return (await store.query(sql, params)).map((row) => {
    return { channel: String(row.channel), once: Boolean(row.once), event: eventOfRow(row) }
  })
}

/** Notices on their way. */
export async function storedUndelivered(store: Store, nowMs: number) {
  const { sql, params } = undeliveredQuestion(nowMs)
  return (await store.query(sql, params)).map((row) => {
    return { channel: String(row.channel), attempts: Number(row.attempts), notice: noticeOf(String(row.text)) }
  })
}

/** A notice as its text has it: what is sent at once and what is sent after a restart are the same. */
export function noticeOf(text: string): Notice {
  return JSON.parse(text) as Notice
}

async function eventsById(store: Store, ids: readonly string[]): Promise<AlertEvent[]> {
  if (ids.length === 0) return []
  const { sql, params } = eventsByIdQuestion([...new Set(ids)])
  return (await store.query(sql, params)).map(eventOfRow)
}

function stateOf({ labels, lastMs, members }: Group): State {
  return {
    by: Object.keys(labels),
    lastMs: lastMs ?? null,
    members: [...members.values()].map(({ event, told, flap, muted, once }) => {
      return { id: event.id, told: told ?? null, ...flap, muted, once }
    }),
  }
}

function consumersOf({ alerts }: Notice): string[] {
  const named = alerts.flatMap(({ event, hurt }) => [
    ...(event.labels.consumer === undefined ? [] : [event.labels.consumer]),
    ...hurt.map(({ consumer }) => consumer),
  ])
  return [...new Set(named)]
}
