import { api } from '../api.ts'
import { h } from '../dom.ts'
import { badge, labelList, refill, type Section, titled } from './section.ts'
import { when } from './time.ts'

export interface Event {
  id: string
  at: string
  rule: string
  fingerprint: string
  labels: Record<string, string>
  severity: string
  state: string
  summary: string
}

const pageSize = 25
const most = 1000

/** What happened, newest first. */
export function historySection(): Section {
  let size = pageSize
  const list = h('ul', { class: 'card rows events' })
  const more = h('button', { type: 'button', class: 'control', hidden: true }, 'Show more')
  const refresh = async () => {
    const { events } = await api<{ events: Event[] }>(`/alerts/events?limit=${size}`)
    more.hidden = events.length < size || size >= most
    refill(list, events, () =>
      events.length === 0 ? [h('li', { class: 'note' }, 'Nothing has happened yet.')] : events.map(item),
    )
  }
  more.addEventListener('click', () => {
    size = Math.min(size * 4, most)
    void refresh().catch(() => undefined)
  })
  return { element: h('section', { 'aria-label': 'History' }, titled('History'), list, more), refresh }
}

function item({ at, rule, labels, state, summary }: Event): HTMLElement {
  return h(
    'li',
    {},
    h('time', { datetime: at, class: 'note' }, when(at)),
    badge(state),
    // A summary begins with the rule and ends with the labels; one without says less.
    summary === '' ? h('div', {}, h('strong', {}, rule), labelList(labels)) : h('p', {}, summary),
  )
}
