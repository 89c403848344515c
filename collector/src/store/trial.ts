import { randomBytes } from 'node:crypto'
import { limits } from '../limits.ts'
import type { Finding, Insert } from './prove.ts'
import type { Row, Store } from './store.ts'
import { isReplicated, type StoredTable } from './window.ts'

/** Names of tables of a trial begin so. They are gone when it is over, or at the first trial after a crash. */
export const trialPrefix = 'exactly_once_trial_'

/** The chain that stands in for each of ours: a table, what a view makes of it, and what a second view makes of that. */
const links = ['calls', 'calls_1m', 'calls_15m'] as const

/** Two days, so that a block touches two partitions of the first table. */
const rows: readonly Row[] = [
  { at: '2026-01-01 23:59:30', name: 'a', n: 1 },
  { at: '2026-01-02 00:00:10', name: 'a', n: 2 },
  { at: '2026-01-02 00:16:00', name: 'b', n: 3 },
]
const sum = 6

/**
 * Builds the chain with the engines and windows that our tables have here, inserts a block twice under one token and the
 * same rows once more under another, as two callers may truly send, and counts. All three tables must have two blocks.
 */
export async function trial(store: Store, tables: readonly StoredTable[], insert: Insert): Promise<Finding[]> {
  // Two collectors on one server must not meet.
  const names = trialNames(`${trialPrefix}${Math.floor(Date.now() / 1000)}_${randomBytes(6).toString('hex')}`)
  await dropLeftovers(store)
  try {
    for (const statement of chain(names, tables)) await store.command(statement)
    const [source] = names.tables
    const token = names.tables[0]!
    await insert(source!, rows, `${token}-1`)
    await insert(source!, rows, `${token}-1`)
    await insert(source!, rows, `${token}-2`)
    const sums = await settledSums(store, names.tables)
    return links.flatMap((link, i): Finding[] => {
      if (sums[i] === sum * 2) return []
      const twice = sums[i]! > sum * 2
      return [
        {
          subject: `table ${link}`,
          level: 'broken',
          what: twice
            ? `a block that was inserted twice under one token counted twice in a copy of it (${sums[i]} instead of ${sum * 2})`
            : `a block is missing in a copy of it (${sums[i]} instead of ${sum * 2})`,
          remedy:
            'See the findings on windows and settings; where there are none, this ClickHouse does not recognise repeated inserts through views: use 26.3 or newer',
        },
      ]
    })
  } finally {
    // What cannot be dropped now is dropped by a later trial; the reason for it is not what this is about.
    for (const statement of drops(names)) await store.command(statement).catch(() => {})
  }
}

interface Names {
  tables: string[]
  views: string[]
}

function trialNames(stem: string): Names {
  return { tables: links.map((link) => `${stem}_${link}`), views: [`${stem}_view_1`, `${stem}_view_2`] }
}

function chain({ tables: [source, first, second], views }: Names, real: readonly StoredTable[]): string[] {
  const like = (link: (typeof links)[number], kind: '' | 'Aggregating') => {
    const table = real.find(({ name }) => name === link)
    return { engine: engineLike(table, kind), settings: settingsLike(table) }
  }
  const [a, b, c] = [like('calls', ''), like('calls_1m', 'Aggregating'), like('calls_15m', 'Aggregating')]
  const counted = 'name LowCardinality(String), n SimpleAggregateFunction(sum, UInt64)'
  return [
    `CREATE TABLE ${source} (at DateTime('UTC'), name LowCardinality(String), n UInt64)
     ENGINE = ${a.engine} PARTITION BY toDate(at) ORDER BY (name, at) ${a.settings}`,
    `CREATE TABLE ${first} (minute DateTime('UTC'), ${counted})
     ENGINE = ${b.engine} PARTITION BY toYYYYMM(minute) ORDER BY (name, minute) ${b.settings}`,
    `CREATE TABLE ${second} (quarter DateTime('UTC'), ${counted})
     ENGINE = ${c.engine} PARTITION BY toYYYYMM(quarter) ORDER BY (name, quarter) ${c.settings}`,
    `CREATE MATERIALIZED VIEW ${views[1]} TO ${second} AS
     SELECT toStartOfFifteenMinutes(minute) AS quarter, name, sum(${first}.n) AS n FROM ${first} GROUP BY quarter, name`,
    `CREATE MATERIALIZED VIEW ${views[0]} TO ${first} AS
     SELECT toStartOfMinute(at) AS minute, name, sum(${source}.n) AS n FROM ${source} GROUP BY minute, name`,
  ]
}

/** On a cluster without a path of its own, which the server's defaults make unique; a cloud makes Shared of MergeTree. */
function engineLike(table: StoredTable | undefined, kind: '' | 'Aggregating'): string {
  return `${table?.engine.startsWith('Replicated') ? 'Replicated' : ''}${kind}MergeTree`
}

function settingsLike(table: StoredTable | undefined): string {
  if (table === undefined) return `SETTINGS non_replicated_deduplication_window = ${limits.dedupeBlocks}`
  if (!isReplicated(table.engine)) return `SETTINGS non_replicated_deduplication_window = ${table.blocks ?? 0}`
  return `SETTINGS replicated_deduplication_window = ${table.blocks ?? 0}, replicated_deduplication_window_seconds = ${table.seconds}`
}

/** Another replica may answer a moment behind the one that took the inserts. */
async function settledSums(store: Store, tables: readonly string[]): Promise<number[]> {
  const question = tables.map((table, i) => `SELECT ${i} AS i, sum(n) AS n FROM ${table}`).join(' UNION ALL ')
  const deadline = Date.now() + limits.trialMs
  for (;;) {
    const answers = await store.query(`SELECT i, n FROM (${question}) ORDER BY i`)
    const sums = answers.map(({ n }) => Number(n))
    if (sums.every((n) => n >= sum * 2) || Date.now() > deadline) return sums
    await new Promise((resolve) => setTimeout(resolve, limits.trialMs / 20))
  }
}

function drops({ tables, views }: Names): string[] {
  return [
    ...views.map((view) => `DROP VIEW IF EXISTS ${view} SYNC`),
    ...tables.map((table) => `DROP TABLE IF EXISTS ${table} SYNC`),
  ]
}

/** Those of a crashed run, told by the time in their names: another collector may be at it at this moment. */
async function dropLeftovers(store: Store): Promise<void> {
  const left = await store.query<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})',
    { prefix: trialPrefix },
  )
  const found = left.map(({ name }) => new RegExp(`^${trialPrefix}(\\d{10})_[0-9a-f]{12}(?=_)`).exec(name))
  const oldest = Date.now() / 1000 - limits.trialLeftoverS
  const stems = found.flatMap((stem) => (stem !== null && Number(stem[1]) < oldest ? [stem[0]] : []))
  for (const stem of new Set(stems)) for (const drop of drops(trialNames(stem))) await store.command(drop)
}
