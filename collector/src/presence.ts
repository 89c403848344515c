import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The collector that has a data folder. */
export interface Presence {
  pid: number
  /** Since when, RFC 3339. */
  startedAt: string
  /** Where its listeners are: `otlp`, `web` …, each with its URL. */
  listeners: Readonly<Record<string, string>>
}

const file = (folder: string) => join(folder, 'collector.json')

/**
 * Writes `collector.json` into the data folder: which process has it and where that answers, for commands on this
 * machine that need what only it can tell.
 *
 * @throws ErrnoException
 */
export function announce(folder: string, listeners: Presence['listeners']): void {
  const part = `${file(folder)}.part`
  const text = JSON.stringify({ pid: process.pid, started_at: new Date().toISOString(), ...listeners })
  writeFileSync(part, `${text}\n`)
  renameSync(part, file(folder))
}

/** Takes it away again, unless another collector has written its own meanwhile. */
export function withdraw(folder: string): void {
  if (presence(folder)?.pid !== process.pid) return
  try {
    unlinkSync(file(folder))
  } catch {
    // The folder is gone: so is the file.
  }
}

/** The collector that has this folder; undefined when none runs. One that was killed leaves a file and no process. */
export function presence(folder: string): Presence | undefined {
  try {
    const { pid, started_at, ...rest } = JSON.parse(readFileSync(file(folder), 'utf8')) as Record<string, unknown>
    if (typeof pid !== 'number' || !isAlive(pid)) return undefined
    const listeners = Object.fromEntries(Object.entries(rest).map(([name, url]) => [name, String(url)]))
    return { pid, startedAt: String(started_at), listeners }
  } catch {
    // No file, or half of one.
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process lives, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
