import type { QuotaStanding } from '../judge/quota/standing.ts'

/** The largest integer of a structured field (RFC 9651, 3.3.1). */
const largest = 999_999_999_999_999

/**
 * Quotas as the lists `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers: `q` is what is allowed
 * in a window of `w` seconds, `qu` what is counted where it is not requests; `r` is what is left, `t` the seconds until
 * it is whole again, which a rolling window never is at once.
 *
 * @returns structured field lists of RFC 9651
 */
export function rateLimits(standings: readonly QuotaStanding[], nowMs: number): { policy: string; limit: string } {
  const policies = standings.map(({ quota, period }) => {
    const unit = unitOf(quota.meter.text)
    const window = Math.round((period.endMs - period.startMs) / 1000)
    return `${string(quota.name)};q=${integer(quota.limit)}${unit === undefined ? '' : `;qu=${string(unit)}`};w=${window}`
  })
  const states = standings.map(({ quota, period, used }) => {
    const reset = typeof quota.window === 'object' ? '' : `;t=${Math.max(Math.ceil((period.endMs - nowMs) / 1000), 0)}`
    return `${string(quota.name)};r=${integer(quota.limit - used)}${reset}`
  })
  return { policy: policies.join(', '), limit: states.join(', ') }
}

/** The draft's quota units; what it has no word for goes by ours. */
function unitOf(meter: string): string | undefined {
  if (meter === 'calls') return undefined
  return meter.endsWith('bytes') ? 'content-bytes' : meter
}

function integer(value: number): number {
  return Math.min(Math.max(Math.trunc(value), 0), largest)
}

/** A string of a structured field; names may have letters that it cannot, which are percent-encoded. */
function string(text: string): string {
  const ascii = text.replace(/[^\x20-\x7e]+/gu, (rest) => encodeURIComponent(rest))
  return `"${ascii.replace(/["\\]/g, '\\$&')}"`
}
