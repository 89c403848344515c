import type { UpstreamStanding } from './standing.ts'

/** What an alert rule is held against: one quota of ours at another server. */
export interface UpstreamReading {
  readonly labels: { readonly service: string; readonly peer: string; readonly policy: string }
  /** Used share of the allowance, 0 to 1, for `quota_used`. */
  readonly used: number
  /** Expected share at the end of the window, for `quota_forecast`; null: nothing can be said. */
  readonly forecast: number | null
}

/**
 * The readings of the quotas whose use is known. A quota that nobody has asked for since its window ended reads 0. Where
 * a service is in several environments, or a server on several ports, the worst counts.
 */
export function upstreamReadings(standings: readonly UpstreamStanding[]): UpstreamReading[] {
  const worst = new Map<string, UpstreamReading>()
  for (const { service, peer, policy, usedRatio, allowed, forecast } of standings) {
    if (usedRatio === null) continue
    const place = [service, peer, policy].join('\0')
    const before = worst.get(place)
    const ahead = forecast === null || !allowed ? null : forecast.end.middle / allowed
    worst.set(place, {
      labels: { service, peer, policy },
      used: Math.max(usedRatio, before?.used ?? 0),
      forecast: ahead === null ? (before?.forecast ?? null) : Math.max(ahead, before?.forecast ?? 0),
    })
  }
  return [...worst.values()]
}
