import type { Maintenance } from '../../config/config.ts'

/**
 * Whether a maintenance window holds at a moment. Weekly times are read off the clock of their zone: where the clock goes
 * back inside a window it lasts an hour more, where it goes forward an hour less, as for the people who work by it.
 */
export function isUnderMaintenance({ fromMs, toMs, weekly, timeZone }: Maintenance, nowMs: number): boolean {
  if (fromMs !== undefined && nowMs < fromMs) return false
  if (toMs !== undefined && nowMs >= toMs) return false
  if (weekly.length === 0) return true
  const { day, minute } = clockAt(timeZone, nowMs)
  return weekly.some(({ days, fromMinute, toMinute }) => {
    if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute
    // Over midnight: the days are those on which it begins.
    return (days.includes(day) && minute >= fromMinute) || (days.includes((day + 6) % 7) && minute < toMinute)
  })
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const clocks = new Map<string, Intl.DateTimeFormat>()

function clockAt(timeZone: string, ms: number): { day: number; minute: number } {
  let clock = clocks.get(timeZone)
  if (clock === undefined) {
    const options = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone } as const
    clock = new Intl.DateTimeFormat('en-US', options)
    clocks.set(timeZone, clock)
  }
  const parts = clock.formatToParts(ms)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)!.value
  return { day: weekdays.indexOf(part('weekday')), minute: Number(part('hour')) * 60 + Number(part('minute')) }
}
