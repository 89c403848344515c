import { api } from '../api.ts'
import { h } from '../dom.ts'
import { fromNow, written } from '../format.ts'
import { boardLink, showCalls } from './calls.ts'
import { figureOf } from './chart.ts'
import type { Event } from './history.ts'
import { badge, labelList, refill, type Section, titled } from './section.ts'
import { silenceButton } from './silences.ts'
import { when } from './time.ts'

interface Alert {
  rule: string
  fingerprint: string
  labels: Record<string, string>
  severity: string
  state: 'firing' | 'error' | 'nodata' | 'recovering' | 'pending'
  when: string | null
  calls: number
  active_since: string
  annotations: Record<string, string>
  silenced_by: string[]
  calls_url: string
}

const order = ['firing', 'error', 'nodata', 'recovering', 'pending']
const words: Readonly<Record<string, string>> = { error: 'cannot be judged', nodata: 'no data' }

/** What fires now, the worst state first. */
export function firingSection(silenced: () => void): Section {
  const count = h('span', { class: 'note', role: 'status' })
  const cards = h('div', { class: 'alerts' })
  const calls = h('div', { class: 'card calls-of', hidden: true })
  const showOf = ({ rule, calls_url }: Alert) => {
    const place = h('div', {})
    const close = h('button', { type: 'button', class: 'control small' }, 'Close')
    close.addEventListener('click', () => {
      calls.hidden = true
    })
    calls.replaceChildren(h('div', { class: 'spread' }, h('h3', {}, `Calls of ${rule}`), close), place)
    calls.hidden = false
    void showCalls(calls_url, place)
  }
  const refresh = async () => {
    const [{ alerts }, { events }] = await Promise.all([
      api<{ alerts: Alert[] }>('/alerts'),
      api<{ events: Event[] }>('/alerts/events?limit=200'),
    ])
    const firing = alerts.filter(({ state }) => state !== 'pending').length
    const pending = alerts.length - firing
    const waiting = pending === 0 ? '' : `${pending} pending`
    count.textContent = [firing === 0 ? 'nothing fires' : `${firing} firing`, waiting].filter((one) => one).join(', ')
    alerts.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.active_since < b.active_since ? 1 : -1))
    // Its last look moves on by itself.
    const known = alerts.map(({ calls_url: _, ...alert }) => alert)
    const minute = Math.floor(Date.now() / 60_000)
    refill(cards, [known, alerts.length > 0 && minute], () =>
      alerts.length === 0
        ? [h('p', { class: 'card calm' }, 'Nothing fires.')]
        : alerts.map((alert) =>
            card(alert, newestOf(events, alert), {
              calls: () => showOf(alert),
              silenced: () => {
                void refresh()
                silenced()
              },
            }),
          ),
    )
  }
  return { element: h('section', {}, titled('Now', count), cards, calls), refresh }
}

/** What was last told of an alert; events are newest first. */
function newestOf(events: readonly Event[], { fingerprint }: Alert): Event | undefined {
  return events.find((event) => event.fingerprint === fingerprint && event.summary !== '')
}

function card(alert: Alert, event: Event | undefined, act: { calls(): void; silenced(): void }): HTMLElement {
  const { rule, labels, severity, state, active_since, silenced_by, annotations } = alert
  const [value, threshold] = [figureOf(alert, 'value'), figureOf(alert, 'threshold')]
  const since = Date.parse(active_since)
  const calls = h('button', { type: 'button', class: 'link', 'aria-label': `Calls of ${rule}` }, 'Calls')
  calls.addEventListener('click', act.calls)
  const runbook = annotations.runbook_url
  return h(
    'article',
    { class: `card alert ${state}`, 'aria-label': `${rule} ${words[state] ?? state}` },
    h(
      'div',
      { class: 'spread' },
      h(
        'span',
        { class: 'name-line' },
        badge(state, words[state]),
        h('h3', {}, rule),
        h('span', { class: 'tag' }, severity),
      ),
      silenced_by.length > 0 ? h('span', { class: 'tag muted' }, 'silenced') : silenceButton(alert, act.silenced),
    ),
    labelList(labels),
    h(
      'p',
      { class: 'against' },
      h('b', {}, shown(value)),
      h('span', { class: 'note' }, ` against ${shown(threshold)}, of ${alert.calls} calls`),
    ),
    event === undefined ? null : h('p', { class: 'summary' }, event.summary),
    h(
      'p',
      { class: 'spread note' },
      h(
        'time',
        { datetime: active_since, title: when(active_since) },
        `since ${when(active_since)}, ${fromNow(since, Date.now())}`,
      ),
      h(
        'span',
        { class: 'links' },
        runbook === undefined || !/^https?:/.test(runbook) ? null : h('a', { class: 'link', href: runbook }, 'Runbook'),
        calls,
        boardLink(labels, since - 30 * 60_000, Date.now()),
      ),
    ),
  )
}

function shown(figure: ReturnType<typeof figureOf>): string {
  return figure === undefined || figure.value === null ? '–' : written(figure.value, figure.unit)
}
