import { Command, InvalidArgumentError } from 'commander'
import { parseCondition } from '../config/condition.ts'
import { Unreadable } from '../config/fault.ts'
import { answered, ask, type Connection, connected } from './ask.ts'
import { silenceCommand } from './silence.ts'

interface AddOptions {
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

/**
 * `callsight alert add|list|remove`: alert rules of a running collector, by its API. Exit code 0 when done, 1 when the
 * collector is not there or refuses, 2 for wrong usage.
 */
export function alertCommand(): Command {
  const alert = new Command('alert').description('Add, list and remove alert rules of a running collector')
  connected(alert.command('add'))
    .description('Add a rule; it is judged from the next tick on and kept in the store')
    .argument(
      '<condition>',
      'a metric, a comparison and a threshold: "p95 > 300ms", "error_rate > 5%", "rps < 1", "silence > 10m", "burn_rate"',
      condition,
    )
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
    .action((when: string, options: AddOptions & Connection) => answered(() => add(when, options)))
  connected(alert.command('list'))
    .description('List the rules and their states')
    .option('--json', 'as the API gives them')
    .action((options: Connection & { json?: boolean }) => answered(() => list(options)))
  connected(alert.command('remove'))
    .description('Remove a rule; its firing alerts are resolved')
    .argument('<name>')
    .action((name: string, options: Connection) => answered(() => remove(name, options)))
  alert.addCommand(silenceCommand())
  return alert
}

function condition(text: string): string {
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

async function add(when: string, options: AddOptions & Connection): Promise<void> {
  const rule = {
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
  const added = (await ask(options, 'POST', '/api/v1/alerts/rules', rule)) as { name: string; when: string }
  console.log(`added ${added.name}: ${added.when}`)
}

interface ListedRule {
  name: string
  state: string
  when: string
  over_ms: number
  for_ms: number
  service: string | null
  operation: string | null
  consumer: string | null
  env: string | null
  plan: string | null
  style: string | null
  peer: string | null
  objective: string | null
  quota: string | null
  direction: string
  group_by: string[]
  notify: string[]
  source: string
}

async function list(options: Connection & { json?: boolean }): Promise<void> {
  const { rules } = (await ask(options, 'GET', '/api/v1/alerts/rules')) as { rules: ListedRule[] }
  if (options.json) return console.log(JSON.stringify(rules, undefined, 2))
  if (rules.length === 0) return console.log('no alert rules: callsight alert add "p95 > 300ms" --service NAME')
  const cells = rules.map((rule) => [
    rule.name,
    rule.state,
    rule.when,
    `${rule.over_ms / 1000}s`,
    `${rule.for_ms / 1000}s`,
    aboutText(rule),
    rule.group_by.join(',') || '-',
    rule.notify.join(',') || '-',
    rule.source,
  ])
  const head = ['NAME', 'STATE', 'WHEN', 'OVER', 'FOR', 'ABOUT', 'GROUP BY', 'NOTIFY', 'FROM']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)))
  for (const row of [head, ...cells])
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
}

function aboutText(rule: ListedRule): string {
  const { service, operation, consumer, env, plan, style, peer, objective, quota } = rule
  const parts = [service, operation, consumer, env, plan, style, peer, objective, quota].filter((part) => part !== null)
  const out = rule.direction === 'out' ? ['outgoing'] : []
  return [...out, ...parts].join(' ') || 'all calls'
}

async function remove(name: string, options: Connection): Promise<void> {
  await ask(options, 'DELETE', `/api/v1/alerts/rules/${encodeURIComponent(name)}`)
  console.log(`removed ${name}`)
}
