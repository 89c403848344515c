import { resolve } from 'node:path'
import { limits } from '../limits.ts'
import type { Source } from '../spool/file.ts'
import { quoted } from './quoted.ts'
import type { Part } from './store.ts'

/**
 * Everything that decides into which blocks an insert is cut and how they are recognised, frozen: a repetition that is
 * cut another way is not recognised, in part or at all (measured on ClickHouse 26.7).
 */
export const frozen: Record<string, number> = {
  // Asynchronous inserts (the default since 26.3) would merge blocks and lose the token.
  async_insert: 0,
  insert_deduplicate: 1,
  // The views behind a table recognise the repetition as well, each with a window of its own.
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // One reader and one writer keep the order of the file, and the small blocks of it are joined to one.
  max_threads: 1,
  max_insert_threads: 1,
  input_format_parallel_parsing: 0,
  max_block_size: 65_409,
  preferred_block_size_bytes: 0,
  max_insert_block_size: limits.insertRows,
  min_insert_block_size_rows: limits.insertRows,
  min_insert_block_size_bytes: 0,
  min_insert_block_size_rows_for_materialized_views: 0,
  min_insert_block_size_bytes_for_materialized_views: 0,
  parallel_view_processing: 0,
  // Views have added their rows together already; sorting them into fewer once more costs a seventh of an insert.
  optimize_on_insert: 0,
  min_free_disk_bytes_to_perform_insert: limits.insertFreeBytes,
  // Old rows that come late may touch a partition for each day of the longest retention.
  max_partitions_per_insert_block: limits.insertPartitions,
}
const settings = Object.entries(frozen)
  .map(([name, value]) => `${name} = ${value}`)
  .join(', ')

/**
 * An INSERT of the blocks of a file, which the engine reads itself or, where it is elsewhere, is sent as the body.
 *
 * @param source its structure has types
 */
export function insertStatement(table: string, source: Source, token: string, local: boolean, part?: Part): string {
  const columns = columnsOf(source)
  const own = `${settings}, insert_deduplication_token = ${quoted(token)}`
  const from = local ? file(source) : `input(${quoted(source.structure)})`
  const sent = local ? '' : ` FORMAT ${source.format}`
  return `INSERT INTO ${table} (${columns}) SETTINGS ${own} SELECT ${columns} FROM ${from}${partOf(part)}${sent}`
}

/** A SELECT of the rows of a file. @param source its structure has types */
export function readStatement(source: Source, part?: Part): string {
  return `SELECT ${columnsOf(source)} FROM ${file(source)}${partOf(part)} SETTINGS max_threads = 1`
}

function file({ path, format, structure }: Source): string {
  return `file(${quoted(resolve(path))}, '${format}', ${quoted(structure)})`
}

function partOf(part: Part | undefined): string {
  return part === undefined ? '' : ` LIMIT ${part.limit} OFFSET ${part.offset}`
}

/** Names of a structure, `ts DateTime64(6, 'UTC'), env String`: each stands at its start or behind a comma outside of brackets. */
function columnsOf({ structure }: Source): string {
  const names: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= structure.length; at++) {
    const sign = structure[at]
    if (sign === '(') depth++
    else if (sign === ')') depth--
    else if (sign === undefined || (sign === ',' && depth === 0)) {
      names.push(structure.slice(start, at).trim().split(/\s/, 1)[0]!)
      start = at + 1
    }
  }
  return names.join(', ')
}
