import { limits } from '../../limits.ts'

/**
 * An alert that changes its mind too often is told of once, as flapping, and then not before it has kept still for a
 * while. Whether it flaps is counted by changes between firing and resolved, whatever was told of them.
 */
export interface Flap {
  /** When it changed, epoch milliseconds, oldest first; only what still counts. */
  readonly changesMs: readonly number[]
  readonly flapping: boolean
}

export const steady: Flap = { changesMs: [], flapping: false }

/** Takes in a change. The same change taken in twice counts once. */
export function changed({ changesMs, flapping }: Flap, atMs: number): Flap {
  if (changesMs.includes(atMs)) return { changesMs, flapping }
  const counted = [...changesMs, atMs].sort((a, b) => a - b)
  const recent = counted.filter((ms) => ms > counted.at(-1)! - limits.flapWindowMs)
  // More than these say nothing new, and an alert that changes at every look must not grow.
  return { changesMs: recent.slice(-limits.flapChanges), flapping: flapping || recent.length >= limits.flapChanges }
}

/** As it is at a time: an alert that flapped and has kept still is steady again, and starts to count anew. */
export function settled(flap: Flap, nowMs: number): Flap {
  const last = flap.changesMs.at(-1) ?? Number.NEGATIVE_INFINITY
  if (flap.flapping) return nowMs - last >= limits.flapStableMs ? steady : flap
  const recent = flap.changesMs.filter((ms) => ms > nowMs - limits.flapWindowMs)
  return recent.length === flap.changesMs.length ? flap : { changesMs: recent, flapping: false }
}
