import type { Exclusion } from '../../config/config.ts'
import type { Period } from '../calendar.ts'

/** The excluded time of a period: in order, touching windows joined. */
export function excludedTime(exclusions: readonly Exclusion[], { startMs, endMs }: Period): Period[] {
  const windows = exclusions
    .map(({ fromMs, toMs }) => ({ startMs: Math.max(fromMs, startMs), endMs: Math.min(toMs, endMs) }))
    .filter((window) => window.startMs < window.endMs)
    .sort((a, b) => a.startMs - b.startMs)
  const joined: Period[] = []
  for (const window of windows) {
    const last = joined.at(-1)
    if (last === undefined || window.startMs > last.endMs) joined.push(window)
    else joined[joined.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, window.endMs) }
  }
  return joined
}

/** Whether all of [startMs, endMs) is excluded, by windows in order that do not touch. */
export function isExcluded(windows: readonly Period[], startMs: number, endMs: number): boolean {
  return windows.some((window) => window.startMs <= startMs && endMs <= window.endMs)
}
