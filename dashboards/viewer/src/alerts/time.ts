import { clock, day } from '../range.ts'

/** A moment as a table has it, in the reader's time zone. */
export function when(time: string): string {
  const ms = Date.parse(time)
  return `${day(ms)}, ${clock(ms, true)}`
}

/** From one moment to another: the day once where it is the same. */
export function between(from: string, to: string | null): string {
  if (to === null) return `${when(from)} – still`
  const [begin, end] = [Date.parse(from), Date.parse(to)]
  return day(begin) === day(end) ? `${when(from)} – ${clock(end, true)}` : `${when(from)} – ${when(to)}`
}

/** A span of time as people say it: `45 s`, `12 min`, `2 h 5 min`. */
export function lasting(ms: number): string {
  if (ms < 120_000 && ms !== 60_000) return `${Math.round(ms / 1000)} s`
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}
