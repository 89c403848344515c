import { readFileSync, statSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '../limits.ts'

/** A request that is stored, by the key that recognises it, and when it was taken, in milliseconds since 1970. */
export type Known = [key: string, at: number]

/**
 * The requests whose rows are in the engine, for as long as a sender may send one again: one line for each, epoch
 * milliseconds and key, in `ledger` and the one before it, `ledger.old`. A segment leaves the spool only after its keys
 * are here, so that at any moment one of the two knows a request.
 */
export class Ledger {
  readonly #folder: string
  #since: number

  constructor(folder: string) {
    this.#folder = folder
    try {
      this.#since = statSync(join(folder, 'ledger')).birthtimeMs
    } catch {
      this.#since = Date.now()
    }
  }

  /** Requests stored lately, the oldest first. */
  read(): Known[] {
    const known: Known[] = []
    for (const name of ['ledger.old', 'ledger']) {
      let text = ''
      try {
        text = readFileSync(join(this.#folder, name), 'utf8')
      } catch {
        // Not there yet.
      }
      // The last line may have been cut off.
      for (const [, at, key] of text.matchAll(/^(\d{13}) (\S+)\n/gm)) known.push([key!, Number(at)])
    }
    return lately(known)
  }

  /** Durable when it resolves. @throws ErrnoException, ENOSPC for instance */
  async append(known: readonly Known[]): Promise<void> {
    const lines = lately(known).map(([key, at]) => `${at} ${key}\n`)
    if (lines.length === 0) return
    const path = join(this.#folder, 'ledger')
    if (Date.now() - this.#since > limits.resendMs) {
      this.#since = Date.now()
      await rename(path, join(this.#folder, 'ledger.old')).catch(() => {})
    }
    const file = await open(path, 'a')
    try {
      // A line that a full disk cut off ends here, and takes no other with it.
      await file.write(`\n${lines.join('')}`)
      await file.datasync()
    } finally {
      await file.close()
    }
  }
}

/** What a sender may still send again, in the order of time. */
export function lately(known: readonly Known[]): Known[] {
  const oldest = Date.now() - limits.resendMs
  return known
    .filter(([, at]) => at > oldest)
    .sort((a, b) => a[1] - b[1])
    .slice(-limits.resendBodies)
}
