import { Command } from 'commander'
import { type Forgotten, forgetConsumer } from '../store/forget.ts'
import { answered, ask, type Connection, connected } from './ask.ts'
import { type Place, placed, withStore } from './offline.ts'

/**
 * `callsight forget --consumer C`: removes all that is stored about a consumer. With --running by the collector that has
 * the store open, else in the store of a stopped one.
 */
export function forgetCommand(): Command {
  return connected(placed(new Command('forget')))
    .description('Remove a consumer: its calls, payloads, roll-ups and states')
    .requiredOption('--consumer <id>', 'as it stands in the column consumer')
    .option('--running', 'ask the running collector at --url, and do not open the store')
    .action((options: Place & Connection & { consumer: string; running?: boolean }) =>
      answered(async () => {
        const { consumer } = options
        const forgotten = options.running
          ? (
              (await ask(options, 'DELETE', `/api/v1/consumers/${encodeURIComponent(consumer)}`)) as {
                removed: Forgotten
              }
            ).removed
          : await withStore(options, false, (store) => forgetConsumer(store, consumer))
        console.log(forgottenText(consumer, forgotten))
      }),
    )
}

function forgottenText(consumer: string, forgotten: Forgotten): string {
  const tables = Object.entries(forgotten)
  if (tables.length === 0) return `nothing is stored about ${consumer}`
  return `forgot ${consumer}: ${tables.map(([table, rows]) => `${rows} rows of ${table}`).join(', ')}`
}
