import type { FastifyInstance } from 'fastify'
import { eventsQuestion } from '../aggregate/history.ts'
import type { AlertRule } from '../config/config.ts'
import { problemText } from '../config/fault.ts'
import { matches } from '../config/matcher.ts'
import { readRule } from '../config/read.ts'
import { ratio } from '../config/share.ts'
import { shown, thresholdOf } from '../judge/alert/reading.ts'
import { eventOfRow } from '../judge/alert/row.ts'
import type { PlacedRule } from '../judge/alert/rules.ts'
import { type Alert, unitOf } from '../judge/alert/step.ts'
import type { Judge } from '../judge/judge.ts'
import { labelsOfAlert } from '../judge/notice/labels.ts'
import { linksOf } from '../judge/notice/links.ts'
import { type Silence, stateOf } from '../judge/silence/silence.ts'
import { limits } from '../limits.ts'
import { receiverName } from '../notify/notifier.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { instant, pageSize, time } from './traffic.ts'

type Query = Record<string, string | undefined>

/** Alerts, their rules, and what happened. */
export function alertRoutes(parts: { judge: Judge; store: Store }): (server: FastifyInstance) => Promise<void> {
  const { judge, store } = parts
  return async (server) => {
    server.get('/api/v1/alerts', async () => {
      const nowMs = Date.now()
      const silences = (await judge.silences()).map(({ silence }) => silence)
      const active = silences.filter((silence) => stateOf(silence, nowMs) === 'active')
      return { alerts: judge.alerts().map((alert) => alertJson(alert, judge, active)) }
    })

    server.get('/api/v1/alerts/rules', async () => ({ rules: judge.rules().map((placed) => ruleJson(placed, judge)) }))

    server.post('/api/v1/alerts/rules', async (request, reply) => {
      const placed = await addRule(judge, request.body)
      return reply.code(201).send(ruleJson(placed, judge))
    })

    server.delete('/api/v1/alerts/rules/:name', async (request, reply) => {
      const { name } = request.params as { name: string }
      const placed = judge.rules().find(({ rule }) => rule.name === name)
      if (placed === undefined) throw new Problem(404, `there is no alert rule ${JSON.stringify(name)}`)
      if (placed.source === 'file') {
        throw new Problem(409, `the alert rule ${JSON.stringify(name)} stands in callsight.yaml: remove it there`)
      }
      await judge.removeRule(name)
      return reply.code(204).send()
    })

    server.get('/api/v1/alerts/events', async (request) => {
      const query = request.query as Query
      const filter = { rule: query.rule, fromMs: instant('from', query.from) }
      const { sql, params } = eventsQuestion(filter, pageSize(query))
      const events = (await store.ask(sql, params)).map(eventOfRow)
      return {
        events: events.map(({ atMs, activeSinceMs, ...event }) => {
          return { at: time(atMs), ...event, active_since: time(activeSinceMs) }
        }),
      }
    })
  }
}

async function addRule(judge: Judge, body: unknown): Promise<PlacedRule> {
  const written = writtenRule(body)
  const rule = readWritten(judge, written)
  const rules = judge.rules()
  if (rules.some(({ rule: { name } }) => name === rule.name)) {
    throw new Problem(
      409,
      `there is already an alert rule ${JSON.stringify(rule.name)}: remove it or choose another name`,
    )
  }
  if (rules.filter(({ source }) => source === 'api').length >= limits.rules) {
    throw new Problem(
      409,
      `there are already ${limits.rules} alert rules: remove one, or write them into callsight.yaml`,
    )
  }
  await judge.addRule(rule, written)
  return { rule, source: 'api' }
}

/** A rule without a name is named after what it says. */
function writtenRule(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem(400, 'send a rule as a JSON object, with the keys of an alert in callsight.yaml')
  }
  const written: Record<string, unknown> = { ...body }
  written.name ??= nameOf(written)
  return written
}

function readWritten(judge: Judge, written: Record<string, unknown>): AlertRule {
  const channels = judge.config.channels.map(({ name }) => name)
  const judged = {
    objectives: judge.config.objectives.map(({ name }) => name),
    quotas: judge.config.plans.flatMap(({ quotas }) => quotas.map(({ name }) => name)),
  }
  const { rule, problems } = readRule(written, channels, judged)
  if (rule === undefined) throw new Problem(400, problems.map(problemText).join('\n'))
  return rule
}

/** The rule of this name, or the one that is written here. */
export function ruleOf(judge: Judge, given: unknown): AlertRule {
  if (typeof given !== 'string') return readWritten(judge, writtenRule(given))
  const placed = judge.rules().find(({ rule }) => rule.name === given)
  if (placed === undefined) throw new Problem(404, `there is no alert rule ${JSON.stringify(given)}`)
  return placed.rule
}

function nameOf({ when, service, operation, consumer, peer, objective, quota }: Record<string, unknown>): string {
  return [service, operation, consumer, peer, objective, quota, when]
    .filter((part) => typeof part === 'string')
    .join('-')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}._]+/gu, '-')
    .replace(/^[^\p{L}\p{N}]+|-+$/gu, '')
    .slice(0, limits.nameChars)
}

function alertJson(alert: Alert, judge: Judge, silences: readonly Silence[]) {
  const { rule, fingerprint, labels, severity, state, calls } = alert
  const placed = judge.rules().find((placed) => placed.rule.name === rule)
  // Rows from before there was a unit have none.
  const unit = alert.unit || (placed === undefined ? 'ms' : unitOf(placed.rule))
  return {
    rule,
    fingerprint,
    labels,
    severity,
    state,
    when: placed?.rule.when.text ?? null,
    [`value_${unit}`]: alert.value,
    [`threshold_${unit}`]: alert.threshold,
    calls,
    active_since: time(alert.activeSinceMs),
    annotations: alert.annotations,
    silenced_by: silences.filter(({ matchers }) => matches(matchers, labelsOfAlert(alert))).map(({ id }) => id),
    calls_url: linksOf({ ...alert, atMs: alert.seenMs }, placed?.rule, '', alert.seenMs).calls,
  }
}

/** Every key of a rule; measures under names that carry their unit. */
function ruleJson({ rule, source }: PlacedRule, judge: Judge) {
  const states = judge.alerts().filter((alert) => alert.rule === rule.name)
  const count = (state: Alert['state']) => states.filter((alert) => alert.state === state).length
  const pending = count('pending')
  const unit = unitOf(rule)
  const { when, recover, confidence } = rule
  return {
    name: rule.name,
    source,
    when: when.text,
    [`threshold_${unit}`]: when.threshold === undefined ? null : shown(when, thresholdOf(rule)),
    score: when.anomaly === undefined ? null : ratio(when.anomaly.score),
    [`recover_${unit}`]: recover === undefined ? null : shown(when, recover),
    over_ms: rule.overMs,
    for_ms: rule.forMs,
    keep_firing_for_ms: rule.keepFiringForMs,
    min_calls: rule.minCalls,
    points: rule.points,
    confidence_ratio: confidence === undefined ? null : ratio(confidence),
    no_data: rule.noData,
    direction: rule.direction,
    service: rule.service ?? null,
    operation: rule.operation ?? null,
    consumer: rule.consumer ?? null,
    env: rule.env ?? null,
    plan: rule.plan ?? null,
    style: rule.style ?? null,
    peer: rule.peer ?? null,
    group_by: rule.groupBy,
    objective: rule.objective ?? null,
    quota: rule.quota ?? null,
    severity: rule.severity,
    labels: rule.labels,
    annotations: rule.annotations,
    // A webhook's URL is a secret: whoever has it can post there.
    notify: rule.notify.map(receiverName),
    // The worst of its alerts: one that recovers has not recovered yet.
    state:
      (['firing', 'error', 'nodata', 'recovering', 'pending'] as const).find((one) => count(one) > 0) ??
      (judge.hasNoHistory(rule) ? 'no_history' : 'inactive'),
    firing: states.length - pending,
    pending,
  }
}
