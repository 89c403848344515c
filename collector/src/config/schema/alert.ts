import { z } from 'zod'
import { limits } from '../../limits.ts'
import { parseCondition, parseThreshold } from '../condition.ts'
import { type AlertRule, alertLabels, type Condition, type Fraction, noDataPolicies } from '../config.ts'
import { durationText } from '../duration.ts'
import { quoted, Unreadable } from '../fault.ts'
import { compare, parseShare, ratio } from '../share.ts'
import { parseHttpUrl } from '../url.ts'
import { receiver } from './channel.ts'
import { count, duration, measure, name, text, word } from './value.ts'

const confidence = measure((value) => {
  if (value === 'none') return null
  const share = parseShare(value)
  if (ratio(share) >= 0.5 && ratio(share) < 1) return share
  throw new Unreadable(`${quoted(value)} is not how sure one can be`, 'write 50% or more and less than 100%, or none')
})

const points = text((value) => {
  const match = /^(\d{1,3}) of (\d{1,3})$/.exec(value.trim())
  const [needed, of] = [Number(match?.[1]), Number(match?.[2])]
  if (match !== null && needed >= 1 && needed <= of && of <= limits.alertPoints) return { needed, of }
  throw new Unreadable(
    `${quoted(value)} is not so many of so many`,
    `write it as 3 of 5, of at most ${limits.alertPoints}`,
  )
})

const texts = z.record(z.string(), text())

export const ruleShape = {
  name,
  when: text(parseCondition),
  over: duration(10_000, limits.alertOverMs).optional(),
  for: duration(0, limits.alertWindowMs).optional(),
  keep_firing_for: duration(0, limits.alertWindowMs).optional(),
  recover: measure((value) => value).optional(),
  min_calls: count(0).optional(),
  points: points.optional(),
  confidence: confidence.optional(),
  no_data: word(noDataPolicies).optional(),
  direction: word(['in', 'out']).optional(),
  service: text().optional(),
  operation: text().optional(),
  consumer: text().optional(),
  env: text().optional(),
  plan: text().optional(),
  style: text().optional(),
  peer: text().optional(),
  group_by: z.array(word(alertLabels)).optional(),
  objective: text().optional(),
  quota: text().optional(),
  severity: name.optional(),
  labels: texts.optional(),
  annotations: texts.optional(),
  runbook: text(parseHttpUrl).optional(),
  notify: z.array(receiver).optional(),
}

/**
 * A rule looks a hundred thousand times a week, so what happens once in a hundred happens: at 99 % simulated months of
 * normal traffic with few calls page now and then (judge/alert/month.test.ts), at 99.9 % they do not.
 */
const usualConfidence = parseShare('99.9%')

/** One alert rule, as in the file and as the API takes it. */
export const ruleSchema = z.strictObject(ruleShape).transform((rule, context): AlertRule => {
  const { when } = rule
  const wrong = (path: (string | number)[], what: string, remedy: string) =>
    context.addIssue({ code: 'custom', path, message: what, params: { remedy } })
  let recover: Fraction | undefined
  try {
    recover = recoveryOf(when, rule.recover)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    wrong(['recover'], error.message, error.remedy)
  }
  const overMs = rule.over ?? (when.anomaly ? 60_000 : when.metric === 'burn_rate' ? 3600_000 : 5 * 60_000)
  const points = rule.points ?? (when.anomaly ? { needed: 3, of: 5 } : { needed: 1, of: 1 })
  const { of } = points
  if (when.anomaly && (overMs % 60_000 !== 0 || overMs > limits.anomalyOverMs)) {
    wrong(
      ['over'],
      `${durationText(overMs)} is not a window of ${when.text.split(' ', 1)[0]}`,
      `write whole minutes, at most ${durationText(limits.anomalyOverMs)}`,
    )
  }
  const unknown = when.anomaly && rule.group_by?.find((label) => label === 'version' || label === 'error_code')
  if (unknown) wrong(['group_by'], `what is usual is not kept by ${unknown}`, 'remove it')
  if (of > 1 && overMs * of > limits.alertOverMs) {
    wrong(
      ['points'],
      `${of} windows of ${durationText(overMs)} are too long`,
      `use at most ${durationText(limits.alertOverMs)} in all`,
    )
  }
  for (const key of Object.keys(rule) as (keyof typeof rule)[]) {
    const reason = rule[key] === undefined ? undefined : misfit(when, key)
    if (reason !== undefined) wrong([key], `${when.text.split(' ', 1)[0]} takes no ${key}`, reason)
  }
  for (const key of ['labels', 'annotations'] as const) {
    for (const label of Object.keys(rule[key] ?? {})) {
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label.length > limits.nameChars) {
        wrong([key, label], `${quoted(label)} is not the name of a label`, 'write letters, digits and _')
      } else if (key === 'labels' && reserved.has(label)) {
        wrong([key, label], `${label} is a label that alerts have already`, 'use another name')
      }
    }
  }
  if (when.metric === 'burn_rate' && rule.objective === undefined) {
    wrong(['when'], 'a burn rate is that of an objective', 'add objective: NAME')
  }
  const subject = [rule.service, rule.operation, rule.consumer, rule.peer, ...(rule.group_by ?? [])]
  if (when.metric === 'silence' && subject.every((part) => part === undefined)) {
    wrong(['when'], 'silence of whom is not said', 'add group_by: [consumer], or a service, operation or consumer')
  }
  return {
    name: rule.name,
    when,
    overMs,
    forMs: rule.for ?? 0,
    keepFiringForMs: rule.keep_firing_for ?? 0,
    recover,
    minCalls: rule.min_calls ?? usualCalls(when),
    points,
    confidence: isShare(when) && rule.confidence !== null ? (rule.confidence ?? usualConfidence) : undefined,
    noData: rule.no_data ?? 'ok',
    direction: rule.direction ?? 'in',
    service: rule.service,
    operation: rule.operation,
    consumer: rule.consumer,
    env: rule.env,
    plan: rule.plan,
    style: rule.style,
    peer: rule.peer,
    groupBy: [...new Set(rule.group_by ?? [])].sort(),
    objective: rule.objective,
    quota: rule.quota,
    // What is unusual is not what is broken: it wakes nobody whose rule does not say so.
    severity: rule.severity ?? (when.anomaly ? 'info' : 'warning'),
    labels: rule.labels ?? {},
    annotations: { ...rule.annotations, ...(rule.runbook === undefined ? {} : { runbook_url: rule.runbook }) },
    notify: [...new Set(rule.notify ?? [])],
  }
})

/** Labels that say what an alert is about, so that a rule cannot give them. */
const reserved = new Set<string>([...alertLabels, 'alertname', 'severity', 'objective', 'quota', 'condition'])

/** Conditions that are decided on how many of how many calls. */
export function isShare({ metric }: Condition): boolean {
  return metric === 'percentile' || metric === 'error_rate'
}

function usualCalls({ metric }: Condition): number {
  if (metric === 'rps' || metric === 'calls' || metric.startsWith('quota_')) return 0
  // One slow call among fewer than ten is already the percentile; one call is what a maximum is about.
  return metric === 'max' ? 1 : 10
}

const ofCalls = ['over', 'points', 'min_calls', 'direction', 'service', 'operation', 'env', 'style', 'peer', 'group_by']

/** Why a key has no meaning for this condition. */
function misfit(when: Condition, key: string): string | undefined {
  const { metric } = when
  if (key === 'objective' && metric !== 'burn_rate') return 'remove it, or write when: burn_rate'
  if (key === 'quota' && !metric.startsWith('quota_')) return 'remove it, or write when: quota_used > 80%'
  if (key === 'confidence' && !isShare(when)) return 'remove it: error rates and percentiles are measured on some calls'
  if (key === 'recover' && (metric === 'silence' || when.threshold === undefined)) return 'remove it'
  if (metric === 'silence' && key === 'no_data') return 'remove it: silence is itself about calls that are missing'
  if (metric === 'silence' && (key === 'over' || key === 'points')) return 'remove it: the threshold is the time'
  if (metric === 'burn_rate' && (key === 'plan' || (key !== 'over' && ofCalls.includes(key)))) {
    return 'remove it: the objective says which calls count'
  }
  if (metric === 'burn_rate' && key === 'over' && when.threshold === undefined) {
    return 'remove it, or write a threshold: burn_rate > 14.4'
  }
  if (metric.startsWith('quota_') && ofCalls.includes(key)) return 'remove it: the quota says which calls count'
  return undefined
}

function recoveryOf(when: Condition, written: string | undefined): Fraction | undefined {
  if (written === undefined || when.threshold === undefined || when.metric === 'silence') return undefined
  const recover = parseThreshold(when, written)
  const above = when.comparison.startsWith('>')
  if (!compare(recover, above ? '>' : '<', when.threshold)) return recover
  throw new Unreadable(
    `${quoted(written)} is beyond the threshold of ${when.text}`,
    `write a value at which it is over, ${above ? 'below' : 'above'} the threshold`,
  )
}
