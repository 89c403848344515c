import type { Store } from './store.ts'

/** A table that holds data of its own; views and what belongs to the migrations themselves are none. */
export interface DataTable {
  name: string
  /** Columns in the table's order. */
  columns: string[]
}

/** All of them, by name. */
export async function dataTables(store: Store): Promise<DataTable[]> {
  return store.query<{ name: string; columns: string[] }>(
    `SELECT t.name AS name, groupArray(c.name) AS columns
     FROM system.tables AS t
     INNER JOIN (SELECT table, name, position FROM system.columns
       WHERE database = currentDatabase() AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY table, position) AS c
       ON c.table = t.name
     WHERE t.database = currentDatabase() AND t.engine LIKE '%MergeTree' AND t.name NOT LIKE 'migration%'
     GROUP BY name ORDER BY name`,
  )
}
