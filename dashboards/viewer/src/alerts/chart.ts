import type { Panel, Unit } from '@callsight/dashboards'
import { h } from '../dom.ts'
import { drawTimeSeries } from '../draw/timeseries.ts'
import { written } from '../format.ts'
import type { Replayed } from './replay.ts'

const units: Readonly<Record<string, Unit>> = {
  ms: 'ms',
  ratio: 'percentunit',
  bytes: 'bytes',
  calls: 'locale',
  per_second: 'reqps',
}

/** The unit of the viewer for one of the API. */
export function unitOf(unit: string): Unit {
  return units[unit] ?? 'none'
}

/** A figure of an answer that carries its unit in its name, such as `value_ms`. */
export function figureOf(of: object, name: string): { value: number | null; unit: Unit } | undefined {
  const found = Object.entries(of).find(([key]) => key.startsWith(`${name}_`))
  return found === undefined
    ? undefined
    : { value: found[1] as number | null, unit: unitOf(found[0].slice(name.length + 1)) }
}

/** The metric of a replayed rule over time, its threshold dashed, and the times shaded in which it would have fired. */
export function chartOf(replayed: Replayed) {
  const { when, unit, from, to, firings, series } = replayed
  const threshold = figureOf(replayed, 'threshold')?.value ?? null
  const panel = panelOf(when, unitOf(unit), threshold)
  const body = h('div', { class: 'body' })
  const drawing = drawTimeSeries(panel, body)
  const element = h('div', { class: 'replay-chart' }, body)
  const name = metricName(when)
  const span = { from: Date.parse(from), to: Date.parse(to) }
  return {
    element,
    /** Once it is in the page: a chart needs its size. */
    draw() {
      drawing.draw(
        {
          columns: [
            { name: 'time', type: 'time' },
            { name, type: 'number' },
          ],
          rows: series.map(({ at, value }) => [Date.parse(at), value]),
        },
        {
          view: { uid: '', range: undefined, refresh: undefined, variables: {} },
          span,
          marked: firings.map(({ fired, resolved }) => ({
            from: Date.parse(fired),
            to: resolved === null ? span.to : Date.parse(resolved),
          })),
          zoom: () => {},
          widen: () => {},
        },
      )
      const limit = threshold === null ? '' : `, threshold ${written(threshold, unitOf(unit))}`
      const canvas = element.querySelector('.chart')
      canvas?.setAttribute('aria-label', `${canvas.getAttribute('aria-label')}${limit}`)
    },
    recolor: () => drawing.recolor?.(),
    destroy: () => drawing.destroy?.(),
  }
}

function metricName(when: string): string {
  return when.split(' ', 1)[0]!.replaceAll('_', ' ')
}

function panelOf(title: string, unit: Unit, threshold: number | null): Panel {
  return {
    id: 1,
    type: 'timeseries',
    title,
    description: '',
    datasource: { type: 'grafana-clickhouse-datasource', uid: '' },
    gridPos: { x: 0, y: 0, w: 12, h: 8 },
    maxDataPoints: 2000,
    targets: [],
    fieldConfig: {
      defaults: {
        unit,
        noValue: '–',
        min: 0,
        color: { mode: 'fixed', fixedColor: 'blue' },
        thresholds: { mode: 'absolute', steps: [{ color: 'red', value: threshold }] },
        mappings: [],
        custom: {
          drawStyle: 'line',
          lineWidth: 1.5,
          fillOpacity: 8,
          showPoints: 'auto',
          spanNulls: false,
          thresholdsStyle: { mode: 'dashed' },
          // The threshold is in view, however far away it is.
          axisSoftMax: (threshold ?? 0) * 1.1,
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: false, calcs: [] },
      tooltip: { mode: 'multi', sort: 'none' },
    },
  }
}
