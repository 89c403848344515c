/** Tables that requests bring rows for, in the order they are inserted: `calls`, which is counted, comes last. */
export const writtenTables = [
  'consumers',
  'agent_reports',
  'runtime_metrics',
  'logs',
  'spans',
  'payloads',
  'upstream_limits',
  'calls',
] as const
export type WrittenTable = (typeof writtenTables)[number]

export type BlockFormat = 'Native' | 'JSONEachRow'

/** Rows of one table, as ClickHouse reads them. */
export interface Block {
  table: WrittenTable
  format: BlockFormat
  rows: number
  bytes: Buffer
  /**
   * Columns of the block: names with types, `ts DateTime64(6), env String`, for Native; names alone, whose types are the
   * table's, for JSONEachRow. It travels with the block, since a later version may find it in the spool.
   */
  structure: string
}
