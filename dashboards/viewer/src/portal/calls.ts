import { h } from '../dom.ts'
import { written } from '../format.ts'
import { ask } from './ask.ts'
import type { Section } from './main.ts'

interface Call {
  ts: string
  id: string
  operation: string
  status: number
  outcome: string
  error_code: string
  duration_ms: number
  response_bytes: number
}

interface Calls {
  calls: Call[]
  next: string | null
}

const filters = [
  { label: 'All', outcome: undefined },
  { label: 'Failed', outcome: 'server_error' },
  { label: 'Timed out', outcome: 'timeout' },
  { label: 'Refused', outcome: 'client_error' },
]

const words: Record<string, string> = {
  ok: 'succeeded',
  client_error: 'refused',
  server_error: 'failed',
  timeout: 'timed out',
  aborted: 'left',
}

/** The consumer's calls, newest first, further ones on request. */
export function callsSection(): Section {
  let outcome: string | undefined
  let next: string | null = null
  let pages = 1
  const rows = h('tbody', {})
  const more = h('button', { type: 'button', class: 'control', hidden: true }, 'Show more')
  const none = h('p', { class: 'note', hidden: true }, 'No calls of this kind.')
  const page = async (cursor: string | null) => {
    const query = new URLSearchParams({ limit: '25' })
    if (outcome !== undefined) query.set('outcome', outcome)
    if (cursor !== null) query.set('cursor', cursor)
    const found = (await ask<Calls>(`portal/calls?${query}`)) ?? { calls: [], next: null }
    next = found.next
    more.hidden = next === null
    return found.calls
  }
  const refresh = async () => {
    // What was paged to is left in place: a table that jumps cannot be read.
    if (pages > 1) return
    const calls = await page(null)
    rows.replaceChildren(...calls.map(row))
    none.hidden = calls.length > 0
  }
  more.addEventListener('click', async () => {
    more.disabled = true
    try {
      rows.append(...(await page(next)).map(row))
      pages++
    } catch (error) {
      more.after(h('p', { class: 'fault', role: 'alert' }, `No more: ${(error as Error).message}.`))
    } finally {
      more.disabled = false
    }
  })
  const choices = filters.map(({ label, outcome: each }) => {
    const button = h('button', { type: 'button', class: 'choice', 'aria-pressed': String(each === outcome) }, label)
    button.addEventListener('click', () => {
      outcome = each
      pages = 1
      for (const other of choices) other.setAttribute('aria-pressed', String(other === button))
      void refresh().catch(() => undefined)
    })
    return button
  })
  const head = ['Time', 'Operation', 'Status', 'Result', 'Duration', 'Size', 'Id for support']
  return {
    element: h(
      'section',
      {},
      h(
        'div',
        { class: 'spread' },
        h('h2', {}, 'Calls'),
        h('div', { class: 'choices', role: 'group', 'aria-label': 'Result' }, ...choices),
      ),
      h(
        'div',
        { class: 'card table calls' },
        h('table', {}, h('thead', {}, h('tr', {}, ...head.map((title) => h('th', { scope: 'col' }, title)))), rows),
        none,
      ),
      more,
    ),
    refresh,
  }
}

function row({ ts, id, operation, status, outcome, error_code, duration_ms, response_bytes }: Call): HTMLElement {
  const result = words[outcome] ?? outcome
  return h(
    'tr',
    {},
    h('td', { class: 'when' }, exactly(ts)),
    h('td', { class: 'operation' }, operation),
    h('td', {}, status === 0 ? '–' : String(status)),
    h(
      'td',
      {},
      h('span', { class: `result ${outcome}` }, result),
      error_code === '' ? null : h('small', { class: 'note' }, ` ${error_code}`),
    ),
    h('td', { class: 'number' }, written(duration_ms, 'ms')),
    h('td', { class: 'number' }, written(response_bytes, 'bytes')),
    h('td', { class: 'id' }, h('code', { title: id }, id.slice(0, 16))),
  )
}

/** A moment to the second, in the reader's time zone. */
function exactly(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}
