import { userInfo } from 'node:os'
import { Command } from 'commander'
import { answered, ask, type Connection, connected } from './ask.ts'

interface SilenceOptions extends Connection {
  for?: string
  comment?: string
  author?: string
}

interface ListedSilence {
  id: string
  state: string
  matchers: string[]
  starts_at: string
  ends_at: string
  author: string
  comment: string
  alerts_held: number
}

/** `callsight alert silence MATCHER…|list|expire ID`: tells nobody of some alerts for a while. */
export function silenceCommand(): Command {
  const silence = connected(new Command('silence'))
    .description('Tell nobody of some alerts for a while; they are judged and recorded all the same')
    .argument('<matcher...>', 'all must hold: service=shop, \'operation=~"GET .*"\', severity!=page, alertname=slow')
    .option('--for <duration>', 'how long, from now on: 2h (required)')
    .option('--comment <text>', 'why (required)')
    .option('--author <name>', 'who says so (default: who you are on this machine)')
    // Not as required options: commander would ask the commands below for them as well.
    .action((matchers: string[], options: SilenceOptions, command: Command) => {
      if (options.for === undefined) command.error("error: required option '--for <duration>' not specified")
      if (options.comment === undefined) command.error("error: required option '--comment <text>' not specified")
      return answered(() => add(matchers, options))
    })
  connected(silence.command('list'))
    .description('List the silences that are not over, and those of the last days with --all')
    .option('--all', 'those that are over as well')
    .option('--json', 'as the API gives them')
    .action((_: object, command: Command) => answered(() => list(command.optsWithGlobals())))
  connected(silence.command('expire'))
    .description('End a silence now; what fires still is told')
    .argument('<id>')
    .action((id: string, _: object, command: Command) => answered(() => expire(id, command.optsWithGlobals())))
  return silence
}

async function add(matchers: string[], options: SilenceOptions): Promise<void> {
  const { for: lasts, comment, author = userInfo().username } = options
  const body = { matchers, for: lasts, comment, author }
  const added = (await ask(options, 'POST', '/api/v1/silences', body)) as ListedSilence
  console.log(
    `${added.id} until ${added.ends_at}: ${added.matchers.join(', ')}; holds back ${alerts(added.alerts_held)}`,
  )
}

async function list(options: Connection & { all?: boolean; json?: boolean }): Promise<void> {
  const answer = (await ask(options, 'GET', '/api/v1/silences')) as { silences: ListedSilence[] }
  const silences = answer.silences.filter(({ state }) => options.all === true || state !== 'expired')
  if (options.json) return console.log(JSON.stringify(silences, undefined, 2))
  if (silences.length === 0)
    return console.log('no silences: callsight alert silence service=NAME --for 2h --comment WHY')
  for (const { id, state, matchers, ends_at, author, comment, alerts_held } of silences) {
    const until = state === 'expired' ? 'ended' : 'until'
    console.log(
      `${id}  ${state}  ${until} ${ends_at}  ${matchers.join(', ')}  ${author || '-'}: ${comment}  (${alerts(alerts_held)})`,
    )
  }
}

async function expire(id: string, options: Connection): Promise<void> {
  await ask(options, 'DELETE', `/api/v1/silences/${encodeURIComponent(id)}`)
  console.log(`ended ${id}`)
}

function alerts(count: number): string {
  return `${count} ${count === 1 ? 'alert' : 'alerts'} now`
}
