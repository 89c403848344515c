import { calendarPeriod, type Period } from '../calendar.ts'

/** The period of a month, `2026-11`, in the calendar of a time zone; undefined for a text that is no month. */
export function monthPeriod(month: string, timeZone: string): Period | undefined {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month)
  if (match === null) return undefined
  // The middle of the month is in it, whichever the zone.
  return calendarPeriod('month', timeZone, Date.UTC(Number(match[1]), Number(match[2]) - 1, 15))
}

/** The month that holds at a moment, `2026-11`, in the calendar of a time zone. */
export function monthAt(timeZone: string, ms: number): string {
  const { startMs, endMs } = calendarPeriod('month', timeZone, ms)
  return new Date((startMs + endMs) / 2).toISOString().slice(0, 7)
}

/** The month before. */
export function monthBefore(month: string): string {
  const [year, number] = month.split('-').map(Number) as [number, number]
  return new Date(Date.UTC(year, number - 2, 1)).toISOString().slice(0, 7)
}
