import type {
  Board,
  Calc,
  Cell,
  Color,
  ColorName,
  Datasource,
  Drawing,
  Field,
  Mapping,
  Options,
  Override,
  Panel,
  PanelType,
  Property,
  QueryVariable,
  Thresholds,
  Unit,
} from './grafana.ts'
import { limits } from './limits.ts'

/** What is common to the panels of a board file; `w` is the width in columns of 24. */
export interface PanelOptions {
  /** Stable: links and tests name a panel by it. Never give a removed panel's id to another. */
  id: number
  w: number
  title: string
  description: string
  sql: string
  unit: Unit
  noValue: string
  /** Points of a chart, hence the width of a bucket. */
  points?: number
  decimals?: number
  min?: number
  max?: number
  thresholds?: Steps
  mappings?: Mapping[]
  displayName?: string
  overrides?: Override[]
}

/** Colours from low to high: the first has no lower bound. */
export type Steps = readonly [ColorName, ...(readonly [number, ColorName])[]]

type Placed = Omit<Panel, 'gridPos'> & { w: number }

const datasource: Datasource = { type: 'grafana-clickhouse-datasource', uid: `\${datasource}` }

/** A chart over time. The SQL answers `time` first, ascending; strings become labels, numbers become lines. */
export function timeSeries(
  options: PanelOptions & {
    drawing?: Partial<Drawing>
    color?: Color
    legend?: Calc[]
    /** Draws the thresholds as dashed lines. */
    lines?: boolean
  },
): Placed {
  const drawing: Partial<Drawing> = {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 2,
    fillOpacity: 8,
    gradientMode: 'none',
    showPoints: 'auto',
    pointSize: 5,
    spanNulls: false,
    barAlignment: 1,
    stacking: { mode: 'none', group: 'A' },
    thresholdsStyle: { mode: options.lines === true ? 'dashed' : 'off' },
    axisSoftMin: 0,
    ...options.drawing,
  }
  return panel(
    'timeseries',
    0,
    options,
    { custom: drawing, color: options.color ?? { mode: 'palette-classic' } },
    {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: options.legend ?? ['lastNotNull'] },
      tooltip: { mode: 'multi', sort: options.drawing?.stacking?.mode === 'normal' ? 'none' : 'desc' },
    },
  )
}

/** One figure; with `sparkline` the SQL answers a time series whose last value is the figure. */
export function stat(options: PanelOptions & { sparkline?: boolean }): Placed {
  const sparkline = options.sparkline === true
  return panel(
    'stat',
    sparkline ? 0 : 1,
    options,
    { color: { mode: 'thresholds' } },
    {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      colorMode: options.thresholds === undefined ? 'none' : 'value',
      graphMode: sparkline ? 'area' : 'none',
      textMode: 'value',
      justifyMode: 'auto',
      orientation: 'auto',
    },
  )
}

/** Rows and columns as the SQL answers them. */
export function table(options: PanelOptions & { sortBy?: { displayName: string; desc: boolean }[] }): Placed {
  const custom: Partial<Drawing> = { align: 'auto', cellOptions: { type: 'auto' } }
  return panel(
    'table',
    1,
    options,
    { custom, color: { mode: 'thresholds' } },
    {
      showHeader: true,
      cellHeight: 'sm',
      sortBy: options.sortBy ?? [],
    },
  )
}

/** One bar for each row: a string column names it, the numeric one is its length. */
export function barGauge(options: PanelOptions): Placed {
  return panel(
    'bargauge',
    1,
    options,
    { color: { mode: 'thresholds' } },
    {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: true },
      orientation: 'horizontal',
      displayMode: 'basic',
      valueMode: 'text',
      showUnfilled: true,
    },
  )
}

function panel(
  type: PanelType,
  format: 0 | 1,
  options: PanelOptions,
  look: Pick<Field, 'custom' | 'color'>,
  drawn: Options,
): Placed {
  const { id, w, title, description, unit, noValue, decimals, min, max, displayName } = options
  return {
    w,
    id,
    type,
    title,
    description,
    datasource,
    maxDataPoints: options.points ?? limits.points,
    targets: [
      {
        refId: 'A',
        datasource,
        editorType: 'sql',
        pluginVersion: '4.20.0',
        rawSql: options.sql,
        format,
        queryType: format === 0 ? 'timeseries' : 'table',
        meta: {},
      },
    ],
    fieldConfig: {
      defaults: {
        unit,
        noValue,
        ...(decimals === undefined ? {} : { decimals }),
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
        ...(displayName === undefined ? {} : { displayName }),
        ...look,
        thresholds: steps(options.thresholds ?? ['text']),
        mappings: options.mappings ?? [],
      },
      overrides: options.overrides ?? [],
    },
    options: drawn,
  }
}

/** Thresholds from steps. */
function steps([lowest, ...higher]: Steps): Thresholds {
  return {
    mode: 'absolute',
    steps: [{ color: lowest, value: null }, ...higher.map(([value, color]) => ({ color, value }))],
  }
}

/** How one column or series differs from the panel's defaults. */
export function column(name: string, ...properties: Property[]): Override {
  return { matcher: { id: 'byName', options: name }, properties }
}

/** The same for a series that is named by a label. */
export function series(label: string, ...properties: Property[]): Override {
  return { matcher: { id: 'byRegexp', options: `/${label}$/` }, properties }
}

export const unit = (value: Unit): Property => ({ id: 'unit', value })
export const decimals = (value: number): Property => ({ id: 'decimals', value })
export const fixed = (fixedColor: ColorName): Property => ({ id: 'color', value: { mode: 'fixed', fixedColor } })
export const thresholds = (...of: Steps): Property => ({ id: 'thresholds', value: steps(of) })
const cell = (value: Cell): Property => ({ id: 'custom.cellOptions', value })
export const link = (title: string, url: string): Property => ({ id: 'links', value: [{ title, url }] })
export const colouredText = cell({ type: 'color-text' })
/** A bar in the cell, from 0 to 1. */
export const gauge: Property[] = [
  cell({ type: 'gauge', mode: 'basic', valueDisplayMode: 'text' }),
  { id: 'min', value: 0 },
  { id: 'max', value: 1 },
]

/** A variable whose options come from SQL; several can be chosen, or all. */
export function queryVariable(name: string, label: string, description: string, rawSql: string): QueryVariable {
  return {
    type: 'query',
    name,
    label,
    description,
    datasource,
    definition: rawSql,
    query: { refId: `variable-${name}`, queryType: 'sql', editorType: 'sql', rawSql },
    current: { text: ['All'], value: ['$__all'] },
    hide: 0,
    multi: true,
    includeAll: true,
    refresh: 2,
    sort: 1,
    regex: '',
  }
}

/** A board from rows of panels, laid out from left to right and top to bottom. */
export function board(options: {
  uid: string
  title: string
  description: string
  variables: QueryVariable[]
  rows: { h: number; panels: Placed[] }[]
}): Board {
  const { uid, title, description, variables, rows } = options
  let y = 0
  const panels = rows.flatMap(({ h, panels }) => {
    let x = 0
    const placed = panels.map(({ w, ...rest }): Panel => {
      const { id, type, title, description, ...more } = rest
      const panel = { id, type, title, description, gridPos: { x, y, w, h }, ...more }
      x += w
      return panel
    })
    y += h
    return placed
  })
  return {
    id: null,
    uid,
    title,
    description,
    tags: ['callsight'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    time: { from: 'now-15m', to: 'now' },
    timepicker: { refresh_intervals: ['5s', '10s', '30s', '1m'] },
    refresh: '5s',
    links: [
      {
        type: 'dashboards',
        title: 'Callsight',
        tags: ['callsight'],
        asDropdown: false,
        keepTime: true,
        includeVars: true,
        targetBlank: false,
        icon: 'external link',
        tooltip: '',
        url: '',
      },
    ],
    annotations: { list: [] },
    templating: {
      list: [
        {
          type: 'datasource',
          name: 'datasource',
          label: 'Data source',
          description: 'The ClickHouse data source whose default database is callsight.',
          query: 'grafana-clickhouse-datasource',
          hide: 0,
          multi: false,
          includeAll: false,
          refresh: 1,
          regex: '',
        },
        ...variables,
      ],
    },
    panels,
  }
}
