import type { Panel } from '@callsight/dashboards'
import { h } from '../dom.ts'
import { drawTimeSeries } from '../draw/timeseries.ts'
import { written } from '../format.ts'
import { ask } from './ask.ts'
import type { Section } from './main.ts'
import { whole } from './quotas.ts'

interface Traffic {
  from: string
  to: string
  step_s: number
  points: { ts: string; calls: number; failed: number; client_errors: number; p50_ms: number; p95_ms: number }[]
}

const spans = [
  { label: '24 hours', hours: 24 },
  { label: '7 days', hours: 7 * 24 },
  { label: '30 days', hours: 30 * 24 },
]

/** How many calls there were over time, how they ended and how long they took. */
export function trafficSection(): Section {
  let hours = 24
  const figures = h('dl', { class: 'figures' })
  const [calls, latency] = [chart(callsPanel), chart(latencyPanel)]
  const choices = spans.map(({ label, hours: each }) => {
    const button = h('button', { type: 'button', class: 'choice', 'aria-pressed': String(each === hours) }, label)
    button.addEventListener('click', () => {
      hours = each
      for (const other of choices) other.setAttribute('aria-pressed', String(other === button))
      void refresh().catch(() => undefined)
    })
    return button
  })
  const refresh = async () => {
    const to = Date.now()
    const traffic = await ask<Traffic>(`portal/traffic?from=${to - hours * 3600_000}&to=${to}`)
    if (traffic === undefined) return
    figures.replaceChildren(...figuresOf(traffic))
    calls.draw(traffic, ({ calls, failed, client_errors }) => [calls - failed - client_errors, client_errors, failed])
    latency.draw(traffic, ({ p50_ms, p95_ms }) => [p50_ms, p95_ms])
  }
  return {
    element: h(
      'section',
      {},
      h(
        'div',
        { class: 'spread' },
        h('h2', {}, 'Traffic'),
        h('div', { class: 'choices', role: 'group', 'aria-label': 'Time range' }, ...choices),
      ),
      figures,
      h('div', { class: 'charts' }, calls.element, latency.element),
    ),
    refresh,
    recolor: () => {
      calls.recolor()
      latency.recolor()
    },
  }
}

function figuresOf({ points }: Traffic): HTMLElement[] {
  const sum = (of: (point: Traffic['points'][number]) => number) =>
    points.reduce((all, point) => all + Number(of(point)), 0)
  const [calls, failed, yours] = [
    sum(({ calls }) => calls),
    sum(({ failed }) => failed),
    sum((point) => point.client_errors),
  ]
  const share = (part: number) => (calls === 0 ? '–' : written(part / calls, 'percentunit'))
  return [
    ['Calls', whole(calls)],
    ['Succeeded', share(calls - failed - yours)],
    ['Failed on our side', `${whole(failed)} (${share(failed)})`],
    ['Refused (4xx)', `${whole(yours)} (${share(yours)})`],
  ].map(([name, value]) => h('div', {}, h('dt', {}, name!), h('dd', {}, value!)))
}

function chart(panel: Panel) {
  const body = h('div', { class: 'body' })
  const empty = h('p', { class: 'message', hidden: true }, 'No calls in this time.')
  const drawing = drawTimeSeries(panel, body)
  const element = h(
    'article',
    { class: 'panel chart-card' },
    h('header', {}, h('h3', { class: 'panel-title' }, panel.title)),
    body,
    empty,
  )
  return {
    element,
    recolor: () => drawing.recolor?.(),
    draw({ from, to, step_s, points }: Traffic, values: (point: Traffic['points'][number]) => number[]) {
      const names = panel.fieldConfig.overrides.map(({ matcher }) => matcher.options)
      const [begin, end] = [Date.parse(from), Date.parse(to)]
      const step = step_s * 1000
      const known = new Map(points.map((point) => [Date.parse(point.ts), values(point)]))
      const rows: (number | null)[][] = []
      const gap = panel.fieldConfig.defaults.unit === 'ms' ? null : 0
      // A point that is not whole would look like a dip.
      for (let at = Math.ceil(begin / step) * step; at + step <= end; at += step) {
        rows.push([at, ...(known.get(at) ?? names.map(() => gap))])
      }
      const columns = [
        { name: 'time', type: 'time' as const },
        ...names.map((name) => ({ name, type: 'number' as const })),
      ]
      const view = { uid: '', range: undefined, refresh: undefined, variables: {} }
      drawing.draw({ columns, rows }, { view, span: { from: begin, to: end }, zoom: () => {}, widen: () => {} })
      empty.hidden = points.length > 0
      element.classList.toggle('empty', points.length === 0)
    },
  }
}

type Line = readonly [name: string, color: 'green' | 'yellow' | 'red' | 'blue' | 'purple']

function panelOf(
  title: string,
  unit: 'ms' | 'locale',
  lines: readonly Line[],
  custom: Panel['fieldConfig']['defaults']['custom'],
): Panel {
  return {
    id: 1,
    type: 'timeseries',
    title,
    description: '',
    datasource: { type: 'grafana-clickhouse-datasource', uid: '' },
    gridPos: { x: 0, y: 0, w: 12, h: 8 },
    maxDataPoints: 200,
    targets: [],
    fieldConfig: {
      defaults: {
        unit,
        noValue: '–',
        min: 0,
        thresholds: { mode: 'absolute', steps: [] },
        mappings: [],
        ...(custom === undefined ? {} : { custom }),
      },
      overrides: lines.map(([name, fixedColor]) => ({
        matcher: { id: 'byName', options: name },
        properties: [{ id: 'color', value: { mode: 'fixed', fixedColor } }],
      })),
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'none' },
    },
  }
}

const callsPanel = panelOf(
  'Calls by result',
  'locale',
  [
    ['succeeded', 'green'],
    ['refused (4xx)', 'yellow'],
    ['failed', 'red'],
  ],
  { drawStyle: 'bars', barAlignment: 1, lineWidth: 1, fillOpacity: 80, stacking: { mode: 'normal', group: 'A' } },
)

const latencyPanel = panelOf(
  'Response time',
  'ms',
  [
    ['half are faster', 'blue'],
    ['95% are faster', 'purple'],
  ],
  { drawStyle: 'line', lineWidth: 2, fillOpacity: 0, showPoints: 'auto', pointSize: 5, spanNulls: false },
)
