import { createHash } from 'node:crypto'
import type { Grouping } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Notice } from '../../notify/notice.ts'
import { type AlertEvent, type Labels, newsOf } from '../alert/step.ts'
import { changed, type Flap, settled, steady } from './flap.ts'
import { labelsOfAlert } from './labels.ts'

/** One alert of a group. */
export interface Member {
  /** Its newest change that is news. */
  readonly event: AlertEvent
  /** What was told of it last; a flapping alert counts as a firing one until it keeps still. */
  readonly told: 'firing' | 'resolved' | 'flapping' | undefined
  /** Changes that are not settled, in their order. */
  readonly pending: readonly AlertEvent[]
  readonly flap: Flap
  /** Why it is not told at present; empty when it is. */
  readonly muted: string
  /** It is told once and over then, such as a quota's threshold: nothing resolves it and nothing repeats it. */
  readonly once: boolean
}

/** The alerts that one channel is told of together. */
export interface Group {
  readonly channel: string
  /** As Alertmanager writes it. */
  readonly key: string
  readonly labels: Labels
  readonly members: ReadonlyMap<string, Member>
  /** When the last notice was made; undefined when nothing is open. */
  readonly lastMs: number | undefined
}

/** What is to be told, decided. */
export interface Draft {
  readonly reason: Exclude<Notice['reason'], 'test'>
  readonly status: Notice['status']
  /** Worst first. */
  readonly members: readonly Member[]
  /** The changes that it settles. */
  readonly eventIds: readonly string[]
}

/** What one look at a group comes to. */
export interface Turn {
  readonly group: Group
  readonly draft: Draft | undefined
  /** A decision to tell nothing, for the record. */
  readonly silent: { readonly why: string; readonly eventIds: readonly string[] } | undefined
}

/** The empty group that an event belongs to. What is told once has a group of its own. */
export function groupOf(event: AlertEvent, channel: string, by: readonly string[], once: boolean): Group {
  const all = labelsOfAlert(event)
  const names = once ? Object.keys(all) : by
  const labels: Record<string, string> = {}
  for (const name of [...new Set(names)].sort()) if (Object.hasOwn(all, name)) labels[name] = all[name]!
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const key = `${once ? '{threshold}' : '{}'}:{${pairs.join(', ')}}`
  return {
    channel,
    key: key.length > limits.groupKeyChars ? digest(key) : key,
    labels,
    members: new Map(),
    lastMs: undefined,
  }
}

/** Takes an event in. The same event taken in twice counts once. */
export function withEvent(group: Group, event: AlertEvent, once = false): Group {
  const before = group.members.get(event.fingerprint)
  const member: Member = before ?? { event, told: undefined, pending: [], flap: steady, muted: '', once }
  if (member.pending.some(({ id }) => id === event.id)) return group
  const members = new Map(group.members)
  members.set(event.fingerprint, {
    ...member,
    event: event.atMs >= member.event.atMs ? event : member.event,
    pending: [...member.pending, event],
    flap: once ? steady : changed(member.flap, event.atMs),
  })
  return { ...group, members }
}

/**
 * One look at a group: whether it is time for a notice, and what is in it.
 *
 * @param mutedBy says why an alert is not told at present, or ''
 */
export function turn(group: Group, grouping: Grouping, nowMs: number, mutedBy: (event: AlertEvent) => string): Turn {
  const members = new Map<string, Member>()
  const news: Member[] = []
  const settledIds: string[] = []
  let why = ''
  for (const [fingerprint, before] of group.members) {
    const flap = settled(before.flap, nowMs)
    const muted = mutedBy(before.event)
    const member = { ...before, flap, muted }
    const over = before.once || (!isOpen(before) && newsOf(before.event) !== 'firing')
    if (muted !== '' && over && before.pending.length > 0) {
      // It came and went, and nobody was to know.
      why ||= muted
      settledIds.push(...before.pending.map(({ id }) => id))
      if (!before.once) members.set(fingerprint, { ...member, told: 'resolved', pending: [], muted: '' })
      continue
    }
    if (muted !== '' && !over) {
      if (before.muted === '') why ||= muted
      members.set(fingerprint, member)
      continue
    }
    if (isNews(member, before.muted !== '')) news.push({ ...member, muted: before.muted })
    members.set(fingerprint, member)
  }
  const silent = why === '' ? undefined : { why, eventIds: settledIds }
  const draft = draftOf({ ...group, members }, news, grouping, nowMs)
  if (draft !== undefined) for (const member of news) tell(members, member)
  for (const [fingerprint, { told, pending, flap }] of members) {
    if (told === 'resolved' && pending.length === 0 && flap.changesMs.length === 0) members.delete(fingerprint)
  }
  // Until its news are told, an alert that was muted still counts as one.
  if (draft === undefined) for (const { event, muted } of news) setMuted(members, event.fingerprint, muted)
  const open = [...members.values()].some(isOpen)
  const lastMs = open ? (draft === undefined ? group.lastMs : nowMs) : undefined
  return { group: { ...group, members, lastMs }, draft, silent }
}

function isNews({ event, told, pending, flap, once }: Member, wasMuted: boolean): boolean {
  if (once) return pending.length > 0
  if (flap.flapping) return told !== 'flapping'
  return told === 'flapping' || pending.length > 0 || (wasMuted && newsOf(event) === 'firing')
}

/** What a notice would say now; undefined when there is nothing, or when it is not time yet. */
function draftOf(group: Group, news: readonly Member[], grouping: Grouping, nowMs: number): Draft | undefined {
  const all = [...group.members.values()]
  const known = all.filter((member) => !news.some(({ event }) => event.fingerprint === member.event.fingerprint))
  const firing = known.filter(
    ({ told, event, muted }) => told === 'firing' && muted === '' && newsOf(event) === 'firing',
  )
  const eventIds = news.flatMap(({ pending }) => pending.map(({ id }) => id))
  const wasOpen = group.lastMs !== undefined
  if (news.length === 0) {
    const due = group.lastMs !== undefined && firing.length > 0 && nowMs - group.lastMs >= grouping.repeatMs
    return due ? { reason: 'repeat', status: 'firing', members: worstFirst(firing), eventIds } : undefined
  }
  const goesOn = known.some(isOpen) || news.some((member) => stateOf(member) !== 'resolved')
  const urgent = news.filter(
    (member) =>
      !wasOpen || !goesOn || member.muted !== '' || member.flap.flapping || (isNewlyFiring(member) && isPage(member)),
  )
  const first = Math.min(...urgent.map(({ pending }) => pending[0]?.atMs ?? Number.NEGATIVE_INFINITY))
  const dueMs = urgent.length > 0 ? first + (goesOn ? grouping.waitMs : 0) : group.lastMs! + grouping.intervalMs
  if (nowMs < dueMs) return undefined
  const once = news.every((member) => member.once)
  const reason = once
    ? 'threshold'
    : news.some(({ flap }) => flap.flapping)
      ? 'flapping'
      : !goesOn
        ? 'resolved'
        : wasOpen
          ? 'changed'
          : 'firing'
  return { reason, status: goesOn ? 'firing' : 'resolved', members: worstFirst([...news, ...firing]), eventIds }
}

function tell(members: Map<string, Member>, { event, once }: Member): void {
  const member = members.get(event.fingerprint)!
  if (once) members.delete(event.fingerprint)
  else members.set(event.fingerprint, { ...member, told: stateOf(member), pending: [], muted: '' })
}

function setMuted(members: Map<string, Member>, fingerprint: string, muted: string): void {
  const member = members.get(fingerprint)
  if (member !== undefined) members.set(fingerprint, { ...member, muted })
}

/** Somebody was told that it fires, and not that it is over. */
export function isOpen({ told }: Member): boolean {
  return told === 'firing' || told === 'flapping'
}

function stateOf({ event, flap }: Member): 'firing' | 'resolved' | 'flapping' {
  return flap.flapping ? 'flapping' : (newsOf(event) ?? 'resolved')
}

function isNewlyFiring(member: Member): boolean {
  return stateOf(member) === 'firing' && member.told !== 'firing'
}

function isPage({ event }: Member): boolean {
  return event.severity === 'page'
}

/** What fires before what is over, pages before tickets, and then by how far the threshold is passed. */
function worstFirst(members: readonly Member[]): Member[] {
  const rank = (member: Member): number[] => {
    const { severity, value, threshold, calls } = member.event
    const over = value === null || threshold === 0 ? 0 : value / threshold
    const weight = ['page', 'critical', 'error'].includes(severity) ? 0 : severity === 'info' ? 2 : 1
    return [stateOf(member) === 'resolved' ? 1 : 0, weight, -over, -calls]
  }
  return [...members].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)]
    for (const [i, value] of left.entries()) if (value !== right[i]) return value - right[i]!
    return a.event.fingerprint < b.event.fingerprint ? -1 : 1
  })
}

/** Stands for a key where the key itself is too long, or tells too much. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
