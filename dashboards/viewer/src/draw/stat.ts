import { variableOf } from '../color.ts'
import { h, svg } from '../dom.ts'
import { colorOf, lastOf, lookOf, shownOf } from '../field.ts'
import { type Frame, frameOf } from '../frame.ts'
import type { Span } from '../range.ts'
import type { MakeDrawing } from './drawing.ts'

const width = 100
const height = 30

/** One large figure, with the line that led to it when the panel has one. */
export const drawStat: MakeDrawing = (panel, body) => ({
  draw(answer, { span }) {
    const timed = answer.columns.some((column) => column.type === 'time')
    const frame = timed ? frameOf(panel, answer) : undefined
    const number = answer.columns.findIndex((column) => column.type === 'number')
    const name = answer.columns[number]?.name ?? ''
    const look = lookOf(panel, name)
    const value = frame === undefined ? (answer.rows[0]?.[number] ?? null) : lastOf(frame.series[0]?.values ?? [])
    const color = panel.options.colorMode === 'none' || value === null ? 'text-strong' : colorOf(look, value)
    const shown = value === null ? { text: look.noValue, suffix: '' } : shownOf(look, value)
    const figure = h(
      'p',
      { class: value === null ? 'figure none' : 'figure' },
      h('span', {}, shown.text),
      shown.suffix === '' ? null : h('small', {}, shown.suffix),
    )
    figure.style.color = color === 'text-strong' || color === 'text' ? '' : variableOf(color)
    const sparkline = frame !== undefined && panel.options.graphMode === 'area' ? lineOf(frame, span) : undefined
    if (sparkline !== undefined) {
      sparkline.style.color = color === 'text-strong' || color === 'text' ? variableOf('blue') : variableOf(color)
    }
    body.replaceChildren(figure, ...(sparkline === undefined ? [] : [sparkline]))
    return true
  },
})

/** The values as a small area; where there is none, the line stops. */
function lineOf({ times, series }: Frame, { from, to }: Span): SVGElement | undefined {
  const values = series[0]?.values ?? []
  const highest = Math.max(...values.map((value) => value ?? 0))
  if (values.filter((value) => value !== null).length < 2) return undefined
  const x = (at: number) => (((at - from) / (to - from)) * width).toFixed(2)
  const y = (value: number) => (height - 1 - (highest <= 0 ? 0 : value / highest) * (height - 3)).toFixed(2)
  let line = ''
  let area = ''
  let begun: string | undefined
  let end = ''
  for (const [index, value] of [...values, null].entries()) {
    if (value === null || value === undefined) {
      if (begun !== undefined) area += `L${end},${height}L${begun},${height}Z`
      begun = undefined
      continue
    }
    end = x(times[index]!)
    const point = `${begun === undefined ? 'M' : 'L'}${end},${y(value)}`
    begun ??= end
    line += point
    area += point
  }
  return svg(
    'svg',
    { class: 'sparkline', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('path', { d: area, class: 'area' }),
    svg('path', { d: line, class: 'line', 'vector-effect': 'non-scaling-stroke' }),
  )
}
