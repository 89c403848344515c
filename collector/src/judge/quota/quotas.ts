import type { Config, Metered } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import { calendarPeriod, type Period } from '../calendar.ts'
import type { Told } from '../tell.ts'
import { type Allowance, allowancesOf } from './allowance.ts'
import { type ClosedPeriod, Closing } from './closing.ts'
import { type Correction, Corrections, correctionsSinceMs } from './corrections.ts'
import { type Ahead, aheadOf, type Forecast, foretell, hoursLeft } from './forecast.ts'
import { Herald } from './herald.ts'
import { isLong, quotaPeriod } from './period.ts'
import { Plans } from './plans.ts'
import { Rhythms } from './rhythms.ts'
import type { QuotaStanding } from './standing.ts'
import { meteredKey, Usage, type Wanted } from './usage.ts'
import { judgeQuota } from './verdict.ts'

interface Options {
  readonly store: Store
  /** Stores events and tells of them; an event that comes twice is told of once. */
  readonly tell: (told: readonly Told[]) => Promise<void>
  /** Is told of what could not be done, and is tried again. */
  readonly failed: (error: unknown) => void
}

/** What is known of one consumer's use without asking the store. */
export interface ConsumerUsage {
  readonly plan: string
  readonly timeZone: string
  /** All its calls of this month. */
  readonly month: { readonly period: Period; readonly calls: number; readonly atMs: number }
  readonly quotas: readonly {
    readonly standing: QuotaStanding
    readonly corrections: readonly Correction[]
    readonly closed: readonly ClosedPeriod[]
  }[]
}

const allCalls: Metered = { meter: { text: 'calls', sum: 'calls' }, operation: undefined, outcomes: undefined }

/** A forecast, and what it was made for. */
interface Made {
  readonly forecast: Forecast
  readonly dueMs: number
  readonly corrected: number
  readonly limit: number
}

/** How every quota stands, kept in memory: the store is asked for what is new, not for each answer. */
export class Quotas {
  readonly #failed: (error: unknown) => void
  readonly #usage: Usage
  readonly #plans: Plans
  readonly #rhythms: Rhythms
  readonly #corrections: Corrections
  readonly #closing: Closing
  readonly #herald: Herald
  #config: Config | undefined
  #named: ReadonlyMap<string, string> = new Map()
  #allowances: readonly Allowance[] = []
  #standings: readonly QuotaStanding[] = []
  #byConsumer = new Map<string, QuotaStanding[]>()
  #forecasts = new Map<string, Made>()
  readonly #clocks = new Map<string, Uint8Array>()
  #atMs = 0
  #correctionsDueMs = 0

  constructor({ store, tell, failed }: Options) {
    this.#failed = failed
    this.#usage = new Usage(store, failed)
    this.#plans = new Plans(store)
    this.#rhythms = new Rhythms(store)
    this.#corrections = new Corrections(store)
    this.#closing = new Closing(store, this.#usage, this.#corrections)
    this.#herald = new Herald(store, tell)
  }

  get standings(): readonly QuotaStanding[] {
    return this.#standings
  }

  /**
   * Judges all quotas by the calls that are stored.
   *
   * @param atMs the moment they are judged for
   * @param nowMs the clock, for what is told of
   */
  async judge(config: Config, atMs: number, nowMs: number): Promise<readonly QuotaStanding[]> {
    if (atMs >= this.#correctionsDueMs) {
      await this.#corrections.load(atMs - correctionsSinceMs)
      this.#correctionsDueMs = atMs + limits.usageRecountMs
    }
    const counts = config.plans.some(({ quotas }) => quotas.length > 0)
    this.#named = counts ? await this.#plans.named(atMs) : new Map()
    const allowances = allowancesOf(config, this.#named)
    await this.#usage.count(wanted(config, allowances, atMs), atMs)
    const foretold = allowances.filter(({ quota }) => isLong(quota) && 'sum' in quota.meter)
    await this.#rhythms.refresh(foretold, atMs).catch(this.#failed)
    this.#config = config
    this.#allowances = allowances
    this.#atMs = atMs
    this.#derive()
    await this.#herald.announce(this.#standings, nowMs).catch(this.#failed)
    await this.#close(atMs, nowMs).catch(this.#failed)
    return this.#standings
  }

  /** Undefined for a consumer that is neither configured nor among the calls of this month, and before the first look. */
  of(consumer: string): ConsumerUsage | undefined {
    if (this.#config === undefined) return undefined
    const configured = this.#config.consumers.find(({ id }) => id === consumer)
    const timeZone = configured?.timeZone ?? 'UTC'
    const period = calendarPeriod('month', timeZone, this.#atMs)
    const month: Wanted = { metered: allCalls, period }
    const standings = this.#byConsumer.get(consumer) ?? []
    const known = configured !== undefined || standings.length > 0 || this.#usage.knows(month, consumer)
    const count = this.#usage.of(month, consumer)
    if (!known || count === undefined) return undefined
    return {
      plan: configured?.plan ?? this.#named.get(consumer) ?? '',
      timeZone,
      month: { period, calls: count.used, atMs: count.atMs },
      quotas: standings.map((standing) => ({
        standing,
        corrections: this.#corrections.within({ consumer, quota: standing.quota.name, period: standing.period }),
        closed: this.#closing.of(consumer, standing.quota.name),
      })),
    }
  }

  /**
   * Corrects a use, from now on.
   *
   * @throws KeyTaken when the key stands for another correction
   */
  async correct(
    wanted: Omit<Correction, 'madeMs' | 'atMs'> & { atMs: number | undefined },
    nowMs: number,
  ): Promise<Correction> {
    const made = await this.#corrections.make(wanted, nowMs)
    this.#derive()
    this.#closing.hurry()
    return made
  }

  /** From what is counted, what is corrected and what the clock says. */
  #derive(): void {
    const standings: QuotaStanding[] = []
    const before = this.#forecasts
    this.#forecasts = new Map()
    const periods = new Map<string, Period>()
    const aheads = new Map<Period, Ahead>()
    for (const allowance of this.#allowances) {
      const period = periodOf(allowance, this.#atMs, periods)
      const count = this.#usage.of({ metered: allowance.quota, period }, allowance.consumer)
      if (count === undefined) continue
      const { consumer, plan, quota, timeZone } = allowance
      const corrections = this.#corrections.within({ consumer, quota: quota.name, period })
      const corrected = corrections.reduce((sum, { amount }) => sum + amount, 0)
      const used = Math.max(count.used + corrected, 0)
      const ahead = () => {
        const found = aheads.get(period) ?? aheadOf(period, count.atMs, this.#hoursLeft(period, timeZone, count.atMs))
        aheads.set(period, found)
        return found
      }
      const forecast = this.#forecast(allowance, { period, used, corrected }, ahead, before)
      const { atMs } = count
      const verdict = judgeQuota(used, quota.limit)
      standings.push({
        quota,
        plan,
        consumer,
        atMs,
        period,
        counted: count.used,
        corrected,
        used,
        ...verdict,
        forecast,
      })
    }
    this.#standings = standings
    this.#byConsumer = new Map()
    for (const one of standings) {
      const list = this.#byConsumer.get(one.consumer)
      if (list === undefined) this.#byConsumer.set(one.consumer, [one])
      else list.push(one)
    }
  }

  /** Made anew each minute: in between it says the same. */
  #forecast(
    allowance: Allowance,
    { period, used, corrected }: { period: Period; used: number; corrected: number },
    ahead: () => Ahead,
    before: ReadonlyMap<string, Made>,
  ): Forecast | null {
    const { consumer, quota } = allowance
    if (!isLong(quota) || !('sum' in quota.meter)) return null
    const rhythm = this.#rhythms.of(allowance)
    if (rhythm === undefined) return null
    const key = JSON.stringify([consumer, quota.name])
    const last = before.get(key)
    if (last?.corrected === corrected && last.limit === quota.limit && this.#atMs < last.dueMs && used < quota.limit) {
      this.#forecasts.set(key, last)
      return last.forecast
    }
    const forecast = { ...foretell(rhythm, ahead(), used, quota.limit), errorRatio: rhythm.errorRatio }
    const dueMs = Math.min(this.#atMs + limits.usageRecountMs, period.endMs)
    this.#forecasts.set(key, { forecast, dueMs, corrected, limit: quota.limit })
    return forecast
  }

  /** The clock of a zone is asked once an hour: a month of it takes some milliseconds. */
  #hoursLeft(period: Period, timeZone: string, atMs: number): Uint8Array {
    const key = `${timeZone} ${Math.floor(atMs / 3600_000)} ${period.endMs}`
    const known = this.#clocks.get(key) ?? hoursLeft(period, timeZone, atMs)
    if (!this.#clocks.has(key) && this.#clocks.size >= limits.forecastClocks) this.#clocks.clear()
    this.#clocks.set(key, known)
    return known
  }

  /** A threshold that was reached in the last moments of a period is told of when that closes. */
  async #close(atMs: number, nowMs: number): Promise<void> {
    const closed = await this.#closing.close(this.#allowances, atMs)
    const fresh = closed.filter(({ period }) => period.endMs > atMs - 2 * limits.quotaCloseMs)
    const uses = fresh.map(({ allowance, period, used }) => ({ ...allowance, period, used, forecast: null }))
    await this.#herald.announce(uses, nowMs)
  }
}

/** The periods of all allowances, and the month of everybody. */
function wanted(config: Config, allowances: readonly Allowance[], atMs: number): Wanted[] {
  const periods = new Map<string, Period>()
  const found = new Map<string, Wanted>()
  for (const allowance of allowances) {
    const period = periodOf(allowance, atMs, periods)
    found.set(`${period.startMs} ${period.endMs} ${meteredKey(allowance.quota)}`, { metered: allowance.quota, period })
  }
  if (allowances.length === 0 && config.consumers.length === 0) return []
  for (const timeZone of new Set(['UTC', ...config.consumers.map((consumer) => consumer.timeZone)])) {
    const period = calendarPeriod('month', timeZone, atMs)
    found.set(`${period.startMs} ${period.endMs} ${meteredKey(allCalls)}`, { metered: allCalls, period })
  }
  return [...found.values()]
}

/** The same for all that share a clock. */
function periodOf({ quota, timeZone }: Allowance, atMs: number, known: Map<string, Period>): Period {
  const key = JSON.stringify([quota.window, quota.anchor, timeZone])
  const period = known.get(key) ?? quotaPeriod(quota, timeZone, atMs)
  known.set(key, period)
  return period
}
