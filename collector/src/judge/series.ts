import { Gauge } from 'prom-client'
import { durationText } from '../config/duration.ts'
import { ratio } from '../config/share.ts'
import { limits } from '../limits.ts'
import { registry } from '../metrics.ts'
import type { Judge } from './judge.ts'
import type { ObjectiveStanding } from './objective/standing.ts'

let judge: Judge | undefined

/** From now on the series of objectives are those of this judge. */
export function expose(judging: Judge | undefined): void {
  judge = judging
}

type Labels = Readonly<Record<string, string>>

/** A gauge made of the standings at each scrape. */
function standing(
  name: string,
  help: string,
  more: readonly string[],
  values: (one: ObjectiveStanding) => [Labels, number | null][],
) {
  new Gauge({
    name,
    help,
    labelNames: ['objective', 'service', 'consumer', ...more],
    registers: [registry],
    collect() {
      this.reset()
      for (const one of shown()) {
        const { objective, consumer } = one
        const labels = { objective: objective.name, service: objective.service ?? '', consumer }
        for (const [own, value] of values(one)) if (value !== null) this.set({ ...labels, ...own }, value)
      }
    },
  })
}

/** Consumers of the file alone: others are as many as senders like, and no label takes a value that a sender chooses. */
function shown(): ObjectiveStanding[] {
  if (judge === undefined) return []
  const known = new Set(judge.config.consumers.map(({ id }) => id))
  return judge
    .objectives()
    .filter(({ consumer }) => consumer === '' || known.has(consumer))
    .slice(0, limits.objectiveSeries)
}

standing('callsight_objective_target_ratio', 'Share of calls that is promised to be good', [], ({ objective }) => [
  [{}, ratio(objective.target)],
])
standing(
  'callsight_objective_error_ratio',
  'Share of bad calls (of slices, by the method of the objective) in the recent window',
  ['window'],
  ({ verdict }) => {
    const windows = verdict.burns.flatMap(({ longMs, shortMs, long, short }) => [
      [longMs, long] as const,
      [shortMs, short] as const,
    ])
    return [...new Map(windows)].map(([ms, { total, bad }]) => [
      { window: durationText(ms) },
      total === 0 ? null : bad / total,
    ])
  },
)
standing(
  'callsight_objective_period_error_ratio',
  'The same in the whole window of the objective',
  [],
  ({ verdict }) => [[{}, verdict.attainment === null ? null : 1 - verdict.attainment]],
)
standing(
  'callsight_objective_budget_left_ratio',
  'Error budget that is left: 1 untouched, 0 spent, negative broken',
  [],
  ({ verdict }) => [[{}, verdict.budgetLeft]],
)
standing(
  'callsight_objective_burning',
  '1 when a pair of burn rates of this severity is above its factor, with enough calls',
  ['severity'],
  ({ verdict }) =>
    (['page', 'ticket'] as const).map((severity) => [
      { severity },
      Number(verdict.burns.some((pair) => pair.severity === severity && pair.burning)),
    ]),
)

new Gauge({
  name: 'callsight_alerts',
  help: 'Alerts of a rule (one for each label set) that are pending or firing',
  labelNames: ['rule', 'state'],
  registers: [registry],
  collect() {
    this.reset()
    if (judge === undefined) return
    // An alert rule on a rule that is quiet needs its series as well.
    for (const { rule } of judge.rules())
      for (const state of ['pending', 'firing']) this.set({ rule: rule.name, state }, 0)
    for (const { rule, state } of judge.alerts()) this.inc({ rule, state: state === 'pending' ? state : 'firing' })
  },
})
