import type { Quota } from '../../config/config.ts'
import { calendarPeriod, type Period } from '../calendar.ts'

const MINUTE = 60_000

/** The quota's period that contains `nowMs`. A rolling one ends with the minute that is under way. */
export function quotaPeriod({ window, anchor }: Quota, timeZone: string, nowMs: number): Period {
  if (typeof window !== 'object') return calendarPeriod(window, timeZone, nowMs, anchor)
  const endMs = Math.floor(nowMs / MINUTE) * MINUTE + MINUTE
  return { startMs: endMs - window.rollingMs, endMs }
}

/** Whether its periods are followed after their end, and forecast: those of the calendar from a day on. */
export function isLong({ window }: Quota): boolean {
  return typeof window !== 'object' && window !== 'minute' && window !== 'hour'
}
