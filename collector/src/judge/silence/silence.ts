import { type Matcher, parseMatcher } from '../../config/matcher.ts'
import type { Row, Store } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'

/** While it lasts, alerts that match are judged and recorded, and told to nobody. */
export interface Silence {
  readonly id: string
  /** All must hold. */
  readonly matchers: readonly Matcher[]
  /** Epoch milliseconds; it lasts from the first to before the last. */
  readonly startsMs: number
  readonly endsMs: number
  readonly author: string
  readonly comment: string
}

export function stateOf({ startsMs, endsMs }: Silence, nowMs: number): 'pending' | 'active' | 'expired' {
  if (nowMs >= endsMs) return 'expired'
  return nowMs >= startsMs ? 'active' : 'pending'
}

/** Keeps a silence as it is now. The newest row of an id counts. */
export async function storeSilence(store: Store, silence: Silence, nowMs: number): Promise<void> {
  const { id, matchers, startsMs, endsMs, author, comment } = silence
  const row: Row = {
    id,
    matchers: matchers.map(({ text }) => text),
    starts_at: timeText(startsMs),
    ends_at: timeText(endsMs),
    author,
    comment,
    changed_at: timeText(nowMs),
  }
  await store.insert('alert_silences', [row], `silence-${id}-${nowMs}`)
}

/** The silences that were not over at a time. */
export async function storedSilences(store: Store, sinceMs: number): Promise<Silence[]> {
  const rows = await store.query(
    `SELECT id, matchers, toUnixTimestamp64Milli(starts_at) AS starts_ms, toUnixTimestamp64Milli(ends_at) AS ends_ms,
       author, comment
     FROM alert_silences FINAL
     WHERE ends_at > fromUnixTimestamp64Milli({since:Int64})
     ORDER BY starts_at, id`,
    { since: sinceMs },
  )
  return rows.map((row) => ({
    id: String(row.id),
    matchers: (row.matchers as string[]).map(parseMatcher),
    startsMs: Number(row.starts_ms),
    endsMs: Number(row.ends_ms),
    author: String(row.author),
    comment: String(row.comment),
  }))
}
