import type { FastifyInstance } from 'fastify'
import { usageQuestion } from '../aggregate/usage.ts'
import type { Judge } from '../judge/judge.ts'
import { periodOf } from '../judge/quota/period.ts'
import type { QuotaStanding } from '../judge/quota/standing.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { time } from './traffic.ts'

/** Quotas as judged, and one consumer's use. */
export function quotaRoutes(parts: { judge: Judge; store: Store }): (server: FastifyInstance) => Promise<void> {
  const { judge, store } = parts
  return async (server) => {
    server.get('/api/v1/quotas', async () => ({ quotas: judge.quotas().map(quotaJson) }))

    server.get('/api/v1/consumers/:id/usage', async (request) => {
      const { id } = request.params as { id: string }
      return usageJson(judge, store, id)
    })
  }
}

function quotaJson({ quota, plan, consumer, atMs, period, used, usedRatio, state }: QuotaStanding) {
  return {
    quota: quota.name,
    plan,
    consumer,
    per: quota.per,
    period_start: time(period.startMs),
    period_end: time(period.endMs),
    used,
    allowed: quota.limit,
    used_ratio: usedRatio,
    state,
    at: time(atMs),
  }
}

/** This month's calls of a consumer, counted now, and its quotas as judged last. */
async function usageJson(judge: Judge, store: Store, id: string) {
  const consumer = judge.config.consumers.find((consumer) => consumer.id === id)
  const timeZone = consumer?.timeZone ?? 'UTC'
  const period = periodOf('month', timeZone, Date.now())
  const { sql, params } = usageQuestion(period.startMs, period.endMs, { consumers: [id], plans: [] })
  const [use] = await store.ask<{ newest_plan: string; used: number }>(sql, params)
  if (use === undefined && consumer === undefined) {
    throw new Problem(404, `no calls of consumer ${JSON.stringify(id)} this month, and it is not in callsight.yaml`)
  }
  return {
    id,
    plan: consumer?.plan ?? (use?.newest_plan || null),
    time_zone: timeZone,
    month: { start: time(period.startMs), end: time(period.endMs), calls: Number(use?.used ?? 0) },
    quotas: judge
      .quotas()
      .filter((standing) => standing.consumer === id)
      .map(quotaJson),
  }
}
