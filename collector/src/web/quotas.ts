import type { FastifyInstance } from 'fastify'
import { monthCallsQuestion } from '../aggregate/monthcalls.ts'
import { calendarPeriod } from '../judge/calendar.ts'
import type { Judge } from '../judge/judge.ts'
import type { ClosedPeriod } from '../judge/quota/closing.ts'
import { type Correction, KeyTaken } from '../judge/quota/corrections.ts'
import type { Range } from '../judge/quota/forecast.ts'
import type { QuotaStanding } from '../judge/quota/standing.ts'
import { limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { rateLimits } from './ratelimit.ts'
import { instant, time } from './traffic.ts'

/** Quotas as judged, one consumer's use, and corrections of it. */
export function quotaRoutes(parts: { judge: Judge; store: Store }): (server: FastifyInstance) => Promise<void> {
  const { judge, store } = parts
  return async (server) => {
    server.get('/api/v1/quotas', async () => {
      const nowMs = Date.now()
      return { quotas: judge.quotas().map((standing) => quotaJson(standing, nowMs)) }
    })

    server.get('/api/v1/consumers/:id/usage', async (request, reply) => {
      const { id } = request.params as { id: string }
      const nowMs = Date.now()
      const usage = judge.usage(id)
      if (usage === undefined) return unjudged(judge, store, id)
      const { policy, limit } = rateLimits(
        usage.quotas.map(({ standing }) => standing),
        nowMs,
      )
      // A list without members is no field (RFC 9651, 4.1).
      if (usage.quotas.length > 0) reply.header('ratelimit-policy', policy).header('ratelimit', limit)
      const { period, calls, atMs } = usage.month
      return {
        id,
        plan: usage.plan || null,
        time_zone: usage.timeZone,
        month: { start: time(period.startMs), end: time(period.endMs), calls },
        lag_s: lagOf(atMs, nowMs),
        rate_limit_policy: policy,
        rate_limit: limit,
        quotas: usage.quotas.map(({ standing, corrections, closed }) => ({
          ...quotaJson(standing, nowMs),
          corrections: corrections.map(correctionJson),
          closed: closed.map(closedJson),
        })),
      }
    })

    server.post('/api/v1/consumers/:id/usage/corrections', async (request, reply) => {
      const { id } = request.params as { id: string }
      try {
        return reply.code(201).send(correctionJson(await judge.correct(wantedCorrection(judge, id, request.body))))
      } catch (error) {
        if (error instanceof KeyTaken) throw new Problem(409, error.message)
        throw error
      }
    })
  }
}

function quotaJson(standing: QuotaStanding, nowMs: number) {
  const { quota, plan, consumer, atMs, period, used, usedRatio, state, counted, corrected, forecast } = standing
  return {
    quota: quota.name,
    plan,
    consumer,
    per: quota.per,
    window: typeof quota.window === 'object' ? 'rolling' : 'calendar',
    meter: quota.meter.text,
    operation: quota.operation ?? null,
    outcomes: quota.outcomes ?? null,
    kind: quota.kind,
    thresholds: quota.thresholds.map(({ text }) => text),
    period_start: time(period.startMs),
    period_end: time(period.endMs),
    used,
    counted,
    corrected,
    allowed: quota.limit,
    remaining: Math.max(quota.limit - used, 0),
    used_ratio: usedRatio,
    state,
    forecast: forecast && {
      end: forecast.end,
      exhausted_at: forecast.exhaustedAtMs && times(forecast.exhaustedAtMs),
      error_ratio: forecast.errorRatio,
    },
    at: time(atMs),
    lag_s: lagOf(atMs, nowMs),
  }
}

function times({ low, middle, high }: Range) {
  return { low: time(low), middle: time(middle), high: time(high) }
}

function lagOf(atMs: number, nowMs: number): number {
  return Math.max(nowMs - atMs, 0) / 1000
}

function correctionJson({ consumer, quota, amount, reason, actor, key, atMs, madeMs }: Correction) {
  return { consumer, quota, amount, reason, actor, key, at: time(atMs), made_at: time(madeMs) }
}

function closedJson({ period, allowed, counted, late, corrected, closedMs }: ClosedPeriod) {
  return {
    period_start: time(period.startMs),
    period_end: time(period.endMs),
    used: Math.max(counted + corrected, 0),
    counted,
    late,
    corrected,
    allowed,
    closed_at: time(closedMs),
  }
}

/** This month's calls of a consumer that nothing is known of in memory. */
async function unjudged(judge: Judge, store: Store, id: string) {
  const consumer = judge.config.consumers.find((consumer) => consumer.id === id)
  const timeZone = consumer?.timeZone ?? 'UTC'
  const nowMs = Date.now()
  const period = calendarPeriod('month', timeZone, nowMs)
  const { sql, params } = monthCallsQuestion(id, period.startMs, period.endMs)
  const [use] = await store.ask<{ newest_plan: string; used: number }>(sql, params)
  if (use === undefined && consumer === undefined) {
    throw new Problem(404, `no calls of consumer ${JSON.stringify(id)} this month, and it is not in callsight.yaml`)
  }
  return {
    id,
    plan: consumer?.plan ?? (use?.newest_plan || null),
    time_zone: timeZone,
    month: { start: time(period.startMs), end: time(period.endMs), calls: Number(use?.used ?? 0) },
    lag_s: 0,
    rate_limit_policy: '',
    rate_limit: '',
    quotas: [],
  }
}

const correctionKeys = ['quota', 'amount', 'reason', 'actor', 'key', 'at']

/** Reads what is to be corrected. @throws Problem that names the field and the remedy */
function wantedCorrection(judge: Judge, consumer: string, body: unknown): Parameters<Judge['correct']>[0] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem(400, 'send a correction as a JSON object: {"amount": -1000, "reason": …, "actor": …, "key": …}')
  }
  const given = body as Record<string, unknown>
  const unknown = Object.keys(given).find((key) => !correctionKeys.includes(key))
  if (unknown !== undefined) {
    throw new Problem(400, `unknown key ${JSON.stringify(unknown)}; the keys here are ${correctionKeys.join(', ')}`)
  }
  const { amount } = given
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount === 0) {
    throw new Problem(400, 'amount is not a whole number other than 0: -1000 takes away, 1000 adds')
  }
  const atMs = given.at === undefined ? undefined : instant('at', String(given.at))
  if (atMs !== undefined && atMs > Date.now() + limits.futureMs) {
    throw new Problem(400, 'at is in the future: name a time in the period that is to be corrected')
  }
  const words = {
    reason: wordsOf(given, 'reason', limits.correctionReasonChars),
    actor: wordsOf(given, 'actor', limits.correctionKeyChars),
    key: wordsOf(given, 'key', limits.correctionKeyChars),
  }
  return { consumer, quota: quotaNamed(judge, consumer, given.quota), amount, ...words, atMs }
}

function wordsOf(given: Record<string, unknown>, name: string, most: number): string {
  const text = given[name]
  if (typeof text !== 'string' || text.trim() === '') throw new Problem(400, `${name} is missing: write some text`)
  if (text.length > most) throw new Problem(400, `${name} is longer than ${most} characters: write less`)
  return text
}

/** Without a name the quota of the longest period, if there is one such. */
function quotaNamed(judge: Judge, consumer: string, given: unknown): string {
  const standings = judge.usage(consumer)?.quotas.map(({ standing }) => standing) ?? []
  if (standings.length === 0) {
    throw new Problem(404, `${JSON.stringify(consumer)} has no quota: give it a plan in callsight.yaml`)
  }
  const names = standings.map(({ quota }) => quota.name).join(', ')
  if (given !== undefined) {
    if (standings.some(({ quota }) => quota.name === given)) return String(given)
    throw new Problem(404, `${JSON.stringify(consumer)} has no quota ${JSON.stringify(given)}; it has ${names}`)
  }
  const lengths = standings.map(({ period }) => period.endMs - period.startMs)
  const longest = standings.filter((_, i) => lengths[i] === Math.max(...lengths))
  if (longest.length > 1) throw new Problem(400, `quota is missing: name one of ${names}`)
  return longest[0]!.quota.name
}
