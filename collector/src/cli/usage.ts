import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { answered, ask, type Connection, connected, Refusal } from './ask.ts'
import { tableText } from './table.ts'

interface UsageOptions extends Connection {
  json?: boolean
  correct?: number
  quota?: string
  reason?: string
  actor?: string
  key?: string
  at?: string
}

/**
 * `callsight usage [CONSUMER]`: how much of each quota is used, and what it comes to; or corrects a use. Exit code 0 when
 * done, 1 when the collector is not there or refuses, 2 for wrong usage.
 */
export function usageCommand(): Command {
  return connected(new Command('usage'))
    .description('Use of quotas and its forecast, or a correction of it, by a running collector')
    .argument('[consumer]', 'its id; all consumers without it')
    .option('--json', 'as the API gives it')
    .option('--correct <amount>', 'add so much to the use; a negative amount takes away', amount)
    .option('--reason <text>', 'why')
    .option('--key <key>', 'the same key again is the same correction: an invoice, a ticket')
    .option('--quota <name>', 'which quota is corrected (default: the one of the longest period)')
    .option('--actor <name>', 'who corrects (default: the user of this machine)')
    .option('--at <time>', 'a time in the period that is corrected (default: now)')
    .action((consumer: string | undefined, options: UsageOptions, command: Command) => {
      if (options.correct === undefined) return answered(() => show(consumer, options))
      const missing = (['reason', 'key'] as const).find((option) => options[option] === undefined)
      if (consumer === undefined) return command.error('error: --correct needs a consumer: callsight usage CONSUMER')
      if (missing !== undefined) return command.error(`error: --correct needs --${missing}`)
      return answered(() => correct(consumer, options))
    })
}

function amount(text: string): number {
  const number = Number(text)
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(number) && number !== 0) return number
  throw new InvalidArgumentError('write a whole number other than 0: -1000 takes away, 1000 adds')
}

interface Listed {
  consumer: string
  quota: string
  per: string
  used: number
  allowed: number
  used_ratio: number
  forecast: { end: { low: number; middle: number; high: number }; exhausted_at: { middle: string } | null } | null
}

async function show(consumer: string | undefined, options: UsageOptions): Promise<void> {
  const path = consumer === undefined ? '/api/v1/quotas' : `/api/v1/consumers/${encodeURIComponent(consumer)}/usage`
  const answer = (await ask(options, 'GET', path)) as { quotas: Listed[]; month?: { calls: number } }
  if (options.json) return console.log(JSON.stringify(answer, undefined, 2))
  if (answer.quotas.length === 0) {
    const calls = answer.month === undefined ? '' : `; ${grouped(answer.month.calls)} calls this month`
    return console.log(`no quotas${calls}: docs/quotas.md tells how to set them`)
  }
  const rows = answer.quotas.map(({ consumer, quota, per, used, allowed, used_ratio, forecast }) => [
    consumer,
    quota,
    per,
    grouped(used),
    grouped(allowed),
    percent(used_ratio),
    forecast === null
      ? '-'
      : `${grouped(forecast.end.middle)} (${grouped(forecast.end.low)} to ${grouped(forecast.end.high)})`,
    used >= allowed ? 'now' : (forecast?.exhausted_at?.middle.slice(0, 16).replace('T', ' ') ?? '-'),
  ])
  const head = ['CONSUMER', 'QUOTA', 'PER', 'USED', 'ALLOWED', '%', 'FORECAST', 'EXHAUSTED ON (UTC)']
  console.log(tableText(head, rows, [3, 4, 5]))
}

async function correct(consumer: string, options: UsageOptions): Promise<void> {
  const { correct: amount, quota, reason, key, at, actor = userInfo().username } = options
  const path = `/api/v1/consumers/${encodeURIComponent(consumer)}/usage/corrections`
  const made = (await ask(options, 'POST', path, { amount, quota, reason, actor, key, at })) as {
    quota: string
    amount: number
    made_at: string
  }
  if (options.json) return console.log(JSON.stringify(made, undefined, 2))
  if (made.amount !== amount) throw new Refusal('the collector corrected another amount: is it of this version?')
  console.log(`corrected ${made.quota} of ${consumer} by ${grouped(made.amount)} (made ${made.made_at})`)
}

/** `1,000,000` */
function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function percent(ratio: number): string {
  return (ratio * 100).toFixed(1)
}
