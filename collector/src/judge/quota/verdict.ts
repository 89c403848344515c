export type QuotaState = 'ok' | 'near' | 'over'

/** A quota is near from 80 % on, and over when more was used than allowed. */
export function judgeQuota(used: number, limit: number): { usedRatio: number; state: QuotaState } {
  const state = used > limit ? 'over' : used * 10 >= limit * 8 ? 'near' : 'ok'
  return { usedRatio: used / limit, state }
}
