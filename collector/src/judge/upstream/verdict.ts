/** How a quota of ours at another server was told to stand. */
export interface Word {
  readonly seenMs: number
  readonly allowed: number | null
  readonly remaining: number | null
  /** Epoch milliseconds; null: not told. */
  readonly resetsMs: number | null
  readonly retryMs: number | null
}

/**
 * `exhausted`: nothing is left, or the server has said not to come before a time that is still ahead. `near`: 80 % or
 * more are used. `renewed`: its window is over and nobody has called since. `unknown`: how much is left was never told.
 */
export type UpstreamState = 'ok' | 'near' | 'exhausted' | 'renewed' | 'unknown'

export interface Verdict {
  readonly state: UpstreamState
  readonly used: number | null
  readonly remaining: number | null
  /** 0 to 1; null where the limit or what is left was never told. */
  readonly usedRatio: number | null
}

/** What the newest word means at `atMs`. */
export function judgeUpstream({ seenMs, allowed, remaining, resetsMs, retryMs }: Word, atMs: number): Verdict {
  const waiting = retryMs !== null && retryMs > atMs
  const renewed = resetsMs !== null && resetsMs <= atMs && resetsMs > seenMs
  const left = renewed ? (remaining === null ? null : allowed) : remaining
  const used = allowed === null || left === null ? null : Math.max(0, allowed - left)
  const usedRatio = used === null ? null : allowed === 0 ? 1 : used / allowed!
  return { state: stateOf(), used, remaining: left, usedRatio }

  function stateOf(): UpstreamState {
    if (waiting || (left === 0 && !renewed)) return 'exhausted'
    if (renewed) return 'renewed'
    if (left === null) return 'unknown'
    return used !== null && used * 10 >= allowed! * 8 ? 'near' : 'ok'
  }
}
