import { Command } from 'commander'
import { migrate } from '../store/migrate.ts'
import { importStore } from '../store/move.ts'
import { answered } from './ask.ts'
import { countsText } from './export.ts'
import { type Place, placed, withStore } from './offline.ts'
import { ProgressBar } from './progress.ts'

/** `callsight import FOLDER`: what `callsight export` wrote, into an empty store. Cut off, it goes on where it was. */
export function importCommand(): Command {
  return placed(new Command('import'))
    .description('Read an exported store into a new one, a ClickHouse server or a folder')
    .argument('<folder>', 'what callsight export wrote')
    .action((folder: string, place: Place) =>
      answered(async () => {
        const bar = new ProgressBar('importing')
        const manifest = await withStore(place, true, async (store) => {
          await migrate(store)
          return importStore(store, folder, ({ rows, of, what }) => bar.show(rows, of, what))
        })
        bar.end()
        console.log(`imported, with the counts of the export:\n${countsText(manifest)}`)
      }),
    )
}
