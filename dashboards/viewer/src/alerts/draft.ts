import { metricOf, standsAlone, takes } from './metric.ts'

/** Keys of a rule that are one text each, in the order in which a rule is written. */
export const textKeys = [
  'objective',
  'quota',
  'direction',
  'peer',
  'service',
  'operation',
  'consumer',
  'env',
  'over',
  'for',
  'keep_firing_for',
  'recover',
  'points',
  'min_calls',
  'confidence',
  'no_data',
  'severity',
] as const
export type TextKey = (typeof textKeys)[number]

/** What stands in the form. */
export interface Draft {
  /** As given; empty: named after what it says. */
  readonly name: string
  readonly metric: string
  readonly comparison: string
  readonly threshold: string
  readonly texts: Readonly<Partial<Record<TextKey, string>>>
  readonly groupBy: readonly string[]
  readonly notify: readonly string[]
}

/** A rule as callsight.yaml and the API have it. */
export type Rule = { readonly name: string; readonly when: string } & {
  readonly [key in TextKey]?: string
} & { readonly group_by?: readonly string[]; readonly notify?: readonly string[] }

/** The rule that a draft says. What its metric does not take is left out, and so is what is empty. */
export function ruleOf({ name, metric, comparison, threshold, texts, groupBy, notify }: Draft): Rule {
  const about = metricOf(metric)
  const limit = threshold.trim()
  const when = limit === '' && standsAlone(about) ? metric : `${metric} ${comparison} ${limit}`
  const given = textKeys.flatMap((key) => {
    const text = (texts[key] ?? '').trim()
    // A host may stay in its field while the calls are incoming ones.
    if (key === 'peer' && texts.direction !== 'out') return []
    return text === '' || !takes(about, key, limit) ? [] : [[key, text]]
  })
  const rule = { when, ...Object.fromEntries(given) } as Omit<Rule, 'name'>
  return {
    name: name.trim() || nameOf(rule),
    ...rule,
    ...(groupBy.length > 0 && takes(about, 'group_by', limit) ? { group_by: groupBy } : {}),
    ...(notify.length > 0 ? { notify } : {}),
  }
}

/** As the collector itself names a rule that has no name. */
export function nameOf({ service, operation, consumer, peer, objective, quota, when }: Omit<Rule, 'name'>): string {
  return [service, operation, consumer, peer, objective, quota, when]
    .filter((part) => part !== undefined)
    .join('-')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}._]+/gu, '-')
    .replace(/^[^\p{L}\p{N}]+|-+$/gu, '')
    .slice(0, 100)
}

/** A draft in the URL, so that it can be shared; receivers with a URL are left out: whoever has one can post there. */
export function queryOf({ name, metric, comparison, threshold, texts, groupBy, notify }: Draft): URLSearchParams {
  const query = new URLSearchParams({ metric, comparison, threshold })
  if (name !== '') query.set('name', name)
  for (const key of textKeys) if ((texts[key] ?? '') !== '') query.set(key, texts[key]!)
  for (const label of groupBy) query.append('group_by', label)
  for (const receiver of notify) if (!receiver.includes('://')) query.append('notify', receiver)
  return query
}

/** The draft that a URL has; undefined when it has none. */
export function draftOf(query: URLSearchParams): Draft | undefined {
  const metric = query.get('metric')
  if (metric === null) return undefined
  const texts = Object.fromEntries(textKeys.map((key) => [key, query.get(key) ?? '']))
  return {
    name: query.get('name') ?? '',
    metric: metricOf(metric).name,
    comparison: query.get('comparison') ?? '>',
    threshold: query.get('threshold') ?? '',
    texts,
    groupBy: query.getAll('group_by'),
    notify: query.getAll('notify'),
  }
}

export const emptyDraft: Draft = {
  name: '',
  metric: 'p95',
  comparison: '>',
  threshold: '300ms',
  texts: {},
  groupBy: [],
  notify: [],
}
