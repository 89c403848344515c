import { Command, Option } from 'commander'
import { parseDurationMs } from '../config/duration.ts'
import { Unreadable } from '../config/fault.ts'
import { answered, askLines, type Connection, connected, Refusal } from './ask.ts'
import { ProgressBar } from './progress.ts'
import { type RuleOptions, ruleOf, withRule } from './rule.ts'

interface Options extends RuleOptions, Connection {
  last: string
  json?: boolean
}

interface Result {
  rule: string
  when: string
  unit: string
  from: string
  to: string
  step_ms: number
  fired: number
  firing_ms: number
  firings: { fired: string; resolved: string | null; summary: string; calls_url: string }[]
}

/**
 * `callsight alert backtest`: how often, when and for which calls a rule would have fired. Exit code 0 when it was
 * replayed, 1 when the collector is not there or refuses.
 */
export function backtestCommand(): Command {
  return connected(withRule(new Command('backtest')))
    .description('Replay a rule over the stored past: how often it would have fired, when, and on which calls')
    .argument('<rule>', 'a condition, "p95 > 300ms", with the flags of add; or the name of a rule that there is')
    .addOption(new Option('--last <duration>', 'how far back').default('24h'))
    .option('--json', 'as the API gives it')
    .action((rule: string, options: Options) => answered(() => replay(rule, options)))
}

async function replay(rule: string, options: Options): Promise<void> {
  const to = Date.now()
  const from = to - lastMs(options.last)
  const isCondition = /[<>(]/.test(rule)
  const bar = new ProgressBar(`replaying ${rule}`)
  const body = { rule: isCondition ? ruleOf(rule, options) : rule, from, to }
  for await (const line of askLines(options, '/api/v1/alerts/backtest', body)) {
    const { progress, result, error } = line as { progress?: number; result?: Result; error?: string }
    if (progress !== undefined) bar.show(Math.round(progress * 100), 100)
    if (error !== undefined) throw new Refusal(error)
    if (result === undefined) continue
    bar.end()
    return options.json ? console.log(JSON.stringify(result, undefined, 2)) : print(result, options.url)
  }
  throw new Refusal('the collector hung up before it was done: try again')
}

function lastMs(text: string): number {
  try {
    return parseDurationMs(text, 60_000, 90 * 24 * 3600_000)
  } catch (error) {
    if (error instanceof Unreadable) throw new Refusal(`--last: ${error.message}; ${error.remedy}`)
    throw error
  }
}

function print({ rule, when, from, to, step_ms, fired, firing_ms, firings }: Result, url: string): void {
  const times = fired === 1 ? 'once' : `${fired} times`
  const span = `between ${local(from)} and ${local(to)}, looked at every ${step_ms / 1000} s`
  if (fired === 0) {
    console.log(`${rule} (${when}) would not have fired ${span}`)
    return
  }
  console.log(`${rule} (${when}) would have fired ${times}, for ${minutes(firing_ms)} in all, ${span}\n`)
  for (const { fired, resolved, summary, calls_url } of firings) {
    const ms = resolved === null ? undefined : Date.parse(resolved) - Date.parse(fired)
    console.log(`${local(fired)}  ${ms === undefined ? 'still firing' : `for ${minutes(ms)}`}`)
    console.log(`  ${summary}\n  ${new URL(calls_url, url)}\n`)
  }
}

/** In the reader's time zone. */
function local(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' })
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
