import { thresholdsCutOffQuestion, thresholdsToldQuestion } from '../../aggregate/quotahistory.ts'
import type { Share } from '../../config/config.ts'
import { ratio } from '../../config/share.ts'
import { receiverName } from '../../notify/notifier.ts'
import type { Store } from '../../store/store.ts'
import { secondText, timeText } from '../../store/time.ts'
import type { Told as ToldEvent } from '../tell.ts'
import { dueThreshold, keyOf, startOf, type Told, thresholdEvent, toldKey, type Use } from './threshold.ts'

const day = 24 * 3600_000
/** Longer than the longest period: what was told of before cannot matter any more. */
const memoryMs = 400 * day

/** Has thresholds told of, each once a period, over restarts too. */
export class Herald {
  readonly #store: Store
  readonly #tell: (told: readonly ToldEvent[]) => Promise<void>
  #told = new Map<string, Told[]>()
  /** Events that an earlier run stored without coming to write down that it did; what they say is on its way. */
  #cutOff: ReadonlySet<string> | undefined
  #loadDueMs = 0

  /** @param tell stores events and tells of them; an event that comes twice is told of once */
  constructor(store: Store, tell: (told: readonly ToldEvent[]) => Promise<void>) {
    this.#store = store
    this.#tell = tell
  }

  /**
   * Tells of the thresholds that are due, and writes down that it did. After a kill in between the event is found by its
   * id, and not told of again. What an earlier run did not deliver is to be sent again before this.
   */
  async announce(uses: Iterable<Use>, nowMs: number): Promise<void> {
    if (nowMs >= this.#loadDueMs) {
      // Each day anew, so that what is long over does not stay in memory.
      this.#cutOff ??= await this.#loadCutOff(nowMs)
      this.#told = await this.#load(nowMs)
      this.#loadDueMs = nowMs + day
    }
    const due: { use: Use; share: Share; event: ToldEvent['event'] }[] = []
    for (const use of uses) {
      const told = this.#told.get(toldKey(use)) ?? []
      const share = dueThreshold(use, told, nowMs)
      if (share !== undefined) due.push({ use, share, event: thresholdEvent(use, share, told, nowMs) })
    }
    if (due.length === 0) return
    const news = due.filter(({ event }) => !this.#cutOff?.has(event.id))
    if (news.length > 0) {
      await this.#tell(news.map(({ use, event }) => ({ event, receivers: use.quota.notify.map(receiverName) })))
    }
    const rows = due.map(({ use: { consumer, quota, period, used }, share, event }) => ({
      ts: timeText(nowMs),
      consumer,
      quota: quota.name,
      period_start: secondText(startOf(quota, period)),
      allowed: quota.limit,
      threshold: share.text,
      share: ratio(share),
      used,
      event_id: event.id,
    }))
    await this.#store.insert('quota_thresholds', rows, `thresholds-${due.map(({ event }) => event.id).join()}`)
    for (const { use, share } of due) {
      const key = toldKey(use)
      this.#told.set(key, [...(this.#told.get(key) ?? []), { share: ratio(share), atMs: nowMs }])
    }
  }

  async #loadCutOff(nowMs: number): Promise<Set<string>> {
    const { sql, params } = thresholdsCutOffQuestion(nowMs - memoryMs)
    return new Set((await this.#store.query(sql, params)).map(({ id }) => String(id)))
  }

  async #load(nowMs: number): Promise<Map<string, Told[]>> {
    const { sql, params } = thresholdsToldQuestion(nowMs - memoryMs)
    const found = new Map<string, Told[]>()
    for (const row of await this.#store.query(sql, params)) {
      const key = keyOf(String(row.consumer), String(row.quota), Number(row.allowed), Number(row.start) * 1000)
      found.set(key, [...(found.get(key) ?? []), { share: Number(row.share), atMs: Number(row.told_ms) }])
    }
    return found
  }
}
