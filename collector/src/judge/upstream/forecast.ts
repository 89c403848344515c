import type { Forecast, Range } from '../quota/forecast.ts'

/*
 * The forecast of a window of somebody else's quota. It is as one of a quota of our own consumers, but for its past: windows
 * of minutes and hours have no rhythm of a week, so what is to come is foretold from the window alone, and no error can be
 * told from the past.
 */

/** How much of a quota was used at a moment. */
export interface Point {
  readonly atMs: number
  readonly used: number
}

/** 90 % of a standard normal distribution are below this. */
const Z = 1.2815515655446004
/** Less use or fewer moments than this say nothing of what comes. */
const LEAST_USED = 5
const LEAST_POINTS = 3

/**
 * What the use of a window comes to when it goes on as it did within it. The range is that of a sum whose variance is
 * proportional to its mean (quasi-Poisson), with the uncertainty of the rate: the rate was seen on `used` events only.
 *
 * @param points of this window, oldest first
 * @param window its end; its start where that is known, else it is the first point
 * @returns null where too little is known
 */
export function forecastWindow(
  points: readonly Point[],
  window: { readonly startMs: number | undefined; readonly endMs: number },
  atMs: number,
  limit: number,
): Forecast | null {
  const last = points.at(-1)
  if (last === undefined || atMs >= window.endMs) return null
  const { used } = last
  if (used >= limit) {
    const now = { low: atMs, middle: atMs, high: atMs }
    return { end: { low: used, middle: used, high: used }, exhaustedAtMs: now, errorRatio: null }
  }
  const start = startOf(points, window.startMs)
  const seen = used - start.used
  const elapsed = atMs - start.atMs
  if (points.length < LEAST_POINTS || seen < LEAST_USED || elapsed <= 0) return null
  const rate = seen / elapsed
  const spread = (mean: number) => Z * Math.sqrt(dispersionOf(points, rate) * (mean + mean ** 2 / seen))
  const mean = rate * (window.endMs - atMs)
  const end = { low: used + Math.max(0, mean - spread(mean)), middle: used + mean, high: used + mean + spread(mean) }
  return { end, exhaustedAtMs: exhaustion(limit - used, mean, spread, atMs, window.endMs), errorRatio: null }
}

/** A window begins with nothing used; one whose beginning is not known, with what was used when it was first seen. */
function startOf(points: readonly Point[], startMs: number | undefined): Point {
  const first = points[0]!
  return startMs === undefined || startMs > first.atMs ? first : { atMs: startMs, used: 0 }
}

/** Variance over mean of what was used between two points; 1 for events that come independently of one another. */
function dispersionOf(points: readonly Point[], rate: number): number {
  let squares = 0
  for (let i = 1; i < points.length; i++) {
    const usual = rate * (points[i]!.atMs - points[i - 1]!.atMs)
    const was = points[i]!.used - points[i - 1]!.used
    if (usual > 0) squares += (was - usual) ** 2 / usual
  }
  return Math.max(1, squares / (points.length - 1))
}

/**
 * When `left` is used, where `mean` is what is expected to be used until the end.
 */
function exhaustion(
  left: number,
  mean: number,
  spread: (mean: number) => number,
  atMs: number,
  endMs: number,
): Range | null {
  if (mean < left) return null
  const moment = (use: (mean: number) => number) => {
    if (use(mean) < left) return endMs
    let [before, after] = [0, mean]
    for (let i = 0; i < 40; i++) {
      const middle = (before + after) / 2
      if (use(middle) < left) before = middle
      else after = middle
    }
    return Math.round(atMs + (after / mean) * (endMs - atMs))
  }
  return {
    low: moment((expected) => expected + spread(expected)),
    middle: moment((expected) => expected),
    high: moment((expected) => expected - spread(expected)),
  }
}
