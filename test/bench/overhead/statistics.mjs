/** What is made of the measurements: order statistics, since the noise of a machine is anything but normal. */

/** Linear interpolation between the two nearest of the sorted values. */
export function quantile(list, share) {
  const sorted = list.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const low = sorted[Math.floor(place)]
  return low + (sorted[Math.ceil(place)] - low) * (place % 1)
}

export const median = (list) => quantile(list, 0.5)

/** `12.3 (11.0 … 13.9)`: median and quartiles. */
export const quartiles = (list, digits = 1) =>
  `${median(list).toFixed(digits)} (${quantile(list, 0.25).toFixed(digits)} … ${quantile(list, 0.75).toFixed(digits)})`

const RESAMPLES = 2000

/**
 * The 90 % interval of `estimate(rows)` by bootstrap: rows (rounds) are drawn again with replacement, each with all that was measured in
 * it, so that what hit a whole round alike stays together.
 */
export function bootstrap(rows, estimate) {
  const estimates = Array.from({ length: RESAMPLES }, () =>
    estimate(rows.map(() => rows[Math.floor(Math.random() * rows.length)])),
  ).filter(Number.isFinite)
  return [quantile(estimates, 0.05), quantile(estimates, 0.95)]
}

/** `0.61 (0.55 … 0.68)`: the ratio of the medians of two columns, with its 90 % interval. */
export function ratio(rows, above, below) {
  const of = (some) => median(some.map(above)) / median(some.map(below))
  const [low, high] = bootstrap(rows, of)
  return `${of(rows).toFixed(2)} (${low.toFixed(2)} … ${high.toFixed(2)})`
}
