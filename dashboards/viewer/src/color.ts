import type { ColorName, Panel } from '@callsight/dashboards'
import type { Series } from './frame.ts'

const paletteSize = 8
let probe: HTMLElement | undefined

/** A colour of the theme as the canvas wants it. */
export function ink(name: string): string {
  if (probe === undefined) {
    probe = document.createElement('i')
    probe.hidden = true
    document.body.append(probe)
  }
  probe.style.color = `var(--${name})`
  return getComputedStyle(probe).color
}

/** The theme's variable of a colour that a board names. */
export function variableOf(color: ColorName): string {
  return `var(--${color})`
}

/** The same colour, let through by a share from 0 to 1. */
export function faded(color: string, share: number): string {
  const [r, g, b] = color.match(/[\d.]+/g) ?? ['0', '0', '0']
  return `rgba(${r}, ${g}, ${b}, ${share})`
}

/**
 * The theme variable of each line, without the dashes. By name: a name keeps its colour on every chart and after every
 * reload, unless an earlier line already has it.
 */
export function lineColors(panel: Panel, series: Series[]): string[] {
  const byName = panel.fieldConfig.defaults.color?.mode === 'palette-classic-by-name'
  const taken = new Set<number>()
  return series.map(({ name, look }, index) => {
    if (look.color?.mode === 'fixed') return look.color.fixedColor
    let place = (byName ? hash(name) : index) % paletteSize
    while (taken.has(place) && taken.size < paletteSize) place = (place + 1) % paletteSize
    taken.add(place)
    return `line-${place}`
  })
}

function hash(text: string): number {
  let value = 0
  for (const char of text) value = (value * 31 + char.codePointAt(0)!) >>> 0
  return value
}
