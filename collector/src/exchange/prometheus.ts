import type { AlertRule, Objective } from '../config/config.ts'
import { durationText } from '../config/duration.ts'
import { ratio } from '../config/share.ts'
import { pairsOf } from '../judge/objective/burn.ts'

/** A rule file of Prometheus, as the object that its YAML stands for. */
export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

interface Rule {
  record?: string
  alert?: string
  expr: string
  labels: Readonly<Record<string, string>>
  annotations?: Readonly<Record<string, string>>
}

/**
 * Objectives and alert rules as a rule file of Prometheus, over the series of our `/metrics`. Objectives carry the names
 * that Sloth gives its series (https://sloth.dev), so that dashboards made for those show ours; the ratios are the exact
 * ones of the judge, and an alert needs its judgement as well: enough calls, and enough bad ones.
 */
export function prometheusRules(objectives: readonly Objective[], rules: readonly AlertRule[]): RuleFile {
  const groups = [
    ...objectives.flatMap((objective) => [
      { name: `callsight-slo-recordings-${objective.name}`, rules: recordings(objective) },
      { name: `callsight-slo-alerts-${objective.name}`, rules: burnAlerts(objective) },
    ]),
    ...(rules.length === 0 ? [] : [{ name: 'callsight-alerts', rules: rules.map(thresholdAlert) }]),
  ]
  return { groups }
}

/** The labels by which Sloth knows an objective. */
function identity(objective: Objective): Record<string, string> {
  const service = objective.service ?? 'all'
  return { sloth_id: `${service}-${objective.name}`, sloth_service: service, sloth_slo: objective.name }
}

/** The windows that anything is computed over, shortest first. */
function windowsOf(objective: Objective): number[] {
  const windows = pairsOf(objective).flatMap(({ longMs, shortMs }) => [longMs, shortMs])
  return [...new Set(windows)].sort((a, b) => a - b)
}

function recordings(objective: Objective): Rule[] {
  const labels = identity(objective)
  const about = selector(labels)
  const ours = selector({ objective: objective.name })
  const target = ratio(objective.target)
  const keep = objective.per === 'consumer' ? ' by (consumer)' : ''
  const errors = windowsOf(objective).map((ms): Rule => {
    const window = durationText(ms)
    return {
      record: `slo:sli_error:ratio_rate${window}`,
      expr: `max${keep} (callsight_objective_error_ratio${selector({ objective: objective.name, window })})`,
      labels: { ...labels, sloth_window: window },
    }
  })
  const shortest = durationText(windowsOf(objective)[0]!)
  const period = durationText(objective.windowMs)
  const joined = 'on (sloth_id, sloth_slo, sloth_service) group_left'
  return [
    ...errors,
    {
      record: `slo:sli_error:ratio_rate${period}`,
      expr: `max${keep} (callsight_objective_period_error_ratio${ours})`,
      labels: { ...labels, sloth_window: period },
    },
    { record: 'slo:objective:ratio', expr: `vector(${target})`, labels },
    { record: 'slo:error_budget:ratio', expr: `vector(1 - ${target})`, labels },
    { record: 'slo:time_period:days', expr: `vector(${objective.windowMs / 86_400_000})`, labels },
    {
      record: 'slo:current_burn_rate:ratio',
      expr: `slo:sli_error:ratio_rate${shortest}${about} / ${joined} slo:error_budget:ratio${about}`,
      labels,
    },
    {
      record: 'slo:period_burn_rate:ratio',
      expr: `slo:sli_error:ratio_rate${period}${about} / ${joined} slo:error_budget:ratio${about}`,
      labels,
    },
    { record: 'slo:period_error_budget_remaining:ratio', expr: `1 - slo:period_burn_rate:ratio${about}`, labels },
    {
      record: 'sloth_slo_info',
      expr: 'vector(1)',
      labels: {
        ...labels,
        sloth_mode: 'callsight',
        sloth_objective: String(Number((target * 100).toFixed(6))),
        sloth_spec: 'callsight',
        sloth_version: 'callsight',
      },
    },
  ]
}

function burnAlerts(objective: Objective): Rule[] {
  const labels = identity(objective)
  const about = selector(labels)
  const pairs = pairsOf(objective)
  return (['page', 'ticket'] as const).map((severity) => {
    const terms = pairs
      .filter((pair) => pair.severity === severity)
      .map(({ longMs, shortMs, factor }) => {
        const above = (ms: number) =>
          `max(slo:sli_error:ratio_rate${durationText(ms)}${about} > (${factor} * (1 - ${ratio(objective.target)}))) without (sloth_window)`
        return `(${above(shortMs)} and ${above(longMs)})`
      })
    const judged = `max${objective.per === 'consumer' ? ' by (consumer)' : ''} (callsight_objective_burning${selector({ objective: objective.name, severity })}) == 1`
    return {
      alert: objective.name,
      expr: `(${terms.join(' or ')}) and ${objective.per === 'consumer' ? 'on (consumer)' : 'on ()'} (${judged})`,
      labels: { sloth_severity: severity, severity: severity === 'page' ? objective.severity : 'ticket' },
      annotations: {
        summary: `${objective.name} burns its error budget too fast`,
        description: `At least one of its pairs of windows is above its burn rate; of ${objective.window} the target is ${objective.target.text}.`,
      },
    }
  })
}

/** The judge has waited for `for` and will linger for `keep_firing_for` itself. */
function thresholdAlert(rule: AlertRule): Rule {
  return {
    alert: rule.name,
    expr: `sum(callsight_alerts${selector({ rule: rule.name, state: 'firing' })}) > 0`,
    labels: { ...rule.labels, severity: rule.severity },
    annotations: { ...rule.annotations, summary: `${rule.name}: ${rule.when.text}, for {{ $value }} label sets` },
  }
}

function selector(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`
}
