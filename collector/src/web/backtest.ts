import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { AlertRule } from '../config/config.ts'
import { type Backtest, backtest, unfit } from '../judge/alert/backtest.ts'
import { Reader } from '../judge/alert/reader.ts'
import { shown } from '../judge/alert/reading.ts'
import { unitOf } from '../judge/alert/step.ts'
import type { Judge } from '../judge/judge.ts'
import { limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { ruleOf } from './alerts.ts'
import { Problem } from './problem.ts'
import { instant, time } from './traffic.ts'

const day = 24 * 3600_000

/**
 * `POST /api/v1/alerts/backtest` replays a rule over the stored past: `{ rule, from?, to?, steps? }`, the last day without
 * them, `rule` as callsight.yaml has it or the name of one that there is. With `steps` it looks at so many moments, or at
 * as many more as it takes to see every call: coarser, and sooner done. It answers with lines of JSON as it goes:
 * `{ "progress": 0.25 }`, and in the end `{ "result": … }` or `{ "error": "…" }`. Whoever hangs up ends it.
 */
export function backtestRoutes({ judge, store }: { judge: Judge; store: Store }) {
  let running = 0
  return async (server: FastifyInstance) => {
    server.post('/api/v1/alerts/backtest', async (request, reply) => {
      const { rule, fromMs, toMs, steps } = wanted(judge, request.body)
      if (running >= limits.backtests) {
        throw new Problem(503, 'other rules are being replayed: try again when they are done')
      }
      const reader = new Reader(
        { query: (sql, params) => store.ask(sql, params) },
        { objectives: () => [], quotas: () => [] },
      )
      const lines = async function* (): AsyncGenerator<string> {
        running++
        try {
          const looks = backtest(reader, rule, fromMs, toMs, steps)
          for (let step = await looks.next(); ; step = await looks.next()) {
            if (step.done) return yield line({ result: resultJson(rule, fromMs, toMs, step.value) })
            yield line({ progress: Number(step.value.toFixed(3)) })
          }
        } catch (error) {
          yield line({ error: `the store could not be asked: ${error instanceof Error ? error.message : error}` })
        } finally {
          running--
        }
      }
      return reply.type('application/x-ndjson').send(Readable.from(lines()))
    })
  }
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

function wanted(judge: Judge, body: unknown): { rule: AlertRule; fromMs: number; toMs: number; steps: number } {
  const {
    rule: written,
    from,
    to,
    steps = limits.backtestSteps,
  } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const toMs = instant('to', to === undefined ? undefined : String(to)) ?? Date.now() - limits.lagMs
  const fromMs = instant('from', from === undefined ? undefined : String(from)) ?? toMs - day
  if (fromMs >= toMs) throw new Problem(400, '"from" must be before "to"')
  if (!Number.isInteger(steps) || Number(steps) < 1 || Number(steps) > limits.backtestSteps) {
    throw new Problem(400, `"steps" must be a whole number from 1 to ${limits.backtestSteps}`)
  }
  const rule = ruleOf(judge, written)
  const reason = unfit(rule, fromMs, toMs)
  if (reason !== undefined) throw new Problem(400, reason)
  return { rule, fromMs, toMs, steps: Number(steps) }
}

function resultJson(rule: AlertRule, fromMs: number, toMs: number, { stepMs, firings, series }: Backtest) {
  const unit = unitOf(rule)
  return {
    rule: rule.name,
    when: rule.when.text,
    unit,
    [`threshold_${unit}`]: rule.when.threshold === undefined ? null : shown(rule.when, rule.when.threshold),
    from: time(fromMs),
    to: time(toMs),
    step_ms: stepMs,
    fired: firings.length,
    firing_ms: firings.reduce((sum, { firedMs, resolvedMs }) => sum + (resolvedMs ?? toMs) - firedMs, 0),
    firings: firings.map(({ labels, sinceMs, firedMs, resolvedMs, summary, worst, calls }) => ({
      labels,
      since: time(sinceMs),
      fired: time(firedMs),
      resolved: resolvedMs === undefined ? null : time(resolvedMs),
      [`worst_${unit}`]: worst,
      calls,
      summary,
      calls_url: callsUrl(rule, labels, sinceMs - rule.overMs, resolvedMs ?? toMs),
    })),
    series: series.map(({ atMs, value, calls, sets, held }) => ({ at: time(atMs), value, calls, sets, held })),
  }
}

/** The calls behind a firing, as the API's search gives them. */
function callsUrl(
  { when, direction }: AlertRule,
  labels: Readonly<Record<string, string>>,
  fromMs: number,
  toMs: number,
) {
  const query = new URLSearchParams({ direction, from: time(fromMs), to: time(toMs) })
  for (const name of ['service', 'operation', 'consumer', 'env', 'peer', 'method', 'route', 'status'] as const) {
    const value = labels[name]
    if (value !== undefined && !value.includes('*')) query.set(name, value)
  }
  if (when.metric === 'error_rate') query.set('outcome', 'server_error,timeout')
  if (
    when.unit === 'us' &&
    when.comparison.startsWith('>') &&
    when.threshold !== undefined &&
    when.metric !== 'silence'
  ) {
    query.set('min_duration_ms', String(when.threshold.numerator / when.threshold.denominator / 1000))
  }
  return `/api/v1/calls?${query}`
}
