import { limits } from '../../limits.ts'
import { readList } from './fields.ts'
import { momentOf } from './moment.ts'
import { type Dialect, policyText, type Told } from './told.ts'

/*
 * Quotas in fields of their own: `RateLimit-Limit`, `-Remaining`, `-Reset` of the drafts before 07, and what everybody
 * has made of them. The words behind `ratelimit` say what a field tells (its role) and of what: `X-RateLimit-Limit`,
 * `x-ratelimit-limit-tokens`, `anthropic-ratelimit-input-tokens-remaining`, `X-HubSpot-RateLimit-Daily-Remaining`.
 */

type Role = 'allowed' | 'remaining' | 'used' | 'reset' | 'after' | 'window' | 'windowMs' | 'name' | 'policy'

const roles: Readonly<Record<string, Role>> = {
  limit: 'allowed',
  max: 'allowed',
  remaining: 'remaining',
  used: 'used',
  observed: 'used',
  reset: 'reset',
  resettime: 'reset',
  'reset-after': 'after',
  'reset-at': 'reset',
  'reset-in': 'after',
  window: 'window',
  'interval-seconds': 'window',
  'interval-milliseconds': 'windowMs',
  resource: 'name',
  bucket: 'name',
  name: 'name',
  policy: 'policy',
}

/** Seconds of the windows that names tell. */
const windows: Readonly<Record<string, number>> = {
  second: 1,
  secondly: 1,
  minute: 60,
  hour: 3600,
  hourly: 3600,
  day: 86_400,
  daily: 86_400,
}
const units = ['tokens', 'requests', 'complexity', 'bytes']

/** Fields that speak of one quota, by their role. */
type Group = Partial<Record<Role, string>>

/** What a name says, which is worked out once for each: senders have few. */
interface Place {
  /** The standard's own names have nothing before `ratelimit`. */
  readonly standard: boolean
  readonly role: Role
  readonly about: string
}
const places = new Map<string, Place | null>()

function placeOf(name: string): Place | null {
  let place = places.get(name)
  if (place === undefined) {
    const found = NAME.exec(name)
    // Amazon's limit is a rate, calls per second.
    const said = found === null || found[1] === 'x-amzn' ? undefined : sayingOf(found[2])
    place = said === undefined ? null : { ...said, standard: found![1] === '' }
    if (places.size >= limits.upstreamNamesKnown) places.clear()
    places.set(name, place)
  }
  return place
}

const NAME = /^(.*?)-?(?:ratelimit|rate-limit)s?(?:-(.+))?$/

/** @returns undefined when no field tells how much is allowed or left */
export function readNamed(fields: ReadonlyMap<string, string>, nowMs: number): Told[] | undefined {
  const plain = new Map<string, Group>()
  const own = new Map<string, Group>()
  for (const [name, value] of fields) {
    const place = placeOf(name)
    if (place === null) continue
    const groups = place.standard ? plain : own
    const group = groups.get(place.about) ?? {}
    group[place.role] ??= value
    groups.set(place.about, group)
  }
  // Many send both, which are one quota: the standard's names first.
  for (const [groups, dialect] of [[plain, 'ratelimit-03'] as const, [own, 'x-ratelimit'] as const]) {
    const all = [...groups].flatMap(([about, group]) => read(about, group, groups.get('') ?? {}, dialect, nowMs))
    if (all.length > 0) return all
  }
  return undefined
}

/** What the words of a name say; undefined when they say nothing known. */
function sayingOf(words: string | undefined): { role: Role; about: string } | undefined {
  // Zendesk: `X-Rate-Limit: 700`.
  if (words === undefined) return { role: 'allowed', about: '' }
  const list = words.split('-')
  for (const length of [2, 1]) {
    const last = roleOf(list.slice(-length))
    if (last !== undefined && list.length >= length) return { role: last, about: list.slice(0, -length).join('-') }
    const first = roleOf(list.slice(0, length))
    if (first !== undefined && list.length >= length) return { role: first, about: list.slice(length).join('-') }
  }
  // HubSpot: `X-HubSpot-RateLimit-Daily: 250000`.
  return Object.hasOwn(windows, words) ? { role: 'allowed', about: words } : undefined
}

function roleOf(words: readonly string[]): Role | undefined {
  const name = words.join('-')
  return Object.hasOwn(roles, name) ? roles[name] : undefined
}

/** @param shared what is said of all groups */
function read(about: string, group: Group, shared: Group, dialect: Dialect, nowMs: number): Told[] {
  const allowed = countsOf(group.allowed)
  const remaining = countsOf(group.remaining)
  const policies = countsOf(group.policy)
  const [used] = countsOf(group.used)
  if (allowed.length + remaining.length === 0) return []
  const names = [shared.name ?? '', about].filter((name) => name !== '')
  const words = about === '' ? [] : about.split('-')
  const common = { unit: units.find((unit) => words.includes(unit)) ?? '', dialect }
  if (remaining.length > 1 && remaining.length === allowed.length) {
    // Brave: `1, 15000`, each place a quota.
    const resets = group.reset?.split(',') ?? []
    return allowed.map((one, place) => {
      const windowS = one.windowS ?? policies[place]?.windowS
      return {
        ...common,
        policy: policyText([...names, windowS === undefined ? String(place + 1) : `${windowS}s`].join(' ')),
        allowed: one.count,
        remaining: remaining[place]!.count,
        resetAtMs: timeOf(resets[place], nowMs),
        windowS,
      }
    })
  }
  const limit = allowed[0]?.count ?? (policies.length === 1 ? policies[0]!.count : undefined)
  const left = remaining[0]?.count
  return [
    {
      ...common,
      policy: policyText(names.join(' ')),
      // Reddit tells what is used and left, others what is allowed and used.
      allowed: limit ?? (left === undefined || used === undefined ? undefined : left + used.count),
      remaining: left ?? (limit === undefined || used === undefined ? undefined : Math.max(0, limit - used.count)),
      resetAtMs: timeOf(group.after, nowMs) ?? timeOf(group.reset, nowMs),
      windowS: windowOf(words, group, limit, [...allowed, ...policies]),
    },
  ]
}

function windowOf(
  words: readonly string[],
  group: Group,
  limit: number | undefined,
  counts: readonly Count[],
): number | undefined {
  const said = counts.filter(({ windowS }) => windowS !== undefined)
  const own = said.find(({ count }) => count === limit) ?? (said.length === 1 ? said[0] : undefined)
  if (own !== undefined) return own.windowS
  const [seconds] = countsOf(group.window)
  if (seconds !== undefined) return seconds.count
  const [milliseconds] = countsOf(group.windowMs)
  if (milliseconds !== undefined) return Math.max(1, Math.round(milliseconds.count / 1000))
  const word = words.find((word) => Object.hasOwn(windows, word))
  return word === undefined ? undefined : windows[word]
}

function timeOf(field: string | undefined, nowMs: number): number | undefined {
  return field === undefined ? undefined : momentOf(field, nowMs)
}

interface Count {
  readonly count: number
  readonly windowS: number | undefined
}

/** `100`, `100, 100;w=60`, `98.0`. Less than nothing means without a limit, or nothing at all: it is passed over. */
function countsOf(field: string | undefined): Count[] {
  if (field === undefined) return []
  // By far the most frequent, and read here as it would be below.
  if (/^\d{1,15}$/.test(field)) return [{ count: Number(field), windowS: undefined }]
  const counts: Count[] = []
  for (const { value, parameters } of readList(field) ?? []) {
    if (!('type' in value) || (value.type !== 'integer' && value.type !== 'decimal')) return []
    if (value.value < 0) return []
    const window = parameters.get('w')
    counts.push({
      count: Math.floor(value.value),
      windowS: window?.type === 'integer' && window.value > 0 ? window.value : undefined,
    })
  }
  return counts
}
