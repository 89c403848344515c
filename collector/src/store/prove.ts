import { tmpdir } from 'node:os'
import type { Logger } from 'pino'
import { metrics } from '../metrics.ts'
import { frozen } from './insert.ts'
import { isRefusal, type Row, type Store } from './store.ts'
import { trial } from './trial.ts'
import { insertByFile } from './trialblock.ts'
import { namesOfOurTables, type StoredTable, tablesOf, windowFindings } from './window.ts'

/** Something by which an insert that is repeated could count twice. */
export interface Finding {
  /** Table, setting or step that it is about. */
  readonly subject: string
  /** `broken`: exactly-once does not hold. `doubtful`: ours holds, a table of somebody else may count twice. */
  readonly level: 'broken' | 'doubtful'
  readonly what: string
  readonly remedy: string
}

/** How the collector inserts: rows as one block, under a token. */
export type Insert = (table: string, rows: readonly Row[], token: string) => Promise<void>

/**
 * Proves on the connected engine that an insert which is repeated counts once, in the table and in the chain of views
 * behind it: nothing that a version, a profile or a setting promises is taken for granted. Each way to break it is
 * silent, which is why this runs at every start and not only when somebody asks. Takes some tenths of a second.
 *
 * @param insert the way of the spool; a test gives another
 * @returns nothing when all is well
 * @throws Error when the engine cannot be reached
 */
export async function prove(store: Store, insert: Insert = insertByFile(store, tmpdir())): Promise<Finding[]> {
  const settings = settingFindings(await settingsOf(store))
  const tables = await tablesOf(store)
  const windows = windowFindings(tables, namesOfOurTables())
  // With settings that an insert may not have, the trial would only say the same in the engine's words.
  if (settings.length > 0) return [...settings, ...windows]
  return [...windows, ...(await tried(store, tables, insert))]
}

/**
 * Proves it at a start, and goes on without only where the configuration accepts that.
 *
 * @param accepted `store: { exactly_once: false }`
 * @throws Error in plain words, when it does not hold and is not given up
 */
export async function proveAtStart(store: Store, accepted: boolean, log: Logger): Promise<Finding[]> {
  const begun = performance.now()
  const findings = await prove(store)
  const ms = Math.round(performance.now() - begun)
  const broken = findings.filter(({ level }) => level === 'broken')
  for (const { subject, what, remedy } of findings.filter(({ level }) => level === 'doubtful')) {
    log.warn({ subject, remedy }, `not ours, but it may count a repeated insert twice: ${what}`)
  }
  if (broken.length > 0 && !accepted) {
    throw new Error(
      `an insert that is repeated, as after a crash, would count twice in ${store.place}:\n${findingsText(broken)}\n` +
        'Repair it and start again; "callsight doctor" makes the same test.\n' +
        'To start anyway and accept double counting, write "store: { exactly_once: false }" into callsight.yaml.',
    )
  }
  metrics.exactlyOnce.set(broken.length === 0 ? 1 : 0)
  if (broken.length === 0) log.info({ ms }, 'exactly-once is proven')
  if (accepted) {
    const state = broken.length === 0 ? 'it holds here all the same' : `it does not hold:\n${findingsText(broken)}`
    log.warn(`exactly_once is given up in callsight.yaml, so calls may count twice; ${state}`)
  }
  return findings
}

/** The findings as lines for people; each with its remedy. */
export function findingsText(findings: readonly Finding[]): string {
  return findings.map(({ subject, what, remedy }) => `  ${subject}: ${what}.\n    ${remedy}.`).join('\n')
}

async function tried(store: Store, tables: readonly StoredTable[], insert: Insert): Promise<Finding[]> {
  try {
    return await trial(store, tables, insert)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return [
      {
        subject: 'self-test',
        level: 'broken',
        what: `ClickHouse refused a step of it: ${(error as Error).message.split('\n')[0]!.slice(0, 300)}`,
        remedy: `Let the user of ${store.place} create, fill, read and drop tables and views in this database`,
      },
    ]
  }
}

/** What every insert sends; a server may forbid it, or fix another value. */
const sent = Object.fromEntries(Object.entries(frozen).map(([name, value]) => [name, String(value)]))
/** What no insert sends, because it is so everywhere; a profile may say otherwise. */
const expected: Record<string, string> = { readonly: '0' }

interface Setting extends Row {
  name: string
  value: string
  min: string | null
  max: string | null
  /** 1: our user may not change it. */
  readonly: number
}

async function settingsOf(store: Store): Promise<Setting[]> {
  const names = [...Object.keys(sent), ...Object.keys(expected)]
  return store.query<Setting>(
    'SELECT name, value, min, max, readonly FROM system.settings WHERE name IN {names:Array(String)} ORDER BY name',
    { names },
  )
}

/** Source: ClickHouse docs, "Constraints on settings" and "Permissions for queries". */
export function settingFindings(settings: readonly Setting[]): Finding[] {
  return settings.flatMap(({ name, value, min, max, readonly }): Finding[] => {
    const wanted = sent[name] ?? expected[name]!
    const beyond = (min !== null && Number(wanted) < Number(min)) || (max !== null && Number(wanted) > Number(max))
    const fixed = Number(readonly) === 1 || beyond
    if (value === wanted || (name in sent && !fixed)) return []
    const remedy =
      name === 'readonly'
        ? 'Give the collector a user that may write'
        : `Set ${name} = ${wanted} in the profile of the collector's user, or drop the constraint on it`
    return [{ subject: `setting ${name}`, level: 'broken', what: `is ${value} for our user, not ${wanted}`, remedy }]
  })
}
