import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Tells other commands on this machine which collector has a data folder, and where it answers. */
export interface Presence {
  pid: number
  otlp: string
  web: string
  startedAt: string
}

const file = (folder: string) => join(folder, 'collector.json')

/** Writes `collector.json` into the data folder. @throws ErrnoException */
export function announce(folder: string, { pid, otlp, web, startedAt }: Presence): void {
  const part = `${file(folder)}.part`
  writeFileSync(part, `${JSON.stringify({ pid, otlp, web, started_at: startedAt })}\n`)
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
    const { pid, otlp, web, started_at } = JSON.parse(readFileSync(file(folder), 'utf8')) as Record<string, unknown>
    if (typeof pid !== 'number' || typeof otlp !== 'string' || typeof web !== 'string') return undefined
    return isAlive(pid) ? { pid, otlp, web, startedAt: String(started_at) } : undefined
  } catch {
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
