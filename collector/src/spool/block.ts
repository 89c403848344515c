/** Tables that a decoder writes. */
export type WrittenTable = 'calls' | 'payloads' | 'spans' | 'logs' | 'consumers' | 'agent_reports' | 'runtime_metrics'

/** Rows of one table, one Native block (for the time being JSONEachRow too, until the decoder writes Native). */
export interface Block {
  table: WrittenTable
  format: 'Native' | 'JSONEachRow'
  rows: number
  bytes: Buffer
}
