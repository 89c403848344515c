/** Calls of one that is quiet now. */
export interface Quiet {
  /** In the 24 hours before it fell silent. */
  readonly calls: number
  /** In the same window a day ago, and in the 24 hours up to that window's end. */
  readonly thenDay: number
  readonly aroundDay: number
  /** The same a week ago. */
  readonly thenWeek: number
  readonly aroundWeek: number
}

/**
 * Whether a call was to be expected in a window that had none. Who called a week ago is expected when it called in the
 * same window then: nights and Sundays are quiet every week. Who is younger is held against the day before, and who is
 * younger than that is expected all the time.
 *
 * @param minCalls with fewer in the day before, it was not there
 */
export function isExpected(quiet: Quiet, minCalls: number): boolean {
  if (quiet.calls < Math.max(1, minCalls)) return false
  if (quiet.aroundWeek > 0) return quiet.thenWeek > 0
  return quiet.aroundDay === 0 || quiet.thenDay > 0
}
