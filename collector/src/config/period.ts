import { quoted, Unreadable } from './fault.ts'

/** How long something is kept: whole days or whole calendar months. */
export interface Period {
  readonly count: number
  readonly unit: 'day' | 'month'
}

const units = {
  d: ['day', 1],
  day: ['day', 1],
  days: ['day', 1],
  w: ['day', 7],
  week: ['day', 7],
  weeks: ['day', 7],
  month: ['month', 1],
  months: ['month', 1],
  y: ['month', 12],
  year: ['month', 12],
  years: ['month', 12],
} as const

/**
 * Reads `30d`, `2 weeks`, `25 months`, `1y`.
 *
 * @param minDays at least so many days, whatever months they fall in
 * @param maxDays at most so many
 * @throws Unreadable
 */
export function parsePeriod(text: string, minDays: number, maxDays: number): Period {
  const match = /^(\d{1,5})\s*(d|days?|w|weeks?|months?|y|years?)$/.exec(text.trim())
  if (match === null) {
    throw new Unreadable(
      `${quoted(text)} is not how long something is kept`,
      'write whole days, weeks, months or years: 30d, 2w, 25 months, 1y',
    )
  }
  const [unit, size] = units[match[2] as keyof typeof units]
  const period: Period = { count: Number(match[1]) * size, unit }
  if (leastDays(period) < minDays) throw new Unreadable(`${quoted(text)} is too short`, `write at least ${minDays}d`)
  if (leastDays(period) > maxDays) throw new Unreadable(`${quoted(text)} is too long`, `write at most ${maxDays}d`)
  return period
}

/** The days that a period has at least: a month may be a February. */
export function leastDays({ count, unit }: Period): number {
  return unit === 'day' ? count : Math.floor(count / 12) * 365 + (count % 12) * 28
}

/** `30d`, `25 months`. */
export function periodText({ count, unit }: Period): string {
  return unit === 'day' ? `${count}d` : `${count} ${count === 1 ? 'month' : 'months'}`
}
