import { withoutSecrets } from '../log.ts'

export type Status = 'ok' | 'warn' | 'fail'

/** One thing that a doctor looked at. */
export interface Check {
  name: string
  status: Status
  /** What was found, in words and figures. */
  found: string
  /** What to do about it; nothing when all is well. */
  remedy?: string
}

/** Runs one check. What it throws is a finding as well. */
export async function guarded(name: string, check: () => Check[] | Promise<Check[]>): Promise<Check[]> {
  try {
    return await check()
  } catch (error) {
    const [found, ...rest] = withoutSecrets(error instanceof Error ? error.message : String(error)).split('\n')
    return [{ name, status: 'fail', found: found!, ...(rest.length === 0 ? {} : { remedy: rest.join(' ') }) }]
  }
}

/** The worst of them. */
export function statusOf(checks: readonly Check[]): Status {
  const all = checks.map(({ status }) => status)
  return all.includes('fail') ? 'fail' : all.includes('warn') ? 'warn' : 'ok'
}

const shown: Record<Status, string> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' }

/** A line for each check, its remedy below it, and a line that sums up. */
export function checksText(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const indent = ' '.repeat(width + 8)
  const lines = checks.flatMap(({ name, status, found, remedy }) => [
    `${shown[status]}  ${name.padEnd(width)}  ${found}`,
    ...(remedy === undefined ? [] : [`${indent}→ ${remedy}`]),
  ])
  const count = (status: Status) => checks.filter((check) => check.status === status).length
  return `${lines.join('\n')}\n${checks.length} checks: ${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed\n`
}

/** `1.5 GiB` */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(Math.max(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 0), units.length - 1)
  return `${Number((bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1))} ${units[power]}`
}
