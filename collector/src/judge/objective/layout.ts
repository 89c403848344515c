import type { Objective } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { calendarPeriod, type Period } from '../calendar.ts'

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How far the burn rates look back. */
export const lookbacksMs = [5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY] as const

/**
 * The time an objective is judged over, cut into the blocks that its calls are counted by: whole days as far as they lie
 * in the window, quarters of an hour at its beginning and over the last days, and minutes over the last hour, which are
 * all that changes from one look to the next. Slices take the place of minutes and lie in one block each.
 */
export interface Layout {
  /** What is promised about. A rolling window begins at a whole quarter of an hour, and ends now. */
  readonly window: Period
  /** Where counting ends: the minute that is not over, as far as its calls have arrived; or the last whole slice. */
  readonly endMs: number
  /** [start, start + width), in order and without a gap. */
  readonly blocks: readonly Block[]
  /** Blocks begin so much after a whole multiple of their width. */
  readonly phaseMs: number
  /** Where each of `lookbacksMs` begins. */
  readonly recentMs: readonly number[]
}

export interface Block {
  readonly startMs: number
  readonly widthMs: number
}

/**
 * @param timeZone of a calendar window
 */
export function layoutOf(objective: Objective, timeZone: string, atMs: number): Layout {
  const { calendar, windowMs, sliceMs } = objective
  const sliced = objective.method !== 'occurrences'
  const period = calendar === undefined ? undefined : calendarPeriod(calendar, timeZone, atMs)
  const fine = sliced ? sliceMs : MINUTE
  const middle = sliced && QUARTER % sliceMs !== 0 ? HOUR : QUARTER
  // Every zone is whole quarters of an hour from UTC, so only hours can lie across the beginning of its days.
  const phaseMs = period === undefined ? 0 : period.startMs % middle
  const floor = (ms: number, width: number) => Math.floor((ms - phaseMs) / width) * width + phaseMs
  // What was sent last in a slice is on its way when the slice is over.
  const endMs = sliced ? floor(atMs - limits.lagMs, fine) : floor(atMs, fine) + fine
  const startMs = period?.startMs ?? floor(atMs - windowMs, windowMs <= HOUR ? fine : middle)
  const recentMs = lookbacksMs.map((ms) => (sliced ? endMs : floor(atMs, fine)) - Math.ceil(ms / fine) * fine)
  const recent = recentMs.map((ms, i) => (lookbacksMs[i]! > HOUR ? floor(ms, middle) : ms))

  const fineFrom = floor(recent[2]!, middle)
  const oldest = Math.min(startMs, recent.at(-1)!)
  const daysTo = floor(recent.at(-1)!, DAY)
  const blocks: Block[] = []
  let at = Math.min(floor(oldest, middle), fineFrom)
  const push = (widthMs: number) => {
    blocks.push({ startMs: at, widthMs })
    at += widthMs
  }
  while (at < fineFrom) push(floor(at, DAY) === at && at + DAY <= daysTo ? DAY : middle)
  while (at < endMs) push(fine)
  return { window: { startMs, endMs: period?.endMs ?? atMs }, endMs, blocks, phaseMs, recentMs: recent }
}

/** Whole slices of [fromMs, toMs), which begins with one, that the exclusions do not cover. */
export function slicesIn({ sliceMs, exclude }: Objective, fromMs: number, toMs: number): number {
  let slices = Math.max(0, Math.floor((toMs - fromMs) / sliceMs))
  for (const out of joined(exclude)) {
    const first = Math.ceil((Math.max(out.fromMs, fromMs) - fromMs) / sliceMs)
    const end = Math.floor((Math.min(out.toMs, toMs) - fromMs) / sliceMs)
    slices -= Math.max(0, end - first)
  }
  return slices
}

/** Exclusions that overlap or touch are one. */
function joined(exclude: Objective['exclude']): { fromMs: number; toMs: number }[] {
  const found: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of [...exclude].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = found.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else found.push({ fromMs, toMs })
  }
  return found
}
