import { Command } from 'commander'
import { answered, ask, type Connection, connected } from './ask.ts'
import { backtestCommand } from './backtest.ts'
import { condition, type RuleOptions, ruleOf, withRule } from './rule.ts'
import { silenceCommand } from './silence.ts'

/**
 * `callsight alert add|list|remove|backtest`: alert rules of a running collector, by its API. Exit code 0 when done, 1 when the
 * collector is not there or refuses, 2 for wrong usage.
 */
export function alertCommand(): Command {
  const alert = new Command('alert').description('Add, list, remove and replay alert rules of a running collector')
  connected(withRule(alert.command('add')))
    .description('Add a rule; it is judged from the next tick on and kept in the store')
    .argument(
      '<condition>',
      'a metric, a comparison and a threshold: "p95 > 300ms", "error_rate > 5%", "rps < 1", "silence > 10m", "burn_rate", "anomaly(p95)"',
      condition,
    )
    .action((when: string, options: RuleOptions & Connection) => answered(() => add(when, options)))
  connected(alert.command('list'))
    .description('List the rules and their states')
    .option('--json', 'as the API gives them')
    .action((options: Connection & { json?: boolean }) => answered(() => list(options)))
  connected(alert.command('remove'))
    .description('Remove a rule; its firing alerts are resolved')
    .argument('<name>')
    .action((name: string, options: Connection) => answered(() => remove(name, options)))
  alert.addCommand(backtestCommand())
  alert.addCommand(silenceCommand())
  return alert
}

async function add(when: string, options: RuleOptions & Connection): Promise<void> {
  const added = (await ask(options, 'POST', '/api/v1/alerts/rules', ruleOf(when, options))) as {
    name: string
    when: string
  }
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
