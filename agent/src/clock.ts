/** Turns the monotonic clock into wall time. */
export interface Clock {
  /** Microseconds of the epoch for a `performance.now()` of the recent past. */
  micros(moment: number): number
}

/** Beyond this the wall clock was set, or the machine slept; below it, it is the resolution of `Date.now()`. */
const DRIFT = 5
/** How often the two clocks are compared. */
const COMPARE_EVERY = 1000

/** Durations must not jump when somebody sets the clock, so only the start of a call is wall time, by one offset. */
export function startClock(wall: () => number = Date.now, steady: () => number = () => performance.now()): Clock {
  let offset = wall() - steady()
  let compared = steady()
  return {
    micros(moment) {
      const now = steady()
      if (now - compared > COMPARE_EVERY) {
        compared = now
        const fresh = wall() - now
        if (Math.abs(fresh - offset) > DRIFT) offset = fresh
      }
      return Math.round((offset + moment) * 1000)
    },
  }
}
