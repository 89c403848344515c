import { stringify } from 'yaml'
import { type Fault, pathText } from '../config/fault.ts'
import { problemsOf } from '../config/issue.ts'
import { fileSchema } from '../config/schema/file.ts'
import { isOpenSlo, readOpenSlo } from './openslo.ts'
import { isPyrra, readPyrra } from './pyrra.ts'
import { isSloth, readSloth } from './sloth.ts'
import { type Imported, readSources, type Source, type Written } from './source.ts'

/**
 * Reads files of OpenSLO, Sloth and Pyrra, each recognised by what it says of itself, and checks what came of them as
 * callsight.yaml would be.
 *
 * @param window of objectives whose file does not say it
 */
export function importFiles(files: readonly string[], window: string): Imported {
  const sources: Source[] = []
  const faults: Fault[] = []
  for (const file of files) {
    const read = readSources(file)
    sources.push(...read.sources)
    faults.push(...read.faults)
  }
  const found: Imported[] = [readOpenSlo(sources.filter(isOpenSlo))]
  for (const source of sources.filter((source) => !isOpenSlo(source))) {
    if (isSloth(source)) found.push(readSloth(source, window))
    else if (isPyrra(source)) found.push(readPyrra(source))
    else {
      const what = 'is neither OpenSLO, Sloth nor Pyrra'
      const remedy = 'it needs apiVersion: openslo/v1, version: prometheus/v1 or kind: ServiceLevelObjective'
      faults.push(source.fault({ path: [], what, remedy }))
    }
  }
  faults.push(...found.flatMap((imported) => imported.faults))
  const fine = (section: 'objectives' | 'alerts') => (entry: Written) => {
    const parsed = fileSchema.safeParse({ [section]: [entry.value] })
    for (const { path, what, remedy } of parsed.success ? [] : problemsOf(parsed.error)) {
      faults.push(entry.source.fault({ path: entry.path, what: `${pathText(path.slice(2))}: ${what}`, remedy }))
    }
    return parsed.success
  }
  return {
    objectives: found.flatMap(({ objectives }) => objectives).filter(fine('objectives')),
    alerts: found.flatMap(({ alerts }) => alerts).filter(fine('alerts')),
    faults: faults.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column),
  }
}

/** What was imported, as the sections of callsight.yaml. */
export function importedText({ objectives, alerts }: Imported): string {
  const values = (entries: readonly Written[]) => entries.map(({ value }) => value)
  return stringify({
    ...(objectives.length === 0 ? {} : { objectives: values(objectives) }),
    ...(alerts.length === 0 ? {} : { alerts: values(alerts) }),
  })
}
