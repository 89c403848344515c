import { usageQuestion } from '../../aggregate/usage.ts'
import type { Config, Quota } from '../../config/config.ts'
import type { Row, Store } from '../../store/store.ts'
import { secondText } from '../../store/time.ts'
import { type Period, periodOf } from './period.ts'
import { judgeQuota, type QuotaState } from './verdict.ts'

/** One consumer's use of one quota in its current period. */
export interface QuotaStanding {
  readonly quota: Quota
  readonly plan: string
  readonly consumer: string
  readonly atMs: number
  readonly period: Period
  readonly used: number
  readonly usedRatio: number
  readonly state: QuotaState
}

interface Use {
  plan: string
  used: number
}

/**
 * The use of every quota at `atMs`: of the configured consumers, by their own calendar, and of those whose calls name a
 * plan that has quotas, by UTC.
 */
export async function quotaStandings(store: Store, config: Config, atMs: number): Promise<QuotaStanding[]> {
  const standings: QuotaStanding[] = []
  const configured = new Set(config.consumers.map(({ id }) => id))
  for (const per of ['month', '1m'] as const) {
    const plans = new Map(config.plans.map(({ name, quotas }) => [name, quotas.filter((quota) => quota.per === per)]))
    if ([...plans.values()].every((quotas) => quotas.length === 0)) continue
    const users = { consumers: [...configured], plans: [...plans.keys()] }
    const asked = new Map<number, Map<string, Use>>()
    for (const timeZone of new Set(['UTC', ...config.consumers.map((consumer) => consumer.timeZone)])) {
      const period = periodOf(per, timeZone, atMs)
      const uses = asked.get(period.startMs) ?? (await usesIn(store, period, users))
      asked.set(period.startMs, uses)
      const add = (consumer: string, plan: string, used: number) => {
        for (const quota of plans.get(plan) ?? []) {
          standings.push({ quota, plan, consumer, atMs, period, used, ...judgeQuota(used, quota.limit) })
        }
      }
      for (const consumer of config.consumers) {
        if (consumer.timeZone !== timeZone) continue
        const use = uses.get(consumer.id)
        add(consumer.id, consumer.plan ?? use?.plan ?? '', use?.used ?? 0)
      }
      if (timeZone !== 'UTC') continue
      for (const [consumer, { plan, used }] of uses) if (!configured.has(consumer)) add(consumer, plan, used)
    }
  }
  return standings
}

async function usesIn(
  store: Store,
  { startMs, endMs }: Period,
  users: Parameters<typeof usageQuestion>[2],
): Promise<Map<string, Use>> {
  const { sql, params } = usageQuestion(startMs, endMs, users)
  const rows = await store.query(sql, params)
  return new Map(rows.map((row) => [String(row.consumer), { plan: String(row.newest_plan), used: Number(row.used) }]))
}

export function quotaRow({ quota, plan, consumer, period, used, usedRatio }: QuotaStanding): Row {
  return {
    quota: quota.name,
    plan,
    consumer,
    per: quota.per,
    period_start: secondText(period.startMs),
    period_end: secondText(period.endMs),
    used,
    allowed: quota.limit,
    used_ratio: usedRatio,
  }
}
