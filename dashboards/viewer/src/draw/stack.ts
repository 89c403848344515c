import type { Series } from '../frame.ts'

/**
 * Lines on top of each other, the topmost first: uPlot draws in this order, so that a lower area or bar lies over a
 * higher one. The first line of the board is the lowest.
 */
export function stacked(series: Series[]): Series[] {
  const sums: number[] = []
  return series
    .map(({ values, ...rest }) => {
      const sum = values.map((value, index) => (sums[index] ?? 0) + (value ?? 0))
      sums.splice(0, sums.length, ...sum)
      return { ...rest, values: sum }
    })
    .reverse()
}
