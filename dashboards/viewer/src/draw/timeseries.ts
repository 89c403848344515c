import type { Panel, Unit } from '@callsight/dashboards'
import uPlot from 'uplot'
import { faded, ink, lineColors } from '../color.ts'
import { h } from '../dom.ts'
import { lastOf } from '../field.ts'
import { written } from '../format.ts'
import { type Frame, frameOf, isEmpty, type Series } from '../frame.ts'
import { limits } from '../limits.ts'
import { clock, day, type Span } from '../range.ts'
import type { Drawing, MakeDrawing, Page } from './drawing.ts'
import { legendOf } from './legend.ts'
import { stacked } from './stack.ts'
import { tooltipOn } from './tooltip.ts'

/** Lines, areas or bars over time. */
export const drawTimeSeries: MakeDrawing = (panel, body) => new TimeSeries(panel, body)

class TimeSeries implements Drawing {
  readonly #panel: Panel
  readonly #canvas = h('div', { class: 'chart', role: 'img' })
  readonly #legend = h('ul', { class: 'legend' })
  readonly #sizes: ResizeObserver
  readonly #hidden = new Set<string>()
  #plot: uPlot | undefined
  #shape = ''
  #frame: Frame = { times: [], series: [] }
  #page: Page | undefined

  constructor(panel: Panel, body: HTMLElement) {
    this.#panel = panel
    body.append(this.#canvas, this.#legend)
    this.#sizes = new ResizeObserver(() => this.#fit())
    this.#sizes.observe(this.#canvas)
  }

  draw(answer: Parameters<Drawing['draw']>[0], page: Page): boolean {
    this.#frame = frameOf(this.#panel, answer)
    this.#page = page
    this.#show()
    return !isEmpty(this.#frame)
  }

  recolor(): void {
    this.#shape = ''
    if (this.#page !== undefined) this.#show()
  }

  destroy(): void {
    this.#sizes.disconnect()
    this.#plot?.destroy()
  }

  #show(): void {
    const { series } = this.#frame
    const colors = lineColors(this.#panel, series)
    const visible = series.filter(({ name }) => !this.#hidden.has(name))
    const stack = this.#drawing.stacking?.mode === 'normal'
    const drawn = stack ? stacked(visible) : visible
    const data = [this.#frame.times.map((at) => at / 1000), ...drawn.map(({ values }) => values)] as uPlot.AlignedData
    // A chart is made anew only when its lines change; else it keeps its cursor and takes the new values.
    const shape = JSON.stringify(drawn.map(({ name }) => name))
    if (this.#plot === undefined || shape !== this.#shape) {
      this.#plot?.destroy()
      this.#shape = shape
      const inks = drawn.map((line) => ink(colors[series.findIndex(({ name }) => name === line.name)]!))
      this.#plot = new uPlot(this.#options(drawn, inks), data, this.#canvas)
    } else this.#plot.setData(data)
    this.#legend.replaceChildren(
      ...legendOf(this.#panel, series, colors, this.#hidden, (name) => {
        if (!this.#hidden.delete(name)) this.#hidden.add(name)
        this.#show()
      }),
    )
    this.#canvas.setAttribute('aria-label', this.#inWords())
  }

  get #drawing() {
    return this.#panel.fieldConfig.defaults.custom ?? {}
  }

  #inWords(): string {
    const values = this.#frame.series.map(({ name, look, values }) => {
      const last = lastOf(values)
      return `${name} ${last === null ? 'none' : written(last, look.unit, look.decimals)}`
    })
    return `${this.#panel.title}, newest values: ${values.join(', ')}`
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    if (this.#plot !== undefined && width > 0 && height > 0) this.#plot.setSize({ width, height })
  }

  #options(drawn: Series[], inks: string[]): uPlot.Options {
    const drawing = this.#drawing
    const { unit, thresholds } = this.#panel.fieldConfig.defaults
    const bars = drawing.drawStyle === 'bars'
    const stack = drawing.stacking?.mode === 'normal'
    const opacity = (drawing.fillOpacity ?? 0) / 100
    const muted = ink('muted')
    const axis = { stroke: muted, font: '11px system-ui, sans-serif', ticks: { show: false } }
    return {
      width: Math.max(this.#canvas.clientWidth, 50),
      height: Math.max(this.#canvas.clientHeight, 50),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: 'board' },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7, width: 2 },
        focus: { prox: stack || bars ? -1 : 24 },
        bind: {
          dblclick: () => () => {
            this.#page?.widen()
            return null
          },
        },
      },
      scales: {
        x: { time: true, range: () => this.#seconds() },
        y: { range: (_plot, low, high) => this.#height(low, high) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 26,
          gap: 6,
          space: 70,
          values: (_plot, splits) => splits.map((at) => this.#timeText(at * 1000)),
        },
        {
          ...axis,
          grid: { stroke: ink('grid'), width: 1 },
          gap: 6,
          space: 34,
          ...stepsOf(unit),
          size: (plot, values) => {
            if (values === null || values === undefined) return 40
            plot.ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
            return Math.max(...values.map((text) => plot.ctx.measureText(text).width)) / devicePixelRatio + 14
          },
          values: (_plot, splits) => splits.map((value) => written(value, unit)),
        },
      ],
      series: [
        {},
        ...drawn.map(({ name }, index): uPlot.Series => {
          const color = inks[index]!
          return {
            label: name,
            stroke: color,
            width: drawing.lineWidth ?? 1,
            spanGaps: drawing.spanNulls ?? false,
            ...(opacity > 0 ? { fill: bars ? color : faded(color, opacity) } : {}),
            ...(bars ? { paths: uPlot.paths.bars!({ size: [0.85, 60], align: 1 }) } : {}),
            points:
              bars || drawing.showPoints === 'never'
                ? { show: false }
                : { show: true, filter: lonely, size: 5, fill: color },
          }
        }),
      ],
      // Each area of a stack is filled down to the one below it.
      bands:
        stack && !bars
          ? drawn.slice(1).map((_, index) => ({ series: [index + 1, index + 2] as [number, number] }))
          : [],
      hooks: {
        drawClear: [(plot) => shade(plot, this.#page?.marked ?? [])],
        drawAxes: [(plot) => drawing.thresholdsStyle?.mode === 'dashed' && drawThresholds(plot, thresholds.steps)],
        setSelect: [(plot) => this.#select(plot)],
      },
      plugins: [
        tooltipOn(() => ({
          frame: this.#frame,
          panel: this.#panel,
          colors: lineColors(this.#panel, this.#frame.series),
          hidden: this.#hidden,
        })),
      ],
    }
  }

  #seconds(): [number, number] {
    const { from, to } = this.#page!.span
    return [from / 1000, to / 1000]
  }

  #height(low: number | null, high: number | null): [number, number] {
    const { axisSoftMin = Number.POSITIVE_INFINITY, axisSoftMax = Number.NEGATIVE_INFINITY } = this.#drawing
    const { min, max } = this.#panel.fieldConfig.defaults
    const top = Math.max(high ?? 0, axisSoftMax)
    const bottom = Math.min(low ?? 0, axisSoftMin)
    return [min ?? bottom, max ?? (top > bottom ? top + (top - bottom) * 0.08 : bottom + 1)]
  }

  #timeText(ms: number): string {
    const { from, to } = this.#page!.span
    const hours = (to - from) / 3600_000
    if (hours > 24 * 4) return day(ms)
    if (hours > 20 && new Date(ms).getHours() === 0 && new Date(ms).getMinutes() === 0) return day(ms)
    return clock(ms, hours < 0.1)
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select
    if (width <= 0) return
    const at = (x: number) => Math.round(plot.posToVal(x, 'x') * 1000)
    const span: Span = { from: at(left), to: at(left + width) }
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    if (span.to - span.from >= limits.zoomMs) this.#page?.zoom(span)
  }
}

/** Points are drawn only where a value has no neighbour to be joined with. */
const lonely: uPlot.Series.Points.Filter = (plot, line) => {
  const values = plot.data[line]!
  const alone: number[] = []
  for (let at = 0; at < values.length; at++) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) alone.push(at)
  }
  return alone
}

function drawThresholds(plot: uPlot, steps: { color: string; value: number | null }[]): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.setLineDash([5 * devicePixelRatio, 5 * devicePixelRatio])
  ctx.lineWidth = devicePixelRatio
  for (const { color, value } of steps) {
    if (value === null) continue
    const y = Math.round(plot.valToPos(value, 'y', true))
    if (y < bbox.top || y > bbox.top + bbox.height) continue
    ctx.strokeStyle = faded(ink(color), 0.7)
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
  }
  ctx.restore()
}

function shade({ ctx, bbox, valToPos }: uPlot, marked: readonly Span[]): void {
  ctx.save()
  ctx.fillStyle = faded(ink('red'), 0.16)
  for (const { from, to } of marked) {
    const [left, right] = [from, to].map((at) => valToPos(at / 1000, 'x', true)) as [number, number]
    const begin = Math.max(left, bbox.left)
    // A short time stays visible on a chart of days.
    const width = Math.min(Math.max(right - begin, 2 * devicePixelRatio), bbox.left + bbox.width - begin)
    if (width > 0) ctx.fillRect(begin, bbox.top, width, bbox.height)
  }
  ctx.restore()
}

/** Distances of grid lines that suit a unit: powers of two for bytes, whole numbers for counts. */
function stepsOf(unit: Unit): Pick<uPlot.Axis, 'incrs'> {
  if (unit === 'bytes') return { incrs: Array.from({ length: 50 }, (_, power) => 2 ** power) }
  if (unit !== 'locale') return {}
  return { incrs: Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat() }
}
