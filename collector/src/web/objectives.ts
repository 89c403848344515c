import type { FastifyInstance } from 'fastify'
import { budgetQuestion } from '../aggregate/budget.ts'
import type { Counted } from '../aggregate/objective.ts'
import type { Objective } from '../config/config.ts'
import { parseDurationUs } from '../config/duration.ts'
import { Unreadable } from '../config/fault.ts'
import { ratio } from '../config/share.ts'
import type { Judge } from '../judge/judge.ts'
import { judged } from '../judge/objective/burn.ts'
import { burnRates, type ObjectiveStanding, pairName } from '../judge/objective/standing.ts'
import { tryLatency } from '../judge/objective/trial.ts'
import { limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { time } from './traffic.ts'

/** Objectives as judged; one with its history, or with what another latency would have given. */
export function objectiveRoutes(parts: { judge: Judge; store: Store }): (server: FastifyInstance) => Promise<void> {
  const { judge, store } = parts
  return async (server) => {
    server.get('/api/v1/objectives', async () => ({
      objectives: judge.config.objectives.map((objective) => ({
        ...objectiveJson(objective),
        states: standingsOf(judge, objective).map(standingJson),
      })),
    }))

    server.get('/api/v1/objectives/:name', async (request) => {
      const { name } = request.params as { name: string }
      const { consumer, latency_below } = request.query as Record<string, string | undefined>
      const objective = judge.config.objectives.find((objective) => objective.name === name)
      if (objective === undefined) {
        throw new Problem(404, `there is no objective ${JSON.stringify(name)}: objectives stand in callsight.yaml`)
      }
      const all = standingsOf(judge, objective)
      const standings = consumer === undefined ? all : all.filter((standing) => standing.consumer === consumer)
      const latencyUs = latency_below === undefined ? undefined : latencyOf(latency_below)
      return {
        ...objectiveJson(objective),
        states: standings.map(standingJson),
        history: await historyJson(store, objective, standings.slice(0, limits.objectiveHistories)),
        ...(latencyUs === undefined ? {} : { trial: await trialJson(store, standings, latencyUs) }),
      }
    })
  }
}

function standingsOf(judge: Judge, objective: Objective): ObjectiveStanding[] {
  return judge.objectives().filter((standing) => standing.objective.name === objective.name)
}

function latencyOf(text: string): number {
  try {
    const us = parseDurationUs(text)
    if (us > 0) return us
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
  }
  throw new Problem(400, `latency_below=${text} is not a latency: write a number and a unit, 250ms`)
}

function objectiveJson(objective: Objective) {
  const sliced = objective.method !== 'occurrences'
  return {
    name: objective.name,
    service: objective.service ?? null,
    operation: objective.operation ?? null,
    consumer: objective.consumer ?? null,
    per: objective.per ?? null,
    latency_below_ms: objective.latencyBelowUs === undefined ? null : objective.latencyBelowUs / 1000,
    failed: [...objective.good.failed, ...objective.good.failedStatuses],
    not_counted: [...objective.good.notCounted, ...objective.good.notCountedStatuses],
    good_statuses: objective.good.goodStatuses,
    target_ratio: ratio(objective.target),
    window: objective.window,
    window_ms: objective.windowMs,
    method: objective.method,
    slice_ms: sliced ? objective.sliceMs : null,
    slice_target_ratio: objective.sliceTarget === undefined ? null : ratio(objective.sliceTarget),
    empty: sliced ? objective.empty : null,
    exclude: objective.exclude.map(({ fromMs, toMs, reason }) => ({ from: time(fromMs), to: time(toMs), reason })),
    min_calls: objective.minCalls,
    min_bad: objective.minBad,
  }
}

function standingJson(standing: ObjectiveStanding) {
  const { objective, consumer, atMs, window, counts, verdict } = standing
  const { interval, budget } = verdict
  const unit = (count: number) => judged(objective, { total: count, bad: 0 }).total
  return {
    consumer: consumer === '' ? null : consumer,
    at: time(atMs),
    window_start: time(window.startMs),
    window_end: time(window.endMs),
    time_zone: objective.calendar === undefined ? null : standing.timeZone,
    total: counts.calls,
    bad: counts.badCalls,
    unsure_calls: counts.unsureCalls,
    slices: objective.method === 'occurrences' ? null : judged(objective, counts),
    attainment_ratio: verdict.attainment,
    attainment_95_percent_interval_ratio: interval === null ? null : [interval.low, interval.high],
    met: verdict.met,
    budget_left_ratio: verdict.budgetLeft,
    // In calls, or in slices.
    budget:
      budget === null ? null : { allowed: unit(budget.allowed), spent: unit(budget.spent), left: unit(budget.left) },
    exhausted_in_s: verdict.exhaustedInMs === null ? null : Math.round(verdict.exhaustedInMs / 1000),
    ...burnRates(standing),
    burns: verdict.burns.map((pair) => ({
      windows: pairName(pair),
      factor: pair.factor,
      severity: pair.severity,
      burning: pair.burning,
      long: pair.long,
      short: pair.short,
    })),
  }
}

/** The budget over the window, to the consumers that are worst off. */
async function historyJson(store: Store, objective: Objective, standings: readonly ObjectiveStanding[]) {
  if (standings.length === 0) return []
  const toMs = Math.max(...standings.map(({ atMs }) => atMs))
  const fromMs = Math.min(...standings.map(({ window }) => window.startMs), toMs - 3600_000)
  const consumers = standings.map(({ consumer }) => consumer)
  const { sql, params } = budgetQuestion(objective.name, consumers, { fromMs, toMs, points: limits.objectivePoints })
  const rows = await store.ask<{ consumer: string; at_ms: number; state: (number | null)[] }>(sql, params)
  return consumers.map((consumer) => ({
    consumer: consumer === '' ? null : consumer,
    points: rows
      .filter((row) => row.consumer === consumer)
      .map(({ at_ms, state: [attainment, left, burn] }) => {
        return { at: time(at_ms), attainment_ratio: attainment, budget_left_ratio: left, burn_rate_1h: burn }
      }),
  }))
}

async function trialJson(store: Store, standings: readonly ObjectiveStanding[], latencyUs: number) {
  const trials = await tryLatency((sql, params) => store.ask<Counted>(sql, params), standings, latencyUs)
  return {
    latency_below_ms: latencyUs / 1000,
    // Half of a bucket: a duration in a histogram is known so well.
    latency_error_ratio: 0.022,
    states: trials.map(({ consumer, attainment, low, high, unsureCalls }) => ({
      consumer: consumer === '' ? null : consumer,
      attainment_ratio: attainment,
      attainment_range_ratio: low === null || high === null ? null : [low, high],
      unsure_calls: unsureCalls,
    })),
  }
}
