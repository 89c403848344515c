import { createHash } from 'node:crypto'
import { isByMinute } from '../../aggregate/alertminutes.ts'
import type { AlertRule, Grouping, Objective } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { ratio } from '../../config/share.ts'
import { isAboutCalls } from '../../judge/alert/reader.ts'
import { thresholdOf } from '../../judge/alert/reading.ts'
import { metricText, shownText } from '../../judge/alert/summary.ts'
import { limits } from '../../limits.ts'
import { callFacts } from './calls.ts'
import { burnFacts, quotaFacts } from './standing.ts'
import { type Bounds, boundsOf, type Facts, statementOf } from './statement.ts'
import { dollars, plain } from './template.ts'

/** Of the data source that is written beside the rules. */
export const sourceUid = 'callsight-clickhouse'

/** A rule as Grafana's provisioning reads it. */
export interface GrafanaRule {
  readonly uid: string
  readonly title: string
  readonly [key: string]: unknown
}

/** What a rule is written with beside itself. */
export interface About {
  readonly objectives: readonly Objective[]
  readonly grouping: Grouping
  /** Without a slash at its end; undefined: alerts have no link to the viewer. */
  readonly externalUrl: string | undefined
  /** The contact point of those who are told; undefined: Grafana's own policy decides. */
  readonly receiver: (notify: readonly string[]) => string | undefined
}

/** How often Grafana looks: every ten seconds, the least it can, only at windows shorter than a minute. */
export function everyMs(rule: AlertRule): number {
  if (!isAboutCalls(rule)) return 30_000
  if (rule.when.metric === 'silence' || isByMinute(rule)) return 60_000
  return rule.overMs < 60_000 ? 10_000 : 30_000
}

function factsOf(rule: AlertRule, objectives: readonly Objective[]): Facts {
  if (isAboutCalls(rule)) return callFacts(rule)
  if (rule.when.metric !== 'burn_rate') return quotaFacts(rule)
  const objective = objectives.find(({ name }) => name === rule.objective)
  if (objective === undefined) throw new Error(`there is no objective ${rule.objective}`)
  return burnFacts(rule, objective)
}

const noDataStates = { ok: 'OK', keep: 'KeepLast', alert: 'NoData' } as const

/** @throws Error with the reason why Grafana cannot have this rule */
export function grafanaRule(rule: AlertRule, about: About): GrafanaRule {
  const facts = factsOf(rule, about.objectives)
  const bounds = boundsOf(rule)
  const { name, forMs, keepFiringForMs, severity } = rule
  // Who calls again has no row in a question about silence.
  const noData = rule.when.metric === 'silence' ? 'ok' : rule.noData
  const receiver = about.receiver(rule.notify)
  const waits = (ms: number) => durationText(Math.ceil(ms / everyMs(rule)) * everyMs(rule))
  return {
    uid: `callsight-${createHash('sha256').update(name).digest('hex').slice(0, 20)}`,
    title: dollars(name),
    condition: 'B',
    dashboardUid: rule.when.metric.startsWith('quota_') ? 'callsight-consumers' : 'callsight-overview',
    panelId: panelOf(rule),
    ...(forMs === 0 ? {} : { for: waits(forMs) }),
    ...(keepFiringForMs === 0 ? {} : { keepFiringFor: waits(keepFiringForMs) }),
    noDataState: noDataStates[noData],
    execErrState: 'Error',
    // A label set without calls is over, as with the judge; where its policy says so it goes on for as long as can be.
    missing_series_evals_to_resolve: noData === 'keep' ? 1_000_000 : 1,
    labels: plainly({ ...rule.labels, severity }),
    annotations: annotationsOf(rule, facts, about.externalUrl),
    ...(receiver === undefined ? {} : { notification_settings: settingsOf(dollars(receiver), about.grouping) }),
    data: [query(rule, statementOf(rule, facts, bounds)), threshold(bounds)],
  }
}

/** The panel that shows what the rule is about, by the id that it keeps. */
function panelOf({ when }: AlertRule): number {
  if (when.metric === 'burn_rate') return 11
  if (when.metric.startsWith('quota_')) return 6
  if (when.metric === 'error_rate') return 9
  return when.metric === 'rps' || when.metric === 'calls' || when.metric === 'silence' ? 8 : 10
}

/** Times stand in the statement, relative to now; the range is what Grafana shows. */
function query(rule: AlertRule, rawSql: string) {
  const backMs = isAboutCalls(rule) ? rule.overMs * rule.points.of + limits.callMs : 3600_000
  const model = {
    refId: 'A',
    datasource: { type: 'grafana-clickhouse-datasource', uid: sourceUid },
    editorType: 'sql',
    format: 1,
    queryType: 'table',
    pluginVersion: '4.20.0',
    meta: {},
    rawSql,
  }
  const relativeTimeRange = { from: Math.ceil(backMs / 1000), to: 0 }
  return { refId: 'A', datasourceUid: sourceUid, relativeTimeRange, model }
}

function threshold({ up, fire, end }: Bounds) {
  const [beyond, back] = up ? ['gt', 'lt'] : ['lt', 'gt']
  const condition = {
    evaluator: { type: beyond, params: [fire] },
    ...(end === undefined ? {} : { unloadEvaluator: { type: back, params: [end] } }),
  }
  const datasource = { type: '__expr__', uid: '__expr__' }
  const model = { refId: 'B', datasource, type: 'threshold', expression: 'A', conditions: [condition] }
  return { refId: 'B', datasourceUid: '__expr__', relativeTimeRange: { from: 0, to: 0 }, model }
}

function settingsOf(receiver: string, { by, waitMs, intervalMs, repeatMs }: Grouping) {
  return {
    receiver,
    group_by: [...new Set(['grafana_folder', 'alertname', ...by])],
    group_wait: waitMs === 0 ? '0s' : durationText(waitMs),
    group_interval: durationText(intervalMs),
    repeat_interval: durationText(repeatMs),
  }
}

function annotationsOf(rule: AlertRule, facts: Facts, externalUrl: string | undefined): Record<string, string> {
  const names = [...Object.keys(facts.fixed), ...facts.keys]
  const told = names.map((name) => `${name}={{ $labels.${name} }}`).join(', ')
  const given = plainly(rule.annotations)
  const board = externalUrl === undefined ? {} : { callsight_url: plain(externalUrl) + boardPath(names) }
  return {
    ...given,
    ...board,
    summary: `${plain(rule.name)}: {{ with $values }}${measuredText(rule)}{{ else }}no data{{ end }}${told && ` (${told})`}`,
    description: plain(describe(rule)),
  }
}

/** `p95 is 412.3 ms, limit 300 ms, in 5m` */
function measuredText(rule: AlertRule): string {
  const { when } = rule
  const shares = when.unit === 'share'
  const value = shares ? '{{ humanizePercentage .A.Value }}' : '{{ printf "%.4g" .A.Value }}'
  if (when.metric === 'burn_rate' && when.threshold === undefined)
    return `the error budget burns at ${value} times its limit`
  if (when.metric === 'silence') return 'no call for {{ printf "%.0f" .A.Value }} ms'
  const unit = { us: ' ms', share: '', bytes: ' bytes', calls: '', per_second: ' calls a second', factor: '' }[
    when.unit
  ]
  return `${plain(metricText(rule))} is ${value}${unit}, limit ${plain(shownText(rule, thresholdOf(rule)))}`
}

/** The rule in its own words. */
function describe(rule: AlertRule): string {
  const { when, points, minCalls, confidence } = rule
  if (!isAboutCalls(rule)) return `${when.text}, as Callsight judged it`
  const parts = [
    when.metric === 'silence' ? when.text : `${when.text} over ${durationText(rule.overMs)}`,
    ...(points.of > 1 ? [`in ${points.needed} of ${points.of} windows`] : []),
    ...(rule.groupBy.length === 0 ? [] : [`by ${rule.groupBy.join(', ')}`]),
    ...(minCalls > 0 ? [`of at least ${minCalls} calls`] : []),
    ...(confidence === undefined ? [] : [`${Number((ratio(confidence) * 100).toFixed(6))} % sure`]),
  ]
  return parts.join(', ')
}

function boardPath(names: readonly string[]): string {
  const vars = names.filter((name) => ['service', 'operation', 'consumer', 'env'].includes(name))
  const about = vars.map((name) => `&var-${name}={{ $labels.${name} | urlquery }}`)
  return `/d/callsight-overview?from=now-1h&to=now${about.join('')}`
}

function plainly(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, plain(text)]))
}
