import { Command, InvalidArgumentError, Option } from 'commander'
import type { BadSliceDocument, StatementDocument } from '../judge/sla/statement.ts'
import { answered, ask, askText, type Connection, connected, Refusal } from './ask.ts'

interface SlaOptions {
  consumer?: string
  month?: string
  format: 'table' | 'json' | 'csv' | 'html'
  version?: string
  recompute?: true
}

/** As the API gives it. */
interface ListedStatement {
  consumer?: string
  name?: string
  objective: string
  version: number | null
  made_at: string | null
  final: boolean
  met: boolean | null
  credit: string | null
  checksum: string
  statement: StatementDocument
}

/** Bad slices that a terminal shows of each statement. */
const slicesShown = 10

/**
 * `callsight sla [OBJECTIVE]`: SLA statements of a running collector, by its API. Exit code 0 when told, kept or not; 1
 * when the collector is not there or refuses, 2 for wrong usage.
 */
export function slaCommand(): Command {
  return connected(new Command('sla'))
    .description('SLA statements: of one consumer and month, or of all in a list')
    .argument('[objective]', 'only this objective')
    .option('--consumer <id>', 'the consumer; a list of all without it')
    .option('--month <month>', 'as 2026-11, in the time zone of the consumer (default: this month so far)', month)
    .addOption(
      new Option('--format <format>', 'how it is written; csv has one line for each consumer and objective')
        .choices(['table', 'json', 'csv', 'html'])
        .default('table'),
    )
    .option('--version <n>', 'a version as it was, instead of the newest one', version)
    .option('--recompute', 'count the month anew; what comes out differently is kept as a new version')
    .action((objective: string | undefined, options: SlaOptions & Connection) =>
      answered(() => (options.consumer === undefined ? list(objective, options) : show(objective, options))),
    )
}

function month(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text
  throw new InvalidArgumentError('Write it as 2026-11.')
}

function version(text: string): string {
  if (/^[1-9]\d{0,8}$/.test(text)) return text
  throw new InvalidArgumentError('Write a number from 1.')
}

async function show(objective: string | undefined, options: SlaOptions & Connection): Promise<void> {
  const { consumer, format, recompute } = options
  if (recompute && options.version !== undefined) {
    throw new Refusal('--version gives what is kept, --recompute makes it anew: choose one')
  }
  const path = `/api/v1/consumers/${encodeURIComponent(consumer!)}/sla${query(objective, options)}`
  const method = recompute ? 'POST' : 'GET'
  if (format === 'csv' || format === 'html') {
    process.stdout.write(await askText(options, method, path))
    return
  }
  const answer = (await ask(options, method, path)) as {
    name: string
    statements: ListedStatement[]
    missing: { objective: string; why: string }[]
  }
  if (format === 'json') return console.log(JSON.stringify(answer, undefined, 2))
  const { consumer: id, time_zone } = answer.statements[0]!.statement
  const whom = answer.name === id ? id : `${answer.name} (${id})`
  console.log(`${whom}, ${answer.statements[0]!.statement.month}, ${time_zone}`)
  for (const statement of answer.statements) console.log(`\n${lines(statement).join('\n')}`)
  for (const { objective, why } of answer.missing) console.log(`\n${short(objective, 90)}\n  no statement: ${why}`)
}

async function list(objective: string | undefined, options: SlaOptions & Connection): Promise<void> {
  const needed = options.recompute ? '--recompute' : options.version !== undefined ? '--version' : undefined
  if (needed !== undefined || options.format === 'html') {
    throw new Refusal(`${needed ?? '--format html'} is for one consumer: add --consumer ID`)
  }
  const path = `/api/v1/sla${query(objective, options)}`
  if (options.format === 'csv') {
    process.stdout.write(await askText(options, 'GET', path))
    return
  }
  const answer = (await ask(options, 'GET', path)) as { month: string; statements: ListedStatement[] }
  if (options.format === 'json') return console.log(JSON.stringify(answer, undefined, 2))
  if (answer.statements.length === 0) {
    return console.log(`nothing is promised to a consumer in ${answer.month}: see docs/sla.md`)
  }
  const rows = answer.statements.map(({ consumer, objective, statement, met, credit, version }) => [
    short(consumer ?? '', 24),
    short(objective, 24),
    statement.terms.target,
    statement.attained ?? '-',
    verdict(met),
    credit ?? '-',
    version === null ? 'open' : `v${version}`,
  ])
  console.log(answer.month)
  table([['CONSUMER', 'OBJECTIVE', 'TARGET', 'ATTAINED', '', 'CREDIT', 'STATE'], ...rows])
}

function query(objective: string | undefined, { month, version, format }: SlaOptions): string {
  const asked = new URLSearchParams()
  const parts = { month, objective, version, format: format === 'csv' || format === 'html' ? format : undefined }
  for (const [key, value] of Object.entries(parts)) if (value !== undefined) asked.set(key, value)
  return asked.size === 0 ? '' : `?${asked}`
}

function lines({ objective, version, made_at, final, met, checksum, statement }: ListedStatement): string[] {
  const { terms, calls, slices, bad_slices, bad_slices_in_all } = statement
  const facts = [
    ['attained', `${statement.attained ?? 'no calls'} of ${terms.target} promised: ${verdict(met)}`],
    ['credit', statement.credit ?? 'none'],
    ['formula', `${terms.formula}${terms.by_method ? ' (the method of the objective)' : ''}`],
    ['calls', `${calls.judged} judged, ${calls.bad} bad, ${calls.excluded} excluded`],
    ['slices', `${slices.counted} counted, ${bad_slices_in_all} bad, ${slices.empty} empty`],
    ['state', `${final ? 'final' : `open, judged until ${statement.judged_until}`}${versionText(version, made_at)}`],
    ...(statement.first_call_in_store === null ? [] : [['recorded', `since ${statement.first_call_in_store}`]]),
    ['checksum', checksum],
  ]
  const shown = bad_slices.slice(0, slicesShown)
  const more = bad_slices_in_all - shown.length
  return [
    short(objective, 90),
    ...facts.map(([key, value]) => `  ${key!.padEnd(9)} ${value}`),
    ...shown.map(sliceLine),
    ...(more > 0 ? [`  and ${more} more bad slices: --format html or json`] : []),
  ]
}

function versionText(version: number | null, madeAt: string | null): string {
  return version === null ? '' : `, version ${version} of ${madeAt}`
}

function sliceLine({ from, operation, calls, bad, trace_ids }: BadSliceDocument): string {
  const of = operation === undefined ? '' : ` ${short(operation, 24)}`
  const trace = trace_ids.length === 0 ? '' : `, trace ${short(trace_ids[0]!, 32)}`
  return `  bad       ${from}${of} ${bad} of ${calls} calls${trace}`
}

function verdict(met: boolean | null): string {
  return met === null ? 'no verdict' : met ? 'kept' : 'NOT KEPT'
}

function short(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}

function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  for (const row of rows) {
    const cells = row.map((cell, i) => cell.padEnd(widths[i]!))
    console.log(cells.join('  ').trimEnd())
  }
}
