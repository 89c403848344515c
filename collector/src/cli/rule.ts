import { type Command, InvalidArgumentError } from 'commander'
import { parseCondition } from '../config/condition.ts'
import { Unreadable } from '../config/fault.ts'

/** A rule as the flags have it. */
export interface RuleOptions {
  service?: string
  operation?: string
  consumer?: string
  over?: string
  for?: string
  keepFiringFor?: string
  groupBy?: string
  minCalls?: string
  recover?: string
  points?: string
  confidence?: string
  onNoData?: string
  direction?: string
  env?: string
  plan?: string
  style?: string
  peer?: string
  objective?: string
  quota?: string
  label?: Record<string, string>
  runbook?: string
  severity?: string
  name?: string
  notify?: string[]
}

/** Adds the flags that a rule is made of. */
export function withRule(command: Command): Command {
  return command
    .option('--service <name>', 'only calls of this service')
    .option('--operation <name>', 'only this operation; * stands for any text')
    .option('--consumer <id>', 'only this consumer')
    .option('--over <duration>', 'window that is judged (default 5m)')
    .option('--for <duration>', 'how long the condition must hold before the alert fires (default 0s)')
    .option('--keep-firing-for <duration>', 'how long a firing alert outlives its condition (default 0s)')
    .option('--group-by <labels>', 'one alert for each value of these, comma-separated: operation,consumer')
    .option('--min-calls <n>', 'with fewer calls in the window nothing fires (default 10)')
    .option('--env <name>', 'only calls of this environment')
    .option('--plan <name>', 'only calls of consumers with this plan')
    .option('--style <style>', 'only calls of this style: rest, graphql, grpc …')
    .option('--direction <direction>', 'in: calls that were received (default); out: calls that were made')
    .option('--peer <host>', 'only calls to this host, with --direction out')
    .option('--recover <value>', 'a firing alert is over at this value (default: the threshold)')
    .option('--points <points>', 'hold in so many of the last windows: "3 of 5" (default 1 of 1)')
    .option('--confidence <share>', 'how sure an error rate or a percentile must be, or none (default 99.9%)')
    .option('--on-no-data <policy>', 'with too few calls: ok, keep or alert (default ok)')
    .option('--objective <name>', 'whose burn rate')
    .option('--quota <name>', 'which quota; every one without this')
    .option('--label <name=value>', 'a label of its own; may be repeated', labelled)
    .option('--runbook <url>', 'where those who are told read on')
    .option('--severity <word>', 'goes into the notice (default warning)')
    .option('--name <name>', 'default: made of the condition and what it is about')
    .option('--notify <receiver>', 'a channel of callsight.yaml, or an http(s) URL; may be repeated', gathered)
}

/** The rule as the API takes it. */
export function ruleOf(when: string, options: RuleOptions): Record<string, unknown> {
  return {
    name: options.name,
    when,
    service: options.service,
    operation: options.operation,
    consumer: options.consumer,
    over: options.over,
    for: options.for,
    keep_firing_for: options.keepFiringFor,
    group_by: options.groupBy?.split(',').map((label) => label.trim()),
    min_calls: options.minCalls,
    recover: options.recover,
    points: options.points,
    confidence: options.confidence,
    no_data: options.onNoData,
    direction: options.direction,
    env: options.env,
    plan: options.plan,
    style: options.style,
    peer: options.peer,
    objective: options.objective,
    quota: options.quota,
    labels: options.label,
    runbook: options.runbook,
    severity: options.severity,
    notify: options.notify,
  }
}

/** The argument that says when a rule fires. @throws InvalidArgumentError */
export function condition(text: string): string {
  try {
    return parseCondition(text).text
  } catch (error) {
    if (error instanceof Unreadable) throw new InvalidArgumentError(`${error.message}; ${error.remedy}`)
    throw error
  }
}

function gathered(receiver: string, before: string[] = []): string[] {
  return [...before, receiver]
}

function labelled(pair: string, before: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('write it as NAME=VALUE')
  return { ...before, [pair.slice(0, at)]: pair.slice(at + 1) }
}
