import { Command } from 'commander'
import { restore } from '../store/backup.ts'
import { answered } from './ask.ts'
import { megabytes } from './backup.ts'
import { type Place, placed, withStore } from './offline.ts'
import { ProgressBar } from './progress.ts'

/** `callsight restore PLACE`: a backup into a store that has nothing yet; the next start brings it up to date. */
export function restoreCommand(): Command {
  return placed(new Command('restore'))
    .description('Read a backup into a new folder or an empty database')
    .argument('<place>', 'what callsight backup was given')
    .action((place: string, options: Place) =>
      answered(async () => {
        const bar = new ProgressBar('restoring')
        const { bytes } = await withStore(options, true, (store) =>
          restore(store, place, ({ done, total }) => bar.show(done, total, 'files')),
        )
        bar.end()
        console.log(`restored ${megabytes(bytes)} from ${place}`)
      }),
    )
}
