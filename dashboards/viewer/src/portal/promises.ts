import { h } from '../dom.ts'
import { ask, askText } from './ask.ts'
import type { Me, Section } from './main.ts'
import { whole } from './quotas.ts'

interface Month {
  month: string
  statements: Statement[]
  missing: { objective: string; why: string }[]
}

interface Statement {
  objective: string
  final: boolean
  met: boolean | null
  credit: string | null
  statement: {
    attained: string | null
    calls: { judged: number; bad: number }
    terms: { operation: string | null; target: string; latency_below: string | null }
  }
}

/** What was promised, and whether it was kept, by month; with the statement to keep. */
export function promisesSection(me: Me): Section {
  const months = lastMonths(3, me.time_zone)
  let month = months[0]!
  const rows = h('tbody', {})
  const note = h('p', { class: 'note', hidden: true })
  const keep = h('button', { type: 'button', class: 'control' }, 'Download the statement')
  const table = h(
    'div',
    { class: 'card table promises' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Promise', 'About', 'Target', 'Reached', 'Calls', 'Not as promised', 'Result'].map((title) =>
            h('th', { scope: 'col' }, title),
          ),
        ),
      ),
      rows,
    ),
    note,
  )
  const path = (format: string) => `consumers/${encodeURIComponent(me.id)}/sla?month=${month}&format=${format}`
  const refresh = async () => {
    const found = await ask<Month>(path('json'))
    const statements = found?.statements ?? []
    rows.replaceChildren(...statements.map(row))
    note.hidden = statements.length > 0
    note.textContent = found?.missing[0]?.why ?? `Nothing was promised to you for ${month}.`
    keep.hidden = statements.length === 0
  }
  keep.addEventListener('click', async () => {
    const page = await askText(path('html'))
    const link = h('a', {
      href: URL.createObjectURL(new Blob([page], { type: 'text/html' })),
      download: `sla-${me.id}-${month}.html`,
    })
    link.click()
    URL.revokeObjectURL(link.href)
  })
  const choices = months.map((each) => {
    const button = h('button', { type: 'button', class: 'choice', 'aria-pressed': String(each === month) }, each)
    button.addEventListener('click', () => {
      month = each
      for (const other of choices) other.setAttribute('aria-pressed', String(other === button))
      void refresh().catch(() => undefined)
    })
    return button
  })
  const head = h(
    'div',
    { class: 'spread' },
    h('h2', {}, 'Service level'),
    h('div', { class: 'choices', role: 'group', 'aria-label': 'Month' }, ...choices),
  )
  return { element: h('section', {}, head, table, keep), refresh }
}

function row({ objective, final, met, credit, statement: { attained, calls, terms } }: Statement): HTMLElement {
  const result = met === null ? 'no calls' : met ? 'kept' : credit === null ? 'not kept' : `not kept: ${credit} credit`
  return h(
    'tr',
    {},
    h('td', { class: 'operation' }, objective),
    h(
      'td',
      {},
      `${terms.operation ?? 'all calls'}${terms.latency_below === null ? '' : `, under ${terms.latency_below}`}`,
    ),
    h('td', {}, terms.target),
    h('td', {}, attained ?? '–'),
    h('td', { class: 'number' }, whole(calls.judged)),
    h('td', { class: 'number' }, whole(calls.bad)),
    h(
      'td',
      {},
      h('span', { class: `result ${met === null ? '' : met ? 'ok' : 'server_error'}` }, result),
      final ? null : h('small', { class: 'note' }, ' so far'),
    ),
  )
}

/** This month and those before it, by the calendar of the zone: `2026-11`. */
function lastMonths(count: number, timeZone: string): string[] {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit' }).formatToParts(
    new Date(),
  )
  const number = (type: string) => Number(parts.find((part) => part.type === type)!.value)
  const first = number('year') * 12 + number('month') - 1
  return Array.from({ length: count }, (_, i) => {
    const month = first - i
    return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`
  })
}
