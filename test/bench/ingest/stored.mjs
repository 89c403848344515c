import { createRequire } from 'node:module'

/*
 * What a stopped collector has left in its embedded store: counts and sizes, asked of the engine itself.
 */

const rollups = ['calls_1m', 'calls_15m', 'operations_1m', 'operations_15m', 'consumers_15m', 'consumers_1d']

const counts = `
  SELECT
    (SELECT count() FROM calls) AS raw,
    (SELECT uniqExact(trace_id, span_id) FROM calls) AS distinct,
    ${rollups
      .flatMap((table) => [
        `(SELECT sum(calls) FROM ${table}) AS ${table}`,
        `(SELECT sum(arraySum(mapValues(hist))) FROM ${table}) AS ${table}_hist`,
      ])
      .join(',\n    ')}`

const sizes = `
  SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts
  FROM system.parts WHERE active AND database = 'callsight' GROUP BY table HAVING rows > 0 ORDER BY bytes DESC`

const columns = `
  SELECT column, sum(column_data_compressed_bytes) AS bytes
  FROM system.parts_columns WHERE active AND database = 'callsight' AND table = 'calls'
  GROUP BY column ORDER BY bytes DESC LIMIT 12`

/** `{ counts, found, merged, columns }`: sizes by table as the collector left them, and after the last merge. */
export function readStore(folder) {
  const { Session } = createRequire(import.meta.url)('chdb')
  const session = new Session(folder)
  try {
    const ask = (sql) =>
      session
        .query(sql, 'JSONEachRow')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    session.query('USE callsight')
    session.query('SET output_format_json_quote_64bit_integers = 0')
    const [counted] = ask(counts)
    const found = ask(sizes)
    for (const { table } of found) session.query(`OPTIMIZE TABLE ${table} FINAL`)
    return { counts: counted, found, merged: ask(sizes), columns: ask(columns) }
  } finally {
    session.close?.()
  }
}
