import { limits } from '../limits.ts'
import { contractProblems } from './contract.ts'
import { parseDurationMs, parseDurationUs } from './duration.ts'
import { nearest, type Problem, quoted } from './fault.ts'
import { listOf, mapOf } from './part.ts'
import { leastDays, type Period, parsePeriod, periodText } from './period.ts'
import { defaultRetention } from './retention.ts'
import { instant, parseWindow } from './schema/objective.ts'

const day = 24 * 3600_000

/**
 * Finds names that stand for nothing, names given twice and parts that do not go together, in the file as written: it works on a file with other
 * faults too, so that all of them are told at once.
 */
export function referenceProblems(file: unknown): Problem[] {
  const root = mapOf(file)
  const plans = Object.keys(mapOf(root.plans))
  const channels = Object.keys(mapOf(root.channels))
  const consumers = listOf(root.consumers)
  const found: Problem[] = []

  for (const section of ['tokens', 'objectives', 'alerts'] as const) {
    found.push(...repeated(names(root[section], 'name', [section]), section.slice(0, -1)))
  }
  found.push(...repeated(names(root.maintenance, 'name', ['maintenance']), 'maintenance window'))
  found.push(...repeated(names(consumers, 'id', ['consumers']), 'consumer'))
  const tokens = listOf(root.tokens).map((token, i) => {
    return { name: bare(mapOf(token).sha256), path: ['tokens', i, 'sha256'] }
  })
  found.push(...repeated(tokens, 'token hash'))
  found.push(...tokenProblems(listOf(root.tokens)))
  const keys = consumers.flatMap((consumer, i) =>
    listOf(mapOf(consumer).keys).map((key, j) => ({ name: bare(key), path: ['consumers', i, 'keys', j] })),
  )
  found.push(...repeated(keys, 'key hash'))

  consumers.forEach((consumer, i) => {
    const { plan } = mapOf(consumer)
    if (typeof plan === 'string' && !plans.includes(plan))
      found.push(absent('plan', plan, plans, ['consumers', i, 'plan']))
  })
  listOf(root.alerts).forEach((rule, i) => {
    for (const problem of receiverProblems(rule, channels)) {
      found.push({ ...problem, path: ['alerts', i, ...problem.path] })
    }
    for (const problem of judgedProblems(rule, judgedNames(root))) {
      found.push({ ...problem, path: ['alerts', i, ...problem.path] })
    }
  })
  return [
    ...found,
    ...storeProblems(mapOf(root.store)),
    ...objectiveProblems(root, channels),
    ...quotaProblems(root, channels),
  ]
}

/** A token of a consumer is somebody else's: it needs to say whose, and a door that is closed without one. */
function tokenProblems(tokens: readonly unknown[]): Problem[] {
  const readers = tokens.some((token) => ['read', 'admin'].includes(String(mapOf(token).scope)))
  return tokens.flatMap((token, i): Problem[] => {
    const { scope, consumer } = mapOf(token)
    if (scope !== 'consumer') {
      if (consumer === undefined) return []
      const remedy = 'remove it, or write scope: consumer'
      return [{ path: ['tokens', i, 'consumer'], what: 'the scope of this token is no consumer', remedy }]
    }
    if (consumer === undefined) {
      return [{ path: ['tokens', i], what: 'does not say whose it is', remedy: 'add consumer: ID' }]
    }
    if (readers) return []
    const what = 'without a token of scope read or admin everybody who reaches the viewer reads everything'
    return [{ path: ['tokens', i, 'scope'], what, remedy: 'add one beside this' }]
  })
}

function storeProblems({ url, profile, cluster }: Record<string, unknown>): Problem[] {
  if (typeof url === 'string' && url.startsWith('embedded:')) {
    if (profile === undefined || profile === 'single') {
      if (cluster === undefined) return []
      return [{ path: ['store', 'cluster'], what: 'an embedded store is no cluster', remedy: 'remove it' }]
    }
    const remedy = 'remove it, or write the URL of a server'
    return [{ path: ['store', 'profile'], what: `an embedded store cannot be ${profile}`, remedy }]
  }
  if (cluster === undefined || (profile !== 'single' && profile !== 'cloud')) return []
  const remedy = 'remove it, or write profile: replicated'
  return [{ path: ['store', 'cluster'], what: `the profile ${profile} has no cluster`, remedy }]
}

/** What objectives ask of the store, and their parts of each other; and not too many latencies counted. */
function objectiveProblems(root: Record<string, unknown>, channels: readonly string[]): Problem[] {
  const retention = mapOf(root.retention)
  const kept = (key: 'minutes' | 'rollups') =>
    retention[key] === undefined
      ? defaultRetention[key]
      : parsed(retention[key], (text) => parsePeriod(text, 1, Infinity))
  const lives = { minutes: kept('minutes'), rollups: kept('rollups') }
  const latencies = new Set<number>()
  return listOf(root.objectives).flatMap((given, i) => {
    const objective = mapOf(given)
    const problems: Problem[] = [
      ...windowProblems(objective, lives),
      ...partProblems(objective),
      ...contractProblems(objective),
      ...receiverProblems(objective, channels),
    ]
    const latency = parsed(mapOf(objective.good).latency_below, parseDurationUs)
    if (latency !== undefined && latencies.size === limits.thresholds && !latencies.has(latency)) {
      problems.push({
        path: ['good', 'latency_below'],
        what: `objectives promise more than ${limits.thresholds} different latencies, each of which is counted for every call`,
        remedy: 'use one that is there',
      })
    } else if (latency !== undefined) latencies.add(latency)
    return problems.map((problem) => ({ ...problem, path: ['objectives', i, ...problem.path] }))
  })
}

type Lives = Record<'minutes' | 'rollups', Period | undefined>

/** Calls are counted by quarters of an hour; by minutes where a slice or an exclusion lies within a quarter. */
function windowProblems({ window, slice, method, exclude }: Record<string, unknown>, lives: Lives): Problem[] {
  const length = parsed(window, parseWindow)
  if (length === undefined) return []
  const longest = { day: 1, week: 7, month: 31, quarter: 92, year: 366 } as const
  const days = length.calendar === undefined ? length.windowMs / day : longest[length.calendar]
  const quarter = 15 * 60_000
  const sliced = method === 'timeslices' || method === 'ratio_timeslices'
  const sliceMs = parsed(slice ?? '5m', (text) => parseDurationMs(text, 0, Infinity)) ?? quarter
  const cut = listOf(exclude).some((one) =>
    ['from', 'to'].some((end) => (parsed(mapOf(one)[end], instant) ?? 0) % quarter !== 0),
  )
  const byMinutes = (sliced && sliceMs % quarter !== 0) || cut
  const key = byMinutes ? 'minutes' : 'rollups'
  const life = lives[key]
  if (life === undefined || days <= leastDays(life)) return []
  const why = !byMinutes ? '' : cut ? ', which its exclusions need' : ', which its slices need'
  const instead = !byMinutes ? '' : cut ? ', exclude whole quarters of an hour' : ', choose slices of 15m'
  return [
    {
      path: ['window'],
      what: `${quoted(window)} is longer than counts by ${byMinutes ? 'minute' : 'quarter of an hour'} are kept (${periodText(life)})${why}`,
      remedy: `write at most ${leastDays(life)}d${instead}, or keep them longer with retention.${key}`,
    },
  ]
}

/** Quotas of plans and of consumers: names, channels, and data that is kept for the whole of their periods. */
function quotaProblems(root: Record<string, unknown>, channels: readonly string[]): Problem[] {
  const plans = Object.entries(mapOf(root.plans)).map(([plan, value]) => ({ value, path: ['plans', plan, 'quotas'] }))
  const consumers = listOf(root.consumers).map((value, i) => ({ value, path: ['consumers', i, 'quotas'] }))
  const { calls, rollups } = mapOf(root.retention)
  const kept = (given: unknown, usual: Period) =>
    given === undefined ? usual : (parsed(given, (text) => parsePeriod(text, 1, Infinity)) ?? usual)
  return [...plans, ...consumers].flatMap(({ value, path }) => {
    const { quotas } = mapOf(value)
    return [
      ...repeated(names(quotas, 'name', path), 'quota'),
      ...listOf(quotas).flatMap((quota, i) =>
        [
          ...receiverProblems(quota, channels),
          ...lookBackProblems(
            mapOf(quota),
            kept(calls, defaultRetention.calls),
            kept(rollups, defaultRetention.rollups),
          ),
        ].map((problem) => ({ ...problem, path: [...path, i, ...problem.path] })),
      ),
    ]
  })
}

/** The days of the longest period of each unit that is longer than the shortest retention. */
const longestDays: Record<string, number> = { week: 7, month: 31, quarter: 92, year: 366 }

function lookBackProblems({ per, meter }: Record<string, unknown>, calls: Period, rollups: Period): Problem[] {
  // What single calls alone tell is counted from them, everything else from the roll-ups.
  const single = typeof meter === 'string' && /^distinct\( *(path|client_address|attributes\.)/.test(meter)
  const days = longestDays[String(per)] ?? (parsed(per, (text) => parseDurationMs(text, 0, Infinity)) ?? 0) / day
  const kept = single ? calls : rollups
  if (days <= leastDays(kept)) return []
  const what = single ? `single calls, which ${quoted(meter)} counts, are kept` : 'roll-ups are kept'
  const key = single ? 'calls' : 'rollups'
  return [
    {
      path: ['per'],
      what: `${quoted(per)} is longer than ${what} (${periodText(kept)})`,
      remedy: `write something shorter, or retention.${key}: ${days}d`,
    },
  ]
}

/** Parts of one objective that do not go together. */
function partProblems(objective: Record<string, unknown>): Problem[] {
  const { consumer, per, method = 'occurrences', failed, not_counted, good, exclude } = objective
  const problems: Problem[] = []
  if (consumer !== undefined && per !== undefined) {
    const what = 'one consumer, and each, do not go together'
    problems.push({ path: ['per'], what, remedy: 'remove consumer or per' })
  }
  for (const key of ['slice', 'slice_target', 'empty']) {
    if (objective[key] === undefined || method !== 'occurrences') continue
    const what = `${key} is about slices of time, and the method is occurrences`
    problems.push({ path: [key], what, remedy: 'remove it, or write method: timeslices or ratio_timeslices' })
  }
  if (method === 'timeslices' && objective.slice_target === undefined) {
    const what = 'timeslices need to know when a slice is good'
    problems.push({ path: ['method'], what, remedy: 'add the share of good calls, as in slice_target: 95%' })
  }
  if (method === 'ratio_timeslices' && objective.slice_target !== undefined) {
    const what = 'ratio_timeslices take each slice by its share of good calls, not by a target'
    problems.push({ path: ['slice_target'], what, remedy: 'remove it, or write method: timeslices' })
  }
  const told = new Map<string, string>()
  const lists = [
    ['failed', ['failed'], failed],
    ['not_counted', ['not_counted'], not_counted],
    ['good.statuses', ['good', 'statuses'], mapOf(good).statuses],
  ] as const
  for (const [list, path, values] of lists) {
    listOf(values).forEach((value, i) => {
      const other = told.get(String(value))
      if (other === undefined) told.set(String(value), list)
      else
        problems.push({ path: [...path, i], what: `${quoted(value)} stands under ${other}, too`, remedy: 'remove one' })
    })
  }
  listOf(exclude).forEach((one, i) => {
    const [from, to] = [parsed(mapOf(one).from, instant), parsed(mapOf(one).to, instant)]
    if (from === undefined || to === undefined || from < to) return
    problems.push({
      path: ['exclude', i, 'to'],
      what: 'the exclusion ends before it begins',
      remedy: 'write a later time',
    })
  })
  return problems
}

/** The value, or undefined where it cannot be read, which the schema tells of. */
function parsed<T>(value: unknown, parse: (text: string) => T): T | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  try {
    return parse(String(value))
  } catch {
    return undefined
  }
}

/** The same for one rule that comes from elsewhere: its receivers must be URLs or channels of the file. */
export function receiverProblems(rule: unknown, channels: readonly string[]): Problem[] {
  return listOf(mapOf(rule).notify).flatMap((receiver, i) => {
    if (typeof receiver !== 'string' || receiver.includes('://') || channels.includes(receiver)) return []
    return [absent('channel', receiver, channels, ['notify', i])]
  })
}

/** Names that a rule may refer to. */
export interface Judged {
  readonly objectives: readonly string[]
  readonly quotas: readonly string[]
}

function judgedNames(root: Record<string, unknown>): Judged {
  const named = (list: unknown) =>
    listOf(list).flatMap((entry) => [mapOf(entry).name].filter((one) => typeof one === 'string'))
  return {
    objectives: named(root.objectives),
    quotas: Object.values(mapOf(root.plans)).flatMap((plan) => named(mapOf(plan).quotas)),
  }
}

/** The objective and the quota of a rule must be there. */
export function judgedProblems(rule: unknown, names: Judged): Problem[] {
  const { objective, quota } = mapOf(rule)
  const problems: Problem[] = []
  if (typeof objective === 'string' && !names.objectives.includes(objective)) {
    problems.push(absent('objective', objective, names.objectives, ['objective']))
  }
  if (typeof quota === 'string' && !names.quotas.includes(quota)) {
    problems.push(absent('quota', quota, names.quotas, ['quota']))
  }
  return problems
}

/** A hash with its prefix and the same without are one. */
function bare(key: unknown): unknown {
  return typeof key === 'string' ? key.replace(/^sha256:/, '').toLowerCase() : key
}

interface Named {
  name: unknown
  path: (string | number)[]
}

function names(list: unknown, key: string, path: (string | number)[]): Named[] {
  return listOf(list).map((entry, i) => ({ name: mapOf(entry)[key], path: [...path, i, key] }))
}

function repeated(named: readonly Named[], kind: string): Problem[] {
  const seen = new Set<string>()
  return named.flatMap(({ name, path }) => {
    if (typeof name !== 'string') return []
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    return [{ path, what: `the ${kind} ${quoted(name)} is there twice`, remedy: 'rename or remove one' }]
  })
}

function absent(kind: string, name: string, known: readonly string[], path: (string | number)[]): Problem {
  const near = nearest(name, known)
  const remedy = near === undefined ? `add it under ${kind}s, or use one that is there` : `did you mean ${near}?`
  return { path, what: `there is no ${kind} ${quoted(name)}`, remedy }
}
