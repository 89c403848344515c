import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { Inserter } from './inserter.ts'
import { Spool } from './spool.ts'

/**
 * Inserts what is in the spool of a folder that no collector has open: what the last run acknowledged and did not
 * insert, and after a kill what it may have inserted.
 *
 * @param againMs as Spool.open takes it
 * @param waitMs how long the engine is waited for
 * @returns how many segments it did not take by then; they stay in the spool
 */
export async function emptySpool(
  folder: string,
  store: Store,
  log: Logger,
  { againMs, waitMs }: { againMs?: number | undefined; waitMs: number },
): Promise<number> {
  if (!existsSync(join(folder, 'spool')) && !existsSync(join(folder, 'journal'))) return 0
  const spool = await Spool.open(folder, log, againMs)
  const inserter = new Inserter({ spool, store, log, closeOlder: () => undefined })
  try {
    const until = Date.now() + waitMs
    while (spool.closed.length > 0 && Date.now() < until) await pause(limits.settlePollMs)
  } finally {
    await inserter.stop()
  }
  // What is left may be in the engine in part: the next run finds it as after a kill.
  if (spool.closed.length === 0) await spool.markStopped()
  return spool.closed.length
}
