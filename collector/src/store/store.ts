import { createReadStream } from 'node:fs'
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client'
import { ClickHouseError } from '@clickhouse/client'
import { limits } from '../limits.ts'
import type { WrittenTable } from '../spool/block.ts'
import type { Source } from '../spool/file.ts'
import { openEmbedded } from './embedded.ts'
import { insertStatement, readStatement } from './insert.ts'
import { quoted } from './quoted.ts'
import { openServer } from './server.ts'

/** A row as JSON: keys are column names. Times are written `2026-11-21 10:00:00.123456`, UTC. */
export type Row = Record<string, unknown>

/** An answer by columns, as panels want it. */
export interface Answer {
  columns: { name: string; type: string }[]
  rows: unknown[][]
}

/** Rows of a file. */
export interface Part {
  limit: number
  offset: number
}

/**
 * ClickHouse, wherever it runs. Three lanes that do not wait for each other: writing, judging, and answering pages.
 */
export interface Store {
  /** What was opened, for messages, without a password. */
  readonly place: string
  /** Runs a statement without a result, such as DDL. */
  command(sql: string): Promise<void>
  /**
   * Inserts the rows as one block. The token must be unique to this content: a second insert with the same token is
   * recognised and dropped, in the table and in every view behind it, so a failed insert may be repeated blindly.
   */
  insert(table: string, rows: readonly Row[], token: string): Promise<void>
  /**
   * Inserts blocks of a file as one block of the table. The same file under the same token may be repeated blindly.
   *
   * @param part only these rows, in the order of the file
   */
  insertBlocks(table: WrittenTable, source: Source, token: string, part?: Part): Promise<void>
  /** Rows of a file as lines of JSON, as the engine reads them; undefined where it cannot reach the file. */
  readBlocks(table: WrittenTable, source: Source, part?: Part): Promise<string | undefined>
  /** Fills an empty table from a file in the Native format; it is not recognised when it is done twice. */
  load(table: string, columns: readonly string[], path: string): Promise<void>
  /** Lets the engine merge, or stops it, without waiting for an insert that is under way. */
  merge(run: boolean): Promise<void>
  /** Asks for the judge; values go in as bound parameters, `{name:Type}` in the text. */
  query<T extends Row = Row>(sql: string, params?: Row): Promise<T[]>
  /** Asks for a page: read-only, bounded in time and rows. */
  ask<T extends Row = Row>(sql: string, params?: Row): Promise<T[]>
  /** The same, by columns and with their types. */
  askColumns(sql: string, params?: Row): Promise<Answer>
  close(): Promise<void>
}

/** Lends a client for one statement. */
export type Lane = <T>(use: (client: ClickHouseClient) => Promise<T>) => Promise<T>

/** The three lanes of an engine. */
export interface Lanes {
  place: string
  /** The engine reads files of this machine; otherwise they are sent to it. */
  local: boolean
  write: Lane
  judge: Lane
  pages: Lane
  close(): Promise<void>
}

/** What a collector keeps on its disk without being told where. */
export const usualFolder = './callsight-data'

/** The folder of an embedded store; undefined when the URL is a server's. */
export function embeddedFolder(url: string): string | undefined {
  return url.startsWith('embedded:') ? url.slice('embedded:'.length) || usualFolder : undefined
}

/**
 * Opens the store.
 *
 * @param url `embedded:DIR` for the engine inside this process with its data in DIR, or the http(s) URL of a
 *   ClickHouse server, `https://user:password@host:8443/database` (database `callsight` when the path is empty)
 * @throws Error that says what could not be opened and what to do
 */
export async function openStore(url: string): Promise<Store> {
  const folder = embeddedFolder(url)
  const lanes = folder === undefined ? await openServer(url) : await openEmbedded(folder)
  return new ClickHouseStore(lanes)
}

/** True when the engine refused the data or the statement itself, so that asking again cannot help. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof ClickHouseError)) return false
  // Memory limit, timeout, too many parts or queries, read-only table, no space, aborted, network, Keeper: these pass.
  const passing = new Set(['241', '159', '252', '202', '242', '243', '236', '209', '210', '999', '394', '319', '164'])
  return !passing.has(error.code)
}

class ClickHouseStore implements Store {
  readonly place: string
  readonly #lanes: Lanes
  /** Types of the columns of each table. */
  readonly #types = new Map<string, Promise<Map<string, string>>>()

  constructor(lanes: Lanes) {
    this.place = lanes.place
    this.#lanes = lanes
  }

  command(sql: string): Promise<void> {
    return this.#lanes.write(async (client) => {
      await client.command({ query: sql })
    })
  }

  async insert(table: string, rows: readonly Row[], token: string): Promise<void> {
    if (rows.length === 0) return
    await this.#lanes.write((client) =>
      client.insert({
        table,
        values: rows,
        format: 'JSONEachRow',
        clickhouse_settings: {
          // Asynchronous inserts (the default since 26.3) would merge blocks and lose the token.
          async_insert: 0,
          insert_deduplication_token: token,
          deduplicate_blocks_in_dependent_materialized_views: 1,
          input_format_parallel_parsing: 0,
          min_free_disk_bytes_to_perform_insert: String(limits.insertFreeBytes),
        },
      }),
    )
  }

  async insertBlocks(table: WrittenTable, source: Source, token: string, part?: Part): Promise<void> {
    const typed = { ...source, structure: await this.#typed(table, source) }
    const { local } = this.#lanes
    const query = insertStatement(table, typed, token, local, part)
    await this.#lanes.write(async (client) => {
      if (local) await client.command({ query })
      else await send(client, query, source.path)
    })
  }

  async readBlocks(table: WrittenTable, source: Source, part?: Part): Promise<string | undefined> {
    if (!this.#lanes.local) return undefined
    const query = readStatement({ ...source, structure: await this.#typed(table, source) }, part)
    return this.#lanes.write(async (client) => {
      const answer = await client.query({ query, format: 'JSONEachRow' })
      return answer.text()
    })
  }

  /** Columns with their types; those of JSON have the table's. */
  async #typed(table: WrittenTable, { format, structure }: Source): Promise<string> {
    if (format === 'Native') return structure
    let types = this.#types.get(table)
    if (types === undefined) {
      types = this.query<{ name: string; type: string }>(
        'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}',
        { table },
      ).then((rows) => new Map(rows.map(({ name, type }) => [name, type])))
      this.#types.set(table, types)
      types.catch(() => this.#types.delete(table))
    }
    const known = await types
    // A column that the table does not have is refused by the engine, with its name.
    return structure
      .split(', ')
      .map((name) => `${name} ${known.get(name) ?? 'String'}`)
      .join(', ')
  }

  load(table: string, columns: readonly string[], path: string): Promise<void> {
    const list = columns.join(', ')
    return this.#lanes.write(async (client) => {
      // Rows as they are, so that they can be counted.
      const clickhouse_settings = { insert_deduplicate: 0, async_insert: 0, optimize_on_insert: 0 } as const
      if (this.#lanes.local) {
        const query = `INSERT INTO ${table} (${list}) SELECT ${list} FROM file(${quoted(path)}, 'Native')`
        await client.command({ query, clickhouse_settings })
      } else await send(client, `INSERT INTO ${table} (${list}) FORMAT Native`, path, clickhouse_settings)
    })
  }

  merge(run: boolean): Promise<void> {
    return this.#lanes.judge(async (client) => {
      await client.command({ query: run ? 'SYSTEM START MERGES' : 'SYSTEM STOP MERGES' })
    })
  }

  query<T extends Row>(sql: string, params: Row = {}): Promise<T[]> {
    return this.#lanes.judge((client) => rowsOf<T>(client, sql, params))
  }

  ask<T extends Row>(sql: string, params: Row = {}): Promise<T[]> {
    return this.#lanes.pages((client) => rowsOf<T>(client, sql, params))
  }

  askColumns(sql: string, params: Row = {}): Promise<Answer> {
    return this.#lanes.pages(async (client) => {
      const answer = await client.query({ query: sql, format: 'JSONCompact', query_params: params })
      const { meta = [], data } = await answer.json<unknown[]>()
      return { columns: meta, rows: data }
    })
  }

  close(): Promise<void> {
    return this.#lanes.close()
  }
}

async function rowsOf<T extends Row>(client: ClickHouseClient, sql: string, params: Row): Promise<T[]> {
  const answer = await client.query({ query: sql, format: 'JSONEachRow', query_params: params })
  return answer.json<T>()
}

/** Sends a file as the body of an INSERT. */
async function send(
  client: ClickHouseClient,
  query: string,
  path: string,
  more: ClickHouseSettings = {},
): Promise<void> {
  // Errors come with the status, not behind an answer that was already begun.
  const clickhouse_settings = { ...more, wait_end_of_query: 1 } as const
  const { stream } = await client.exec({ query, values: createReadStream(path), clickhouse_settings })
  for await (const _ of stream) {
    // The connection is free when the answer is read.
  }
}
