import type { Panel } from '@callsight/dashboards'
import type { Answer } from './api.ts'
import { type Look, lookOf } from './field.ts'

/** One line of a chart. */
export interface Series {
  name: string
  look: Look
  /** One for each time; null where there is none. */
  values: (number | null)[]
}

export interface Frame {
  /** Epoch milliseconds, ascending. */
  times: number[]
  series: Series[]
}

/**
 * An answer in time order as lines. As in Grafana, the first time column is the axis, texts become labels, and each
 * number column is a line for each different set of labels.
 */
export function frameOf(panel: Panel, answer: Answer): Frame {
  const indexes = (type: string) => answer.columns.flatMap((column, index) => (column.type === type ? [index] : []))
  const [time] = indexes('time')
  const labels = indexes('text')
  const numbers = indexes('number')
  if (time === undefined) throw new Error('the answer has no time column')
  const times: number[] = []
  const lines = new Map<string, Series>()
  for (const row of answer.rows) {
    const at = row[time] as number
    if (times.at(-1) !== at) times.push(at)
    for (const index of numbers) {
      const column = answer.columns[index]!.name
      const words = labels.map((label) => String(row[label]))
      const key = JSON.stringify([column, ...words])
      let line = lines.get(key)
      if (line === undefined) {
        const name = words.length === 0 ? column : words.join(' ')
        line = { name, look: lookOf(panel, name), values: [] }
        lines.set(key, line)
      }
      while (line.values.length < times.length - 1) line.values.push(null)
      line.values[times.length - 1] = row[index] as number | null
    }
  }
  for (const { values } of lines.values()) while (values.length < times.length) values.push(null)
  return { times, series: [...lines.values()] }
}

/** True when there is nothing to draw. */
export function isEmpty(frame: Frame): boolean {
  return frame.series.every(({ values }) => values.every((value) => value === null))
}
