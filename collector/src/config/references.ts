import { nearest, type Problem, quoted } from './fault.ts'

/**
 * Finds names that stand for nothing and names given twice, in the file as written: it works on a file with other
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
  found.push(...repeated(names(consumers, 'id', ['consumers']), 'consumer'))
  for (const [plan, value] of Object.entries(mapOf(root.plans))) {
    found.push(...repeated(names(mapOf(value).quotas, 'name', ['plans', plan, 'quotas']), 'quota'))
  }
  const tokens = listOf(root.tokens).map((token, i) => {
    return { name: bare(mapOf(token).sha256), path: ['tokens', i, 'sha256'] }
  })
  found.push(...repeated(tokens, 'token hash'))
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
  })
  return found
}

/** The same for one rule that comes from elsewhere: its receivers must be URLs or channels of the file. */
export function receiverProblems(rule: unknown, channels: readonly string[]): Problem[] {
  return listOf(mapOf(rule).notify).flatMap((receiver, i) => {
    if (typeof receiver !== 'string' || receiver.includes('://') || channels.includes(receiver)) return []
    return [absent('channel', receiver, channels, ['notify', i])]
  })
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

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
