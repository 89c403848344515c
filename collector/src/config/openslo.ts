import { dirname, resolve } from 'node:path'
import { isOpenSlo, readOpenSlo } from '../exchange/openslo.ts'
import { readSources, type Written } from '../exchange/source.ts'
import { type Fault, type Problem, pathText } from './fault.ts'
import { listOf, mapOf } from './part.ts'

interface Whole {
  readonly value: unknown
  /** What is wrong with the OpenSLO files themselves. */
  readonly faults: readonly Fault[]
  /** The place in its OpenSLO file of a problem with what came from there; undefined for any other problem. */
  faultOf(problem: Problem): Fault | undefined
}

/**
 * The file as if what its OpenSLO files say stood in it, behind its own objectives and alerts.
 *
 * @param value callsight.yaml as parsed; where `openslo`, `objectives` or `alerts` are not lists it stays as it is
 * @param file callsight.yaml, from whose folder the paths start
 */
export function withOpenSlo(value: unknown, file: string): Whole {
  const root = mapOf(value)
  const paths = listOf(root.openslo).map((path) => (typeof path === 'string' ? resolve(dirname(file), path) : path))
  const read = paths.filter((path) => typeof path === 'string').map((path) => readSources(path))
  const sources = read.flatMap(({ sources }) => sources)
  const strangers = sources
    .filter((source) => !isOpenSlo(source))
    .map((source) => {
      return source.fault({
        path: [],
        what: 'is not OpenSLO',
        remedy: 'write apiVersion: openslo/v1, or import the file with "callsight objective import"',
      })
    })
  const { objectives, alerts, faults } = readOpenSlo(sources.filter(isOpenSlo))
  const own = { objectives: listOf(root.objectives), alerts: listOf(root.alerts) }
  const faultOf = (problem: Problem): Fault | undefined => {
    const [section, index, ...rest] = problem.path
    if ((section !== 'objectives' && section !== 'alerts') || typeof index !== 'number') return undefined
    const entry: Written | undefined = { objectives, alerts }[section][index - own[section].length]
    return entry?.source.fault({ ...problem, path: entry.path, what: `${pathText(rest)}: ${problem.what}` })
  }
  const values = (entries: readonly Written[]) => entries.map(({ value }) => value)
  const merged = {
    ...root,
    openslo: paths,
    objectives: [...own.objectives, ...values(objectives)],
    alerts: [...own.alerts, ...values(alerts)],
  }
  const whole = Array.isArray(root.objectives ?? []) && Array.isArray(root.alerts ?? [])
  return {
    value: paths.length > 0 && whole ? merged : value,
    faults: [...read.flatMap(({ faults }) => faults), ...strangers, ...faults],
    faultOf,
  }
}
