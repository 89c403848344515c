import { variableOf } from '../color.ts'
import { h } from '../dom.ts'
import { colorOf, lookOf, shownOf } from '../field.ts'
import type { MakeDrawing } from './drawing.ts'

/** One bar for each row: its text names it, its number is its length. */
export const drawBarGauge: MakeDrawing = (panel, body) => ({
  draw(answer) {
    const number = answer.columns.findIndex((column) => column.type === 'number')
    const text = answer.columns.findIndex((column) => column.type === 'text')
    const look = lookOf(panel, answer.columns[number]?.name ?? '')
    const most = look.max ?? Math.max(...answer.rows.map((row) => Number(row[number])), 0)
    const bars = answer.rows.map((row) => {
      const value = row[number] ?? null
      const name = text === -1 ? '' : String(row[text])
      const { text: written, suffix } = shownOf(look, value)
      const bar = h('span', { class: 'bar' })
      bar.style.width = `${most <= 0 ? 0 : Math.max(0, Math.min(1, Number(value) / most)) * 100}%`
      bar.style.background = variableOf(colorOf(look, value))
      return h(
        'li',
        {},
        h('span', { class: 'name', title: name }, name),
        h('span', { class: 'track' }, bar),
        h('span', { class: 'value' }, written + suffix),
      )
    })
    body.replaceChildren(h('ol', { class: 'bars', 'aria-label': panel.title }, ...bars))
    return answer.rows.length > 0
  },
})
