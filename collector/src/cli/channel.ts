import { Command } from 'commander'
import { answered, ask, type Connection, connected, Refusal } from './ask.ts'
import { tableText } from './table.ts'

/**
 * `callsight channel list|test`: where the notices of a running collector go. Exit code 0 when the test notice was taken,
 * 1 when it was not, 2 for wrong usage.
 */
export function channelCommand(): Command {
  const channel = new Command('channel').description('List and try out the channels by which notices leave')
  connected(channel.command('list'))
    .description('List the channels of callsight.yaml, and what came of the last notice to each')
    .option('--json', 'as the API gives them')
    .action((options: Connection & { json?: boolean }) => answered(() => list(options)))
  connected(channel.command('test'))
    .description('Send a notice that says it is a test, and tell what the receiver answered')
    .argument('<name>')
    .action((name: string, options: Connection) => answered(() => test(name, options)))
  return channel
}

interface ListedChannel {
  name: string
  kind: string
  last: { at: string; result: string; attempts: number; status: number; error: string } | null
}

async function list(options: Connection & { json?: boolean }): Promise<void> {
  const { channels } = (await ask(options, 'GET', '/api/v1/channels')) as { channels: ListedChannel[] }
  if (options.json) return console.log(JSON.stringify(channels, undefined, 2))
  if (channels.length === 0) return console.log('no channels: write some under channels: in callsight.yaml')
  const rows = channels.map(({ name, kind, last }) => {
    if (last === null) return [name, kind, '-', '-', '']
    return [name, kind, last.at, last.result.replace('_', ' '), last.error]
  })
  console.log(tableText(['NAME', 'KIND', 'LAST NOTICE', 'RESULT', 'ERROR'], rows))
}

async function test(name: string, options: Connection): Promise<void> {
  const path = `/api/v1/channels/${encodeURIComponent(name)}/test`
  const answer = (await ask(options, 'POST', path, {})) as {
    kind: string
    delivered: boolean
    status: number
    error: string
    took_ms: number
  }
  if (!answer.delivered) throw new Refusal(`${name} (${answer.kind}) did not take the test notice: ${answer.error}`)
  console.log(`${name} (${answer.kind}) took the test notice: status ${answer.status}, ${answer.took_ms} ms`)
}
