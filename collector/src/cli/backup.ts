import { Command } from 'commander'
import { backup } from '../store/backup.ts'
import { answered, ask, type Connection, connected } from './ask.ts'
import { type Place, placed, withStore } from './offline.ts'
import { ProgressBar } from './progress.ts'

/**
 * `callsight backup PLACE`: all tables as they are at one moment. With --running the collector that has the store open
 * writes it and goes on; a file is then a name in its own folder of backups.
 */
export function backupCommand(): Command {
  return connected(placed(new Command('backup')))
    .description('Write all tables to a file, a folder, or a place that a ClickHouse server knows')
    .argument('<place>', "backup.tar, a folder, Disk('backups', 'monday') or S3('https://…')")
    .option('--running', 'ask the running collector at --url, and do not open the store')
    .action((place: string, options: Place & Connection & { running?: boolean }) =>
      answered(async () => {
        if (options.running) {
          const { at, bytes } = (await ask(options, 'POST', '/api/v1/backups', { place })) as {
            at: string
            bytes: number
          }
          return console.log(`backed up ${megabytes(bytes)} to ${at}`)
        }
        const bar = new ProgressBar('backing up')
        const { bytes } = await withStore(options, false, (store) =>
          backup(store, place, ({ done, total }) => bar.show(done, total, 'files')),
        )
        bar.end()
        console.log(`backed up ${megabytes(bytes)} to ${place}`)
      }),
    )
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
