import type { Panel } from '@callsight/dashboards'
import type uPlot from 'uplot'
import { h } from '../dom.ts'
import { written } from '../format.ts'
import type { Frame } from '../frame.ts'
import { limits } from '../limits.ts'
import { moment } from '../range.ts'

interface Shown {
  frame: Frame
  panel: Panel
  colors: string[]
  hidden: ReadonlySet<string>
}

/** All values at the cursor, beside it; only on the chart that the pointer is over. */
export function tooltipOn(shown: () => Shown): uPlot.Plugin {
  const box = h('div', { class: 'tooltip', hidden: true })
  let over = false
  return {
    hooks: {
      init: [
        (plot) => {
          plot.over.append(box)
          plot.over.addEventListener('mouseenter', () => {
            over = true
          })
          plot.over.addEventListener('mouseleave', () => {
            over = false
            box.hidden = true
          })
        },
      ],
      setCursor: [
        (plot) => {
          const index = plot.cursor.idx
          if (!over || index === null || index === undefined) {
            box.hidden = true
            return
          }
          box.replaceChildren(...contentAt(shown(), index))
          box.hidden = false
          place(box, plot)
        },
      ],
    },
  }
}

function contentAt({ frame, panel, colors, hidden }: Shown, index: number): HTMLElement[] {
  const rows = frame.series.flatMap(({ name, look, values }, line) => {
    const value = values[index] ?? null
    return value === null || hidden.has(name) ? [] : [{ name, look, value, color: colors[line]! }]
  })
  if (panel.options.tooltip?.sort === 'desc') rows.sort((a, b) => b.value - a.value)
  else rows.reverse()
  const list = rows.slice(0, limits.tooltipRows).map(({ name, look, value, color }) => {
    const swatch = h('i', { class: 'swatch' })
    swatch.style.background = `var(--${color})`
    return h('li', {}, swatch, h('span', { class: 'name' }, name), h('b', {}, written(value, look.unit, look.decimals)))
  })
  const more = rows.length - list.length
  return [
    h('time', {}, moment(frame.times[index] ?? 0)),
    h('ul', {}, ...list, more > 0 ? h('li', {}, `and ${more} more`) : null),
  ]
}

/** Beside the cursor, on the side where there is room, and inside the window. */
function place(box: HTMLElement, plot: uPlot): void {
  const { left = 0, top = 0 } = plot.cursor
  const chart = plot.over.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = box
  const fits = chart.left + left + 16 + width < document.documentElement.clientWidth - 8
  box.style.left = `${Math.max(fits ? left + 16 : left - width - 16, 8 - chart.left)}px`
  const highest = 8 - chart.top
  const lowest = document.documentElement.clientHeight - chart.top - height - 8
  box.style.top = `${Math.max(highest, Math.min(top - height / 2, lowest))}px`
}
