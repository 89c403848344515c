import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { appendFile, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '../limits.ts'
import type { Batch } from './writer.ts'

/** What one request brought, under the key that recognises it when it is sent again. */
export interface Entry {
  key: string
  batch: Batch
}

/** A block that was begun and, for all one knows, not finished. */
export interface Unfinished {
  id: string
  entries: Entry[]
}

/**
 * Remembers over a crash which block was on its way to the engine and which requests are in it for good.
 *
 * A block is written here and synced before its insert, under the id that makes the insert's tokens. When all is
 * inserted the keys of its requests go to a ledger, and then, not before, its file goes away. After a kill at any
 * moment the next start inserts what is left once more, which the tokens make harmless, and knows every request that is
 * stored: a sender that lost its answer and sends again is not counted again.
 *
 *     1795219200123-<uuid>.block   one JSON line for each request: {"key":…,"batch":{"calls":[…]}}
 *     ledger, ledger.old           one line for each stored request: epoch milliseconds and key
 */
export class Journal {
  readonly #folder: string
  #ledgerSince = Date.now()

  /** @throws Error when the folder cannot be made */
  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** Blocks to insert again, the oldest first. A file that cannot be read is set aside and told of. */
  unfinished(tell: (file: string, reason: string) => void): Unfinished[] {
    const blocks: Unfinished[] = []
    for (const name of readdirSync(this.#folder).sort()) {
      const path = join(this.#folder, name)
      // Cut off before its rename: nothing of it was ever inserted.
      if (name.endsWith('.part')) rmSync(path)
      if (!name.endsWith('.block')) continue
      try {
        const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
        blocks.push({ id: name.slice(0, -'.block'.length), entries: lines.map((line) => JSON.parse(line) as Entry) })
      } catch (error) {
        renameSync(path, `${path}.unreadable`)
        tell(`${path}.unreadable`, error instanceof Error ? error.message : String(error))
      }
    }
    return blocks
  }

  /** Keys of requests stored lately, with the time they were, the oldest first. */
  stored(): [key: string, at: number][] {
    const keys: [string, number][] = []
    for (const name of ['ledger.old', 'ledger']) {
      let text = ''
      try {
        text = readFileSync(join(this.#folder, name), 'utf8')
        if (name === 'ledger') this.#ledgerSince = statSync(join(this.#folder, name)).birthtimeMs
      } catch {
        // Not there yet.
      }
      // The last line may have been cut off.
      for (const [, at, key] of text.matchAll(/^(\d{13}) (\S+)\n/gm)) keys.push([key!, Number(at)])
    }
    const oldest = Date.now() - limits.resendMs
    return keys.filter(([, at]) => at > oldest).slice(-limits.resendBodies)
  }

  /** Writes a block down, durable when this resolves. @throws ErrnoException, ENOSPC for instance */
  async begin({ id, entries }: Unfinished): Promise<void> {
    const path = join(this.#folder, `${id}.block`)
    try {
      const file = await open(`${path}.part`, 'w')
      try {
        for (const { key, batch } of entries) await file.write(`${JSON.stringify({ key, batch })}\n`)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(`${path}.part`, path)
      // The name is durable with its folder.
      const folder = await open(this.#folder)
      await folder.sync().finally(() => folder.close())
    } catch (error) {
      // Its senders will be told to come again, so nothing of it may come back at the next start.
      for (const name of [`${path}.part`, path]) await unlink(name).catch(() => {})
      throw error
    }
  }

  /** All of a block is stored: its requests are known from now on, and its file is not needed any more. */
  async finish({ id, entries }: Unfinished): Promise<void> {
    const now = Date.now()
    const ledger = join(this.#folder, 'ledger')
    if (now - this.#ledgerSince > limits.resendMs) {
      this.#ledgerSince = now
      await rename(ledger, join(this.#folder, 'ledger.old')).catch(() => {})
    }
    await appendFile(ledger, entries.map(({ key }) => `${now} ${key}\n`).join(''))
    await unlink(join(this.#folder, `${id}.block`)).catch(() => {})
  }
}
