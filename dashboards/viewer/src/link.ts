import type { Page } from './draw/drawing.ts'
import { urlOf } from './view.ts'

type Cell = string | number | null

/**
 * A data link's address: Grafana's `${…}` for the value, for other fields of the row, for the time range and for the
 * variables. A value is always percent-encoded, so that it cannot become another address.
 */
export function addressOf(url: string, value: Cell, row: Cell[], columns: { name: string }[], page: Page): string {
  return url.replace(/\$\{([^}:]+)(?::percentencode)?\}/g, (whole, name: string) => {
    if (name === '__value.raw') return encodeURIComponent(value ?? '')
    if (name === '__url_time_range') return queryOf(page, false)
    if (name === '__all_variables') return queryOf(page, true)
    const field = /^__data\.fields\.(.+)$/.exec(name)?.[1]
    const index = columns.findIndex((column) => column.name === field)
    return index === -1 ? whole : encodeURIComponent(row[index] ?? '')
  })
}

/** The range, or the variables, as they stand in this page's own URL. */
function queryOf({ view, span }: Page, variables: boolean): string {
  const range = view.range ?? { from: String(span.from), to: String(span.to) }
  const shown = urlOf({
    uid: view.uid,
    range: variables ? undefined : range,
    refresh: undefined,
    variables: variables ? view.variables : {},
  })
  return shown.split('?')[1] ?? ''
}
