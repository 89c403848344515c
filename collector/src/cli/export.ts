import { Command } from 'commander'
import { exportStore, type Manifest } from '../store/move.ts'
import { answered } from './ask.ts'
import { type Place, placed, withStore } from './offline.ts'
import { ProgressBar } from './progress.ts'

/** `callsight export FOLDER`: a stopped collector's store as files, for `callsight import`. */
export function exportCommand(): Command {
  return placed(new Command('export'))
    .description('Write the store of a stopped collector to a folder, to be imported elsewhere')
    .argument('<folder>', 'new or empty; it takes three to five times the room of the store')
    .action((folder: string, place: Place) =>
      answered(async () => {
        const bar = new ProgressBar('exporting')
        const manifest = await withStore(place, false, (store) =>
          exportStore(store, folder, ({ rows, of, what }) => bar.show(rows, of, what)),
        )
        bar.end()
        console.log(`exported to ${folder}:\n${countsText(manifest)}`)
      }),
    )
}

/** One line for each table: rows, and calls where it counts calls. */
export function countsText({ parts }: Manifest): string {
  const tables = new Map<string, { rows: number; calls: number }>()
  for (const { table, rows, calls } of parts) {
    const sum = tables.get(table) ?? { rows: 0, calls: 0 }
    tables.set(table, { rows: sum.rows + rows, calls: sum.calls + calls })
  }
  const width = Math.max(...[...tables.keys()].map((name) => name.length))
  return [...tables]
    .map(([name, { rows, calls }]) => {
      return `  ${name.padEnd(width)}  ${rows} rows${calls === 0 ? '' : `, ${calls} calls`}`
    })
    .join('\n')
}
