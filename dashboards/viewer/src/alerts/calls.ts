import { api } from '../api.ts'
import { h } from '../dom.ts'
import { written } from '../format.ts'
import { when } from './time.ts'

interface Call {
  ts: string
  id: string
  service: string
  operation: string
  consumer: string
  status: number
  outcome: string
  error_code: string
  duration_ms: number
}

const shown = 20

/** A button that shows the calls behind an alert beneath it, and hides them again. */
export function callsButton(url: string): { button: HTMLElement; place: HTMLElement } {
  const place = h('div', { class: 'calls', hidden: true })
  const button = h('button', { type: 'button', class: 'link', 'aria-expanded': 'false' }, 'Calls')
  button.addEventListener('click', () => {
    place.hidden = !place.hidden
    button.setAttribute('aria-expanded', String(!place.hidden))
    if (!place.hidden) void showCalls(url, place)
  })
  return { button, place }
}

/** Fills a place with the newest of the calls that a search of the API finds. */
export async function showCalls(url: string, place: HTMLElement): Promise<void> {
  place.replaceChildren(h('p', { class: 'note' }, 'Loading …'))
  try {
    const query = url.slice('/api/v1'.length)
    const { calls, next } = await api<{ calls: Call[]; next: string | null }>(`${query}&limit=${shown}`)
    place.replaceChildren(table(calls), ...(next === null ? [] : [h('p', { class: 'note' }, `The newest ${shown}.`)]))
  } catch (error) {
    place.replaceChildren(h('p', { class: 'fault', role: 'alert' }, (error as Error).message))
  }
}

/** The board of the time and the labels around an alert. */
export function boardLink(labels: Readonly<Record<string, string>>, from: number, to: number): HTMLElement {
  const query = new URLSearchParams({ from: String(from), to: String(to) })
  for (const name of ['service', 'operation', 'consumer', 'env']) {
    const value = labels[name]
    if (value !== undefined && value !== '' && !value.includes('*')) query.append(`var-${name}`, value)
  }
  return h('a', { class: 'link', href: `/d/callsight-overview?${query}` }, 'Board')
}

function table(calls: readonly Call[]): HTMLElement {
  if (calls.length === 0) return h('p', { class: 'note' }, 'No such calls are stored.')
  const head = ['Time', 'Service', 'Operation', 'Consumer', 'Result', 'Duration']
  const rows = calls.map(({ ts, service, operation, consumer, status, outcome, error_code, duration_ms, id }) =>
    h(
      'tr',
      { title: id },
      h('td', {}, when(ts)),
      h('td', {}, service),
      h('td', { class: 'operation' }, operation),
      h('td', {}, consumer === '' ? '(none)' : consumer),
      h('td', {}, h('span', { class: `result ${outcome}` }, [status || '', error_code || outcome].join(' ').trim())),
      h('td', { class: 'number' }, written(duration_ms, 'ms')),
    ),
  )
  return h(
    'div',
    { class: 'table' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...head.map((title) => h('th', { scope: 'col', class: title === 'Duration' ? 'number' : null }, title)),
        ),
      ),
      h('tbody', {}, ...rows),
    ),
  )
}
