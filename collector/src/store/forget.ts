import { setTimeout as pause } from 'node:timers/promises'
import { limits } from '../limits.ts'
import { quoted } from './quoted.ts'
import type { Row, Store } from './store.ts'
import { dataTables } from './tables.ts'

/** Rows removed, by table. */
export type Forgotten = Record<string, number>

/** Tables without a column for the consumer that know one all the same, and how. `{c}` stands for the consumer. */
const otherwise: Record<string, string> = {
  // What happened inside the consumer's calls.
  spans: 'trace_id IN (SELECT trace_id FROM calls WHERE consumer = {c})',
  logs: "trace_id != '' AND trace_id IN (SELECT trace_id FROM calls WHERE consumer = {c})",
  alert_events: "labels['consumer'] = {c}",
}

/** Tables whose rows stay, since other rows depend on them, and are only emptied of whom they name. */
const emptied: Record<string, { condition: string; set: string }> = {
  // A notice that is gone would be made again for those that it also was about.
  alert_notices: { condition: 'has(consumers, {c})', set: "text = '', consumers = []" },
}

/**
 * Removes everything that is stored about a consumer: calls, payloads, the inside of its calls, its share of the
 * roll-ups, its states. Rows are rewritten away, not only hidden; it returns when none is left.
 *
 * What stays are sums without a name: `operations_1m` and `operations_15m` go on counting its calls among all others of
 * an operation, and so do the days of `instance_calls`.
 *
 * Calls that arrive later are stored again: an application that goes on naming the consumer brings it back.
 *
 * @param consumer its id, as in the column `consumer`
 * @throws Error when the engine gives up on one of the tables; what was removed by then stays removed
 */
export async function forgetConsumer(store: Store, consumer: string): Promise<Forgotten> {
  if (consumer === '') throw new Error('calls without a consumer are nobody’s: give an id')
  const forgotten: Forgotten = {}
  const tables = await dataTables(store)
  // The calls come last: by them the rows of other tables are found.
  const last = (name: string) => (name === 'calls' ? 1 : 0)
  for (const { name, columns } of tables.sort((a, b) => last(a.name) - last(b.name))) {
    const condition = columns.includes('consumer') ? 'consumer = {c}' : (otherwise[name] ?? emptied[name]?.condition)
    if (condition === undefined) continue
    const rows = await count(store, name, condition, consumer)
    if (rows === 0) continue
    // A mutation cannot take parameters: the engine keeps its text and runs it later.
    const change = emptied[name] === undefined ? 'DELETE' : `UPDATE ${emptied[name].set}`
    await store.command(`ALTER TABLE ${name} ${change} WHERE ${condition.replaceAll('{c}', quoted(consumer))}`)
    await finished(store, name)
    forgotten[name] = rows
  }
  return forgotten
}

async function count(store: Store, table: string, condition: string, consumer: string): Promise<number> {
  const sql = `SELECT count() AS n FROM ${table} WHERE ${condition.replaceAll('{c}', '{consumer:String}')}`
  const [row] = await store.query<{ n: string | number }>(sql, { consumer })
  return Number(row?.n ?? 0)
}

/** Mutations are waited for here and not in the engine, where they would keep inserts waiting. */
async function finished(store: Store, table: string): Promise<void> {
  for (;;) {
    const open = await store.query<Row & { latest_fail_reason: string }>(
      `SELECT latest_fail_reason FROM system.mutations
       WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done`,
      { table },
    )
    if (open.length === 0) return
    const failed = open.find(({ latest_fail_reason }) => latest_fail_reason !== '')
    if (failed !== undefined) throw new Error(`ClickHouse cannot rewrite ${table}: ${failed.latest_fail_reason}`)
    await pause(limits.mutationPollMs)
  }
}
