import { createHash } from 'node:crypto'
import { closedPeriodsQuestion } from '../../aggregate/quotahistory.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import { secondText, timeText } from '../../store/time.ts'
import type { Period } from '../calendar.ts'
import type { Allowance } from './allowance.ts'
import type { Corrections } from './corrections.ts'
import { isLong, quotaPeriod } from './period.ts'
import { meteredKey, type Usage } from './usage.ts'

/** What a period came to that is over. */
export interface ClosedPeriod {
  readonly consumer: string
  readonly quota: string
  readonly plan: string
  readonly per: string
  readonly period: Period
  readonly allowed: number
  /** By the calls received until now. */
  readonly counted: number
  /** Of these, what came after the period was closed. */
  readonly late: number
  readonly corrected: number
  readonly closedMs: number
}

/**
 * Closes periods some minutes after their end, and goes on counting what comes late for them. Of each quota the last few
 * are followed; a period shorter than a day is over when it is over.
 */
export class Closing {
  readonly #store: Store
  readonly #usage: Usage
  readonly #corrections: Corrections
  #closed: Map<string, ClosedPeriod> | undefined
  /** By consumer and quota, the newest first. */
  #lists = new Map<string, ClosedPeriod[]>()
  #dueMs = 0
  #nextMs = 0

  constructor(store: Store, usage: Usage, corrections: Corrections) {
    this.#store = store
    this.#usage = usage
    this.#corrections = corrections
  }

  of(consumer: string, quota: string): readonly ClosedPeriod[] {
    return this.#lists.get(JSON.stringify([consumer, quota])) ?? []
  }

  /** Looks after closed periods anew at the next judgement. */
  hurry(): void {
    this.#dueMs = 0
  }

  /** @returns the allowances with the periods that were closed now */
  async close(
    allowances: readonly Allowance[],
    atMs: number,
  ): Promise<{ allowance: Allowance; period: Period; used: number }[]> {
    if (atMs < this.#dueMs && atMs < this.#nextMs) return []
    this.#closed ??= await this.#load(atMs)
    const groups = new Map<string, { period: Period; members: Allowance[] }>()
    let nextMs = Infinity
    for (const one of allowances) {
      if (!isLong(one.quota)) continue
      nextMs = Math.min(nextMs, quotaPeriod(one.quota, one.timeZone, atMs - limits.quotaCloseMs).endMs)
      for (const period of this.#periods(one, atMs)) {
        const key = `${period.startMs} ${period.endMs} ${meteredKey(one.quota)}`
        const group = groups.get(key) ?? { period, members: [] }
        group.members.push(one)
        groups.set(key, group)
      }
    }
    const closedNow: { allowance: Allowance; period: Period; used: number }[] = []
    for (const { period, members } of groups.values()) {
      const uses = await this.#usage.ask({ metered: members[0]!.quota, period })
      const changed: ClosedPeriod[] = []
      for (const allowance of members) {
        const before = this.#closed.get(keyOf({ ...nameOf(allowance), period }))
        const now = this.#closedPeriod(allowance, period, uses.get(allowance.consumer) ?? 0, before, atMs)
        if (before === undefined) closedNow.push({ allowance, period, used: Math.max(now.counted + now.corrected, 0) })
        if (before?.counted !== now.counted || before.corrected !== now.corrected) changed.push(now)
      }
      await this.#write(changed, atMs)
    }
    this.#dueMs = atMs + limits.closedRecountMs
    this.#nextMs = nextMs + limits.quotaCloseMs
    return closedNow
  }

  /** The last period that is to be closed, and those that were closed before and may still get calls. */
  #periods({ consumer, quota, timeZone }: Allowance, atMs: number): Period[] {
    const { startMs } = quotaPeriod(quota, timeZone, atMs - limits.quotaCloseMs)
    const last = quotaPeriod(quota, timeZone, startMs - 1)
    const before = this.of(consumer, quota.name).filter(({ period }) => {
      return period.endMs <= last.startMs && period.endMs >= atMs - limits.closedMs
    })
    return [last, ...before.slice(0, limits.closedPeriods - 1).map(({ period }) => period)]
  }

  #closedPeriod(
    allowance: Allowance,
    period: Period,
    counted: number,
    before: ClosedPeriod | undefined,
    atMs: number,
  ): ClosedPeriod {
    const { plan, quota } = allowance
    const corrections = this.#corrections.within({ ...nameOf(allowance), period })
    return {
      ...nameOf(allowance),
      plan: before?.plan ?? plan,
      per: quota.per,
      period,
      allowed: before?.allowed ?? quota.limit,
      counted,
      late: before === undefined ? 0 : counted - (before.counted - before.late),
      corrected: corrections.reduce((sum, { amount }) => sum + amount, 0),
      closedMs: before?.closedMs ?? atMs,
    }
  }

  async #write(changed: readonly ClosedPeriod[], atMs: number): Promise<void> {
    if (changed.length === 0) return
    const rows = changed.map(({ period, closedMs, ...same }) => ({
      ...same,
      period_start: secondText(period.startMs),
      period_end: secondText(period.endMs),
      closed_at: timeText(closedMs),
      changed_at: timeText(atMs),
    }))
    const token = createHash('sha256').update(JSON.stringify(rows)).digest('hex')
    await this.#store.insert('quota_periods', rows, `periods-${token}`)
    for (const one of changed) this.#remember(one)
  }

  #remember(one: ClosedPeriod): void {
    this.#closed!.set(keyOf(one), one)
    const name = JSON.stringify([one.consumer, one.quota])
    const others = (this.#lists.get(name) ?? []).filter(({ period }) => period.startMs !== one.period.startMs)
    const list = [one, ...others].sort((a, b) => b.period.startMs - a.period.startMs)
    for (const old of list.splice(limits.closedPeriods)) this.#closed!.delete(keyOf(old))
    this.#lists.set(name, list)
  }

  async #load(atMs: number): Promise<Map<string, ClosedPeriod>> {
    const { sql, params } = closedPeriodsQuestion(atMs - limits.closedMs)
    const rows = await this.#store.query(sql, params)
    this.#closed = new Map()
    this.#lists = new Map()
    for (const row of rows) {
      this.#remember({
        consumer: String(row.consumer),
        quota: String(row.quota),
        plan: String(row.plan),
        per: String(row.per),
        period: { startMs: Number(row.start) * 1000, endMs: Number(row.end) * 1000 },
        allowed: Number(row.allowed),
        counted: Number(row.counted),
        late: Number(row.late),
        corrected: Number(row.corrected),
        closedMs: Number(row.closed_ms),
      })
    }
    return this.#closed
  }
}

function nameOf({ consumer, quota }: Allowance): { consumer: string; quota: string } {
  return { consumer, quota: quota.name }
}

function keyOf({ consumer, quota, period }: { consumer: string; quota: string; period: Period }): string {
  return JSON.stringify([consumer, quota, period.startMs, period.endMs])
}
