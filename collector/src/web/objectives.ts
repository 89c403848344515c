import type { FastifyInstance } from 'fastify'
import { ratio } from '../config/share.ts'
import type { Judge } from '../judge/judge.ts'
import type { ObjectiveStanding } from '../judge/objective/standing.ts'
import { Problem } from './problem.ts'
import { time } from './traffic.ts'

/** Objectives as judged. */
export function objectiveRoutes(judge: Judge): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/objectives', async () => ({
      objectives: judge.config.objectives.map(({ name }) => objectiveJson(judge, name)),
    }))

    server.get('/api/v1/objectives/:name', async (request) => {
      const { name } = request.params as { name: string }
      return objectiveJson(judge, name)
    })
  }
}

function objectiveJson(judge: Judge, name: string) {
  const objective = judge.config.objectives.find((objective) => objective.name === name)
  if (objective === undefined) {
    throw new Problem(404, `there is no objective ${JSON.stringify(name)}: objectives stand in callsight.yaml`)
  }
  return {
    name,
    service: objective.service ?? null,
    operation: objective.operation ?? null,
    per: objective.per ?? null,
    latency_below_ms: objective.latencyBelowUs === undefined ? null : objective.latencyBelowUs / 1000,
    target_ratio: ratio(objective.target),
    window: objective.window,
    window_ms: objective.windowMs,
    states: judge
      .objectives()
      .filter((standing) => standing.objective.name === name)
      .map(standingJson),
  }
}

function standingJson({ consumer, atMs, counts, verdict }: ObjectiveStanding) {
  return {
    consumer: consumer === '' ? null : consumer,
    at: time(atMs),
    total: counts.total,
    bad: counts.bad,
    attainment_ratio: verdict.attainment,
    met: verdict.met,
    budget_left_ratio: verdict.budgetLeft,
    burn_rate_1h: verdict.burnRate1h,
    burn_rate_5m: verdict.burnRate5m,
  }
}
