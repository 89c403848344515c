import type { FastifyInstance } from 'fastify'
import type { Range } from '../judge/quota/forecast.ts'
import { type UpstreamStanding, upstreamStandings } from '../judge/upstream/standing.ts'
import { limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { time } from './traffic.ts'

/** Our quotas at other servers, as their answers tell of them. */
export function upstreamRoutes(store: Store): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/upstreams', async () => {
      const atMs = Date.now()
      const standings = await upstreamStandings((sql, params) => store.ask(sql, params), atMs)
      return { at: time(atMs), upstreams: standings.map(standingJson) }
    })
  }
}

function standingJson(standing: UpstreamStanding) {
  const { forecast } = standing
  return {
    env: standing.env,
    service: standing.service,
    peer: standing.peer,
    peer_port: standing.peerPort,
    policy: standing.policy,
    unit: standing.unit,
    dialect: standing.dialect,
    state: standing.state,
    allowed: standing.allowed,
    used: standing.used,
    remaining: standing.remaining,
    used_ratio: standing.usedRatio,
    window_s: standing.windowS,
    resets_at: timeOf(standing.resetsMs),
    retry_at: timeOf(standing.retryMs),
    seen_at: time(standing.seenMs),
    told_calls: standing.calls,
    refused_calls: standing.refused,
    counted_s: limits.upstreamRefusedMs / 1000,
    forecast:
      forecast === null
        ? null
        : {
            end: forecast.end,
            exhausted_at: forecast.exhaustedAtMs === null ? null : times(forecast.exhaustedAtMs),
            error_ratio: forecast.errorRatio,
          },
  }
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : time(ms)
}

function times({ low, middle, high }: Range) {
  return { low: time(low), middle: time(middle), high: time(high) }
}
