/**
 * Grafana's classic dashboard JSON, as far as we use it. What a type here does not allow,
 * the viewer cannot draw: both are compiled against the same types.
 */
export interface Board {
  id: null
  uid: string
  title: string
  description: string
  tags: string[]
  schemaVersion: 39
  version: 1
  editable: false
  /** 1: one crosshair for all charts. */
  graphTooltip: 1
  timezone: 'browser'
  time: { from: string; to: string }
  timepicker: { refresh_intervals: string[] }
  refresh: string
  links: BoardLink[]
  annotations: { list: [] }
  templating: { list: Variable[] }
  panels: Panel[]
}

/** A link to the sibling boards that keeps time and variables. */
export interface BoardLink {
  type: 'dashboards'
  title: string
  tags: string[]
  asDropdown: boolean
  keepTime: boolean
  includeVars: boolean
  targetBlank: boolean
  icon: string
  tooltip: string
  url: string
}

export type Variable = DatasourceVariable | QueryVariable

export interface DatasourceVariable {
  type: 'datasource'
  name: string
  label: string
  description: string
  query: 'grafana-clickhouse-datasource'
  hide: 0
  multi: false
  includeAll: false
  refresh: 1
  regex: string
}

export interface QueryVariable {
  type: 'query'
  name: string
  label: string
  description: string
  datasource: Datasource
  definition: string
  query: { refId: string; queryType: 'sql'; editorType: 'sql'; rawSql: string }
  current: { text: string[]; value: string[] }
  hide: 0
  multi: boolean
  includeAll: boolean
  /** 2: asked again when the time range changes. */
  refresh: 2
  sort: 1
  regex: string
}

export interface Datasource {
  type: 'grafana-clickhouse-datasource'
  uid: string
}

export type Unit =
  | 'none'
  | 'short'
  | 'locale'
  | 'reqps'
  | 'percentunit'
  | 'µs'
  | 'ms'
  | 's'
  | 'bytes'
  | 'dateTimeFromNow'
  | 'suffix:×'

export type PanelType = 'timeseries' | 'stat' | 'table' | 'bargauge'

export interface Panel {
  id: number
  type: PanelType
  title: string
  description: string
  datasource: Datasource
  gridPos: { x: number; y: number; w: number; h: number }
  maxDataPoints: number
  targets: Target[]
  fieldConfig: { defaults: Field; overrides: Override[] }
  options: Options
}

export interface Target {
  refId: string
  datasource: Datasource
  editorType: 'sql'
  pluginVersion: '4.20.0'
  rawSql: string
  /** 0 time series, 1 table. */
  format: 0 | 1
  queryType: 'timeseries' | 'table'
  meta: Record<string, never>
}

/** How the values of a field look. */
export interface Field {
  unit: Unit
  noValue: string
  decimals?: number
  min?: number
  max?: number
  displayName?: string
  color?: Color
  thresholds: Thresholds
  mappings: Mapping[]
  links?: Link[]
  custom?: Partial<Drawing>
}

export type Color =
  | { mode: 'thresholds' | 'palette-classic' | 'palette-classic-by-name' }
  | { mode: 'fixed'; fixedColor: ColorName }

export type ColorName = 'green' | 'yellow' | 'orange' | 'red' | 'dark-red' | 'blue' | 'purple' | 'text' | 'transparent'

export interface Thresholds {
  mode: 'absolute'
  steps: { color: ColorName; value: number | null }[]
}

export interface Mapping {
  type: 'value'
  options: Record<string, { text: string; color?: ColorName; index: number }>
}

export interface Link {
  title: string
  url: string
}

/** The `custom` part of a field: of charts and of table cells. */
export interface Drawing {
  drawStyle: 'line' | 'bars'
  lineInterpolation: 'linear'
  lineWidth: number
  fillOpacity: number
  gradientMode: 'none' | 'opacity'
  showPoints: 'auto' | 'never'
  pointSize: number
  spanNulls: boolean
  barAlignment: 1
  stacking: { mode: 'none' | 'normal'; group: 'A' }
  thresholdsStyle: { mode: 'off' | 'dashed' }
  axisSoftMin: number
  axisSoftMax: number
  align: 'auto'
  cellOptions: Cell
}

export type Cell =
  | { type: 'auto' | 'color-text' }
  | { type: 'color-background'; mode: 'basic' }
  | { type: 'gauge'; mode: 'basic'; valueDisplayMode: 'text' }

export interface Override {
  /** byName: a column or series; byRegexp: `/…$/` on the name of a series, which Grafana writes with its labels. */
  matcher: { id: 'byName' | 'byRegexp'; options: string }
  properties: Property[]
}

export type Property =
  | { id: 'unit'; value: Unit }
  | { id: 'decimals' | 'min' | 'max'; value: number }
  | { id: 'color'; value: Color }
  | { id: 'thresholds'; value: Thresholds }
  | { id: 'mappings'; value: Mapping[] }
  | { id: 'links'; value: Link[] }
  | { id: 'custom.cellOptions'; value: Cell }

/** Options of all panel types in one shape; a panel has those of its type. */
export interface Options {
  legend?: { displayMode: 'list'; placement: 'bottom'; showLegend: boolean; calcs: Calc[] }
  tooltip?: { mode: 'multi'; sort: 'desc' | 'none' }
  reduceOptions?: { calcs: Calc[]; fields: string; values: boolean }
  colorMode?: 'value' | 'none' | 'background'
  graphMode?: 'area' | 'none'
  textMode?: 'auto' | 'value'
  justifyMode?: 'auto'
  orientation?: 'auto' | 'horizontal'
  displayMode?: 'basic'
  valueMode?: 'color' | 'text'
  showUnfilled?: boolean
  showHeader?: boolean
  cellHeight?: 'sm'
  sortBy?: { displayName: string; desc: boolean }[]
}

export type Calc = 'lastNotNull' | 'max'
