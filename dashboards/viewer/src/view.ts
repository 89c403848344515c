import type { Range } from './range.ts'

/** What is shown: all of it is in the URL, written as Grafana writes it, so that a link can be shared. */
export interface View {
  uid: string
  /** Undefined: the board's own. */
  range: Range | undefined
  /** `5s` … `1m`, `` for off; undefined: the board's own. */
  refresh: string | undefined
  variables: Record<string, string[]>
}

export function viewOf(url: URL, home: string): View {
  const uid = /^\/d\/([^/]+)/.exec(url.pathname)?.[1]
  const query = url.searchParams
  const [from, to] = [query.get('from'), query.get('to')]
  const variables: Record<string, string[]> = {}
  for (const [key, value] of query) {
    if (key.startsWith('var-') && value !== '$__all' && value !== '') {
      const name = key.slice(4)
      variables[name] = [...(variables[name] ?? []), value]
    }
  }
  return {
    uid: uid === undefined ? home : decodeURIComponent(uid),
    range: from !== null && to !== null ? { from, to } : undefined,
    refresh: query.get('refresh') ?? undefined,
    variables,
  }
}

export function urlOf({ uid, range, refresh, variables }: View): string {
  const query = new URLSearchParams(range === undefined ? {} : { from: range.from, to: range.to })
  if (refresh !== undefined) query.set('refresh', refresh)
  for (const [name, values] of Object.entries(variables)) for (const value of values) query.append(`var-${name}`, value)
  const text = query.toString()
  return `/d/${encodeURIComponent(uid)}${text === '' ? '' : `?${text}`}`
}
