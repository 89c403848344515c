import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '../limits.ts'
import type { SpoolState } from '../spool/spool.ts'
import type { SpoolBounds } from '../web/health.ts'
import { bytesText, type Check } from './check.ts'

type Waiting = Pick<SpoolState, 'bytes' | 'segments' | 'oldestMs'>

/**
 * What waits for the engine, and what it refused for good.
 *
 * @param data the data folder
 * @param state of the running collector; without one the files are looked at
 */
export function spoolChecks(data: string, bounds: SpoolBounds, state?: SpoolState): Check[] {
  const { bytes, segments, oldestMs } = state ?? waitingIn(join(data, 'spool'))
  const used = Math.max(bytes / bounds.bytes, oldestMs / bounds.ageMs)
  const found =
    segments === 0
      ? 'nothing waits'
      : `${segments} segments with ${bytesText(bytes)} wait, the oldest for ${Math.round(oldestMs / 1000)} s (${Math.ceil(used * 100)} % of the bound)`
  const checks: Check[] = [{ name: 'spool', status: 'ok', found }]
  if (state?.writable === false) {
    const remedy = 'Make room on its disk; until then senders get 503 and keep what they have'
    checks.push({ name: 'spool', status: 'fail', found: 'it cannot be written', remedy })
  }
  if (used > limits.spoolShare) {
    const remedy = 'See why ClickHouse does not take them; when the spool is full senders get 429'
    checks[0] = { name: 'spool', status: 'fail', found, remedy }
  }
  return [...checks, ...deadLetterChecks(join(data, 'spool', 'dead-letter'))]
}

/** Segments are named by the millisecond in which they were begun. */
function waitingIn(folder: string): Waiting {
  const names = namesIn(folder).filter((name) => /^\d{13}-.*\.(segment|open-\w+)$/.test(name))
  const begun = names.map((name) => Number(name.slice(0, 13)))
  return {
    bytes: names.reduce((sum, name) => sum + sizeOf(join(folder, name)), 0),
    segments: names.length,
    oldestMs: names.length === 0 ? 0 : Math.max(Date.now() - Math.min(...begun), 0),
  }
}

function deadLetterChecks(folder: string): Check[] {
  const reasons = namesIn(folder).filter((name) => name.endsWith('.reason'))
  if (reasons.length === 0) return [{ name: 'dead letters', status: 'ok', found: 'none' }]
  const words = new Set(reasons.slice(-limits.deadLettersShown).map((name) => reasonIn(join(folder, name))))
  return [
    {
      name: 'dead letters',
      status: 'warn',
      found: `${reasons.length} files of rows that ClickHouse refused; the newest: ${[...words].join(' | ')}`,
      remedy: `They lie in ${folder}, each with its reason; they are not counted anywhere`,
    },
  ]
}

/** What the file holds, in its first line, and what the engine said, in its last. */
function reasonIn(path: string): string {
  try {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const [what, why] = [lines[0]!.split(',', 1)[0]!, lines.at(-1)!.slice(0, 200)]
    return lines.length === 1 ? why : `${what}: ${why}`
  } catch {
    return 'a reason that cannot be read'
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    // Not there: nothing has ever been put there.
    return []
  }
}

/** A segment may be inserted, and gone, while it is looked at. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
