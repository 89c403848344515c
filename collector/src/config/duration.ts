import { quoted, Unreadable } from './fault.ts'

const unitUs = { us: 1, µs: 1, ms: 1000, s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6, w: 7 * 86_400e6 } as const

/**
 * Reads `250us`, `300ms`, `1.5s`, `5m`, `1h`, `30d`, `2w`.
 *
 * @returns whole microseconds
 * @throws Unreadable
 */
export function parseDurationUs(text: string): number {
  const match = /^(\d+)(?:\.(\d{1,6}))?\s*(us|µs|ms|s|m|h|d|w)$/.exec(text.trim())
  if (match === null) {
    throw new Unreadable(`${quoted(text)} is not a duration`, 'write a number and a unit (us, ms, s, m, h, d, w): 5m')
  }
  const [, whole, decimals = '', unit] = match
  const scale = 10 ** decimals.length
  const us = (Number(whole + decimals) * unitUs[unit as keyof typeof unitUs]) / scale
  if (!Number.isSafeInteger(us)) {
    throw new Unreadable(`${quoted(text)} is not a whole number of microseconds`, 'write fewer digits')
  }
  return us
}

/**
 * Reads a duration for the clock.
 *
 * @returns whole milliseconds, at least `min` and at most `max`
 * @throws Unreadable
 */
export function parseDurationMs(text: string, min: number, max: number): number {
  const ms = parseDurationUs(text) / 1000
  if (!Number.isInteger(ms)) throw new Unreadable(`${quoted(text)} is finer than a millisecond`, 'write at least 1ms')
  if (ms < min) throw new Unreadable(`${quoted(text)} is too short`, `write at least ${durationText(min)}`)
  if (ms > max) throw new Unreadable(`${quoted(text)} is too long`, `write at most ${durationText(max)}`)
  return ms
}

/** Milliseconds in the largest unit that leaves a whole number: `5m`, `90s`. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = unitUs[unit] / 1000
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}
