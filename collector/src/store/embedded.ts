import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { Session } from 'chdb'
import { createChdbConnection } from 'chdb/connection'
import { limits } from '../limits.ts'
import type { Lanes } from './store.ts'

/** Memory this process can have: the machine's, or what its container was given. */
export function memoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

/**
 * Opens the engine inside this process, with its data in a folder that is made when it is missing. One session runs
 * one statement at a time, so each lane has its own, and
 * pages have a few.
 */
export async function openEmbedded(folder: string): Promise<Lanes> {
  const path = resolve(folder)
  mkdirSync(path, { recursive: true })
  // The first session of a process starts the engine and is the only one whose arguments count.
  let engine: Session
  try {
    engine = new Session(path, {
      connectionArgs: [
        `--config-file=${syncedInserts(path)}`,
        `--max_server_memory_usage=${Math.floor(memoryBytes() * limits.engineMemoryShare)}`,
        `--mark_cache_size=${limits.engineMarkCacheBytes}`,
        // Without one the engine writes no backups at all; which file it is, is decided in backup.ts.
        '--backups.allowed_path=/',
      ],
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(
      `cannot open the embedded store in ${path}: ${reason}\nIs another collector using this folder? Stop it, or choose another folder with --data DIR.`,
    )
  }
  const open = async (settings = '') => {
    // The connection speaks an older copy of the client's own types.
    const client = createClient({
      connection: createChdbConnection({ path }) as never,
      log: { level: ClickHouseLogLevel.OFF },
    })
    await client.command({ query: 'USE callsight' })
    if (settings !== '') await client.command({ query: `SET ${settings}` })
    return client
  }
  const bootstrap = createClient({
    connection: createChdbConnection({ path }) as never,
    log: { level: ClickHouseLogLevel.OFF },
  })
  await bootstrap.command({ query: 'CREATE DATABASE IF NOT EXISTS callsight ENGINE = Atomic' })
  await bootstrap.close()

  const pools = {
    write: new Pool(1, () => open()),
    // Alerts and standings, which do not wait for each other.
    judge: new Pool(2, () => open()),
    pages: new Pool(limits.engineQuestions, () =>
      open(`max_execution_time = ${limits.questionSeconds}, max_result_rows = ${limits.questionRows}, readonly = 2`),
    ),
  }
  return {
    place: `embedded:${path}`,
    local: true,
    write: (use) => pools.write.lend(use),
    judge: (use) => pools.judge.lend(use),
    pages: (use) => pools.pages.lend(use),
    async close() {
      await Promise.all(Object.values(pools).map((pool) => pool.close()))
      engine.close()
    },
  }
}

/**
 * A configuration that has every insert synced, data and folder, before it is recognised as done: after a power failure
 * the engine could otherwise remember a block whose rows it has lost. Merges need none of it: what was merged stays for
 * minutes.
 */
function syncedInserts(folder: string): string {
  const path = join(folder, 'engine.xml')
  const text =
    '<clickhouse><merge_tree><fsync_after_insert>1</fsync_after_insert><fsync_part_directory>1</fsync_part_directory></merge_tree></clickhouse>\n'
  // A disk that is full must not keep a collector from its start.
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
  return path
}

/**
 * A few sessions, each lent to one statement at a time. A session whose statement failed is thrown away: the engine
 * would hand rows that the failed statement had already produced to the next one (seen in chdb 3.4).
 */
class Pool {
  readonly #size: number
  readonly #open: () => Promise<ClickHouseClient>
  readonly #idle: ClickHouseClient[] = []
  readonly #waiting: (() => void)[] = []
  #lent = 0
  #closed = false

  constructor(size: number, open: () => Promise<ClickHouseClient>) {
    this.#size = size
    this.#open = open
  }

  async lend<T>(use: (client: ClickHouseClient) => Promise<T>): Promise<T> {
    while (this.#lent >= this.#size) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#closed) throw new Error('the store is closed')
    this.#lent++
    let client: ClickHouseClient | undefined
    try {
      client = this.#idle.pop() ?? (await this.#open())
      const result = await use(client)
      this.#idle.push(client)
      return result
    } catch (error) {
      await client?.close()
      throw error
    } finally {
      this.#lent--
      this.#waiting.shift()?.()
    }
  }

  /** Waits for the statements under way, then closes every session. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#lent > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await Promise.all(this.#idle.splice(0).map((client) => client.close()))
    // Whoever still waits learns that the store is closed.
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
