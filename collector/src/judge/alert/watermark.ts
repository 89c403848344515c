import { limits } from '../../limits.ts'

/** Up to when alerts can be judged. */
export interface Watermark {
  /** The end of what is judged. */
  readonly toMs: number
  /** How much earlier that is, or should be, than without rows that wait for the store. */
  readonly heldMs: number
  /** Rows are missing before `toMs`. */
  readonly partial: boolean
}

/**
 * The end of the windows that alerts are judged on: a little before now, and before the oldest call that was acknowledged
 * and is not stored, so that no verdict is given over what has not arrived. When that would be too long ago, what is there
 * is judged as of now, as incomplete.
 *
 * @param arrivedMs everything acknowledged before it is stored
 */
export function watermark(nowMs: number, arrivedMs: number): Watermark {
  const usualMs = nowMs - limits.lagMs
  const completeMs = Math.min(usualMs, arrivedMs - limits.sentMs)
  const heldMs = usualMs - completeMs
  const partial = heldMs > limits.heldMs
  return { toMs: partial ? usualMs : completeMs, heldMs, partial }
}
