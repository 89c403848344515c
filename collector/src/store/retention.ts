import type { Period } from '../config/period.ts'
import type { Retention, RetentionKey } from '../config/retention.ts'
import type { Profile } from './profile.ts'
import { render } from './profile.ts'
import type { Store } from './store.ts'

/** The tables of each kind, and the time in them that their life is counted from. */
const tables: Readonly<Record<RetentionKey, readonly (readonly [table: string, from: string])[]>> = {
  calls: [['calls', 'toDateTime(ts)']],
  payloads: [['payloads', 'toDateTime(ts)']],
  spans: [['spans', 'toDateTime(ts)']],
  logs: [['logs', 'toDateTime(ts)']],
  metrics: [
    ['runtime_metrics', 'toDateTime(ts)'],
    ['upstream_limits', 'toDateTime(ts)'],
  ],
  minutes: [
    ['calls_1m', 'minute'],
    ['operations_1m', 'minute'],
  ],
  rollups: [
    ['calls_15m', 'quarter'],
    ['operations_15m', 'quarter'],
    ['consumers_15m', 'quarter'],
    ['consumers_1d', 'day'],
  ],
  reports: [
    ['agent_reports', 'toDateTime(ts)'],
    ['agent_reports_15m', 'quarter'],
    ['instance_calls', 'day'],
  ],
  judgements: [
    ['objective_states', 'toDateTime(ts)'],
    ['quota_states', 'toDateTime(ts)'],
    ['quota_thresholds', 'toDateTime(ts)'],
    ['quota_periods', 'period_end'],
    ['alert_events', 'toDateTime(ts)'],
  ],
}

/**
 * Gives every table the life that is configured, where it has another one. What has outlived a shorter life goes at
 * once and in the background, whole partitions at a time; a longer life holds for all that is still there.
 *
 * The engine keeps with each part when it may go. MODIFY TTL works that out anew, from the times alone
 * (`materialize_ttl_recalculate_only` of the tables): without it old parts would go by their old life, too late or, when
 * it was made longer, too early.
 *
 * @returns the tables changed now
 */
export async function setRetention(store: Store, retention: Retention, profile: Profile): Promise<string[]> {
  const present = new Map<string, string>()
  const rows = await store.query<{ name: string; ttl: string }>(
    `SELECT name, extract(engine_full, ' TTL (.+?) SETTINGS ') AS ttl FROM system.tables WHERE database = currentDatabase()`,
  )
  for (const { name, ttl } of rows) present.set(name, ttl)
  const changed: string[] = []
  for (const [key, list] of Object.entries(tables) as [RetentionKey, (typeof tables)[RetentionKey]][]) {
    for (const [table, from] of list) {
      const ttl = `${from} + ${interval(retention[key])}`
      if (present.get(table) === ttl) continue
      const statement = `ALTER TABLE ${table} MODIFY TTL ${ttl} SETTINGS materialize_ttl_after_modify = 1, mutations_sync = 0`
      await store.command(render(statement, profile))
      changed.push(table)
    }
  }
  return changed
}

/** As the engine writes it, so that the two can be compared. */
function interval({ count, unit }: Period): string {
  return unit === 'day' ? `toIntervalDay(${count})` : `toIntervalMonth(${count})`
}
