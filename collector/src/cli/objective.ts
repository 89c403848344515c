import { Command } from 'commander'
import { faultText } from '../config/fault.ts'
import { importedText, importFiles } from '../exchange/import.ts'

/**
 * `callsight objective import FILE…`: objectives of OpenSLO, Sloth and Pyrra in the words of callsight.yaml, on standard
 * output. Exit code 1 when something could not be said in them; the rest is printed all the same.
 */
export function objectiveCommand(): Command {
  const command = new Command('objective').description('Objectives from and for other tools')
  command
    .command('import')
    .description('Print objectives of OpenSLO, Sloth and Pyrra files as sections of callsight.yaml')
    .argument('<file...>')
    .option('--window <duration>', 'window of objectives whose file says none, as those of Sloth', '30d')
    .action((files: string[], { window }: { window: string }) => {
      const imported = importFiles(files, window)
      if (imported.objectives.length > 0) process.stdout.write(importedText(imported))
      for (const fault of imported.faults) console.error(faultText(fault))
      const count = imported.objectives.length
      console.error(`${count} ${count === 1 ? 'objective' : 'objectives'} imported, ${imported.faults.length} faults`)
      process.exitCode = imported.faults.length > 0 || count === 0 ? 1 : 0
    })
  return command
}
