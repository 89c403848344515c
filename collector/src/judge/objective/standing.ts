import { objectiveQuestion } from '../../aggregate/objective.ts'
import type { Config, Objective } from '../../config/config.ts'
import { ratio } from '../../config/share.ts'
import type { Row, Store } from '../../store/store.ts'
import { judgeObjective, type ObjectiveCounts, type ObjectiveVerdict } from './verdict.ts'

/** One promise, to one consumer or (empty) over all. */
export interface ObjectiveStanding {
  readonly objective: Objective
  readonly consumer: string
  readonly atMs: number
  readonly counts: ObjectiveCounts
  readonly verdict: ObjectiveVerdict
}

/** How every promise is kept at `atMs`. */
export async function objectiveStandings(store: Store, config: Config, atMs: number): Promise<ObjectiveStanding[]> {
  const standings: ObjectiveStanding[] = []
  for (const objective of config.objectives) {
    const { sql, params } = objectiveQuestion(objective, atMs)
    for (const row of await store.query(sql, params)) {
      const counts = {
        total: Number(row.total),
        bad: Number(row.bad),
        total1h: Number(row.total_1h),
        bad1h: Number(row.bad_1h),
        total5m: Number(row.total_5m),
        bad5m: Number(row.bad_5m),
      }
      const verdict = judgeObjective(counts, objective.target)
      standings.push({ objective, consumer: String(row.consumer ?? ''), atMs, counts, verdict })
    }
  }
  return standings
}

export function objectiveRow({ objective, consumer, counts, verdict }: ObjectiveStanding): Row {
  return {
    objective: objective.name,
    service: objective.service ?? '',
    operation: objective.operation ?? '',
    consumer,
    window: objective.window,
    target: ratio(objective.target),
    total: counts.total,
    bad: counts.bad,
    attainment: verdict.attainment,
    budget_left: verdict.budgetLeft,
    burn_rate_1h: verdict.burnRate1h,
    burn_rate_5m: verdict.burnRate5m,
  }
}
