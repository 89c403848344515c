import type { Store } from '../../collector/src/store/store.ts'

/** Each roll-up that another table knows more of: its keys, and that table with what it calls them. */
const rollups = [
  ['operations_1m', 'minute', ['operation'], 'calls_1m', 'minute'],
  ['operations_15m', 'quarter', ['operation'], 'calls_15m', 'quarter'],
  ['consumers_15m', 'quarter', ['consumer', 'plan'], 'calls_15m', 'quarter'],
  ['consumers_1d', 'day', ['consumer', 'plan'], 'calls_15m', 'toStartOfDay(quarter)'],
] as const

/** Rows of the roll-ups that are not, key by key, the sums of the table with every detail; empty when all is exact. */
export async function differing(store: Store): Promise<string[]> {
  const differences: string[] = []
  for (const [table, time, own, source, at] of rollups) {
    const keys = ['direction', 'env', 'service', ...own, 'outcome']
    const under = table.startsWith('operations') ? ', toString(mapSort(sumMap(t.under)))' : ''
    const sums = (from: string, when: string) =>
      `SELECT ${when} AS at, ${keys.join(', ')}, sum(t.calls), toString(mapSort(sumMap(t.hist)))${under}
       FROM ${from} AS t GROUP BY at, ${keys.join(', ')}`
    const [row] = await store.query<{ more: number; fewer: number }>(
      `SELECT (SELECT count() FROM (${sums(table, time)} EXCEPT ${sums(source, at)})) AS more,
        (SELECT count() FROM (${sums(source, at)} EXCEPT ${sums(table, time)})) AS fewer`,
    )
    if (Number(row!.more) + Number(row!.fewer) > 0) differences.push(`${table}: ${row!.more} rows, not ${row!.fewer}`)
  }
  return differences
}
