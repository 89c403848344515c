import type { Calc, Panel } from '@callsight/dashboards'
import { h } from '../dom.ts'
import { lastOf } from '../field.ts'
import { written } from '../format.ts'
import type { Series } from '../frame.ts'

const calculations: Record<Calc, { label: string; of: (values: (number | null)[]) => number | null }> = {
  lastNotNull: { label: '', of: lastOf },
  max: { label: 'max ', of: (values) => most(values) },
}

/** One entry for each line: its colour, name and figures; a press hides or shows it. */
export function legendOf(
  panel: Panel,
  series: Series[],
  colors: string[],
  hidden: ReadonlySet<string>,
  toggle: (name: string) => void,
): HTMLElement[] {
  const calcs = panel.options.legend?.calcs ?? []
  return series.map(({ name, look, values }, index) => {
    const swatch = h('i', { class: 'swatch' })
    swatch.style.background = `var(--${colors[index]})`
    const figures = calcs.flatMap((calc) => {
      const value = calculations[calc].of(values)
      return value === null ? [] : [h('b', {}, calculations[calc].label + written(value, look.unit, look.decimals))]
    })
    const button = h(
      'button',
      { type: 'button', 'aria-pressed': String(!hidden.has(name)), title: `${name}: hide or show` },
      swatch,
      h('span', { class: 'name' }, name),
      ...figures,
    )
    button.addEventListener('click', () => toggle(name))
    return h('li', {}, button)
  })
}

function most(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}
