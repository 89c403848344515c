import { createReadStream } from 'node:fs'
import type { ClickHouseClient } from '@clickhouse/client'
import { ClickHouseError } from '@clickhouse/client'
import { limits } from '../limits.ts'
import { openEmbedded } from './embedded.ts'
import { openServer } from './server.ts'

/** A row as JSON: keys are column names. Times are written `2026-11-21 10:00:00.123456`, UTC. */
export type Row = Record<string, unknown>

/** An answer by columns, as panels want it. */
export interface Answer {
  columns: { name: string; type: string }[]
  rows: unknown[][]
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
  /** Fills an empty table from a file in the Native format; it is not recognised when it is done twice. */
  load(table: string, columns: readonly string[], path: string): Promise<void>
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
  /** The engine reads files of this machine. */
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
          // One request is one block, so that a repetition is recognised as the same block.
          max_insert_block_size: String(limits.queuedRows * 2),
          input_format_parallel_parsing: 0,
        },
      }),
    )
  }

  load(table: string, columns: readonly string[], path: string): Promise<void> {
    const list = columns.join(', ')
    return this.#lanes.write(async (client) => {
      // Rows as they are, so that they can be counted.
      const clickhouse_settings = { insert_deduplicate: 0, async_insert: 0, optimize_on_insert: 0 } as const
      if (this.#lanes.local) {
        const query = `INSERT INTO ${table} (${list}) SELECT ${list} FROM file(${quoted(path)}, 'Native')`
        await client.command({ query, clickhouse_settings })
      } else {
        const query = `INSERT INTO ${table} (${list}) FORMAT Native`
        const { stream } = await client.exec({ query, values: createReadStream(path), clickhouse_settings })
        stream.resume()
      }
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

/** A string literal of ClickHouse. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

async function rowsOf<T extends Row>(client: ClickHouseClient, sql: string, params: Row): Promise<T[]> {
  const answer = await client.query({ query: sql, format: 'JSONEachRow', query_params: params })
  return answer.json<T>()
}
