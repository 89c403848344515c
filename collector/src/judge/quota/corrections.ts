import { createHash } from 'node:crypto'
import { correctionQuestion, correctionsQuestion } from '../../aggregate/quotahistory.ts'
import { limits } from '../../limits.ts'
import type { Row, Store } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'
import type { Period } from '../calendar.ts'

/** What is added to a consumer's use of a quota; negative takes away. */
export interface Correction {
  readonly consumer: string
  readonly quota: string
  readonly amount: number
  readonly reason: string
  /** Who made it, by their own words. */
  readonly actor: string
  /** The same key of a consumer is one correction. */
  readonly key: string
  /** It counts in the period that contains this time. */
  readonly atMs: number
  readonly madeMs: number
}

/** A key that stands for another correction already. */
export class KeyTaken extends Error {
  constructor({ key, amount, quota, reason, actor, madeMs }: Correction) {
    super(
      `the key ${JSON.stringify(key)} stands for another correction: ${amount} of ${quota} by ${actor}, ${JSON.stringify(reason)}, made ${new Date(madeMs).toISOString()}; a new one needs a new key`,
    )
  }
}

/** Corrections of use: append only, each key once. Those that may still count are kept in memory. */
export class Corrections {
  readonly #store: Store
  #by = new Map<string, Correction[]>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  /** Reads them, also those that other collectors took. */
  async load(sinceMs: number): Promise<void> {
    // Not while one is being made, which would be missing then.
    await this.#last.catch(() => {})
    const { sql, params } = correctionsQuestion(sinceMs)
    const rows = (await this.#store.query(sql, params)).map(correctionOfRow)
    const by = new Map<string, Correction[]>()
    for (const one of rows) by.set(keyOf(one), [...(by.get(keyOf(one)) ?? []), one])
    this.#by = by
  }

  /** Those that count in a period, the newest first. */
  within({ consumer, quota, period }: { consumer: string; quota: string; period: Period }): readonly Correction[] {
    const all = this.#by.get(keyOf({ consumer, quota })) ?? []
    return all.filter(({ atMs }) => atMs >= period.startMs && atMs < period.endMs)
  }

  /**
   * Makes a correction, or finds that it was made before.
   *
   * @param atMs undefined: the time it is made
   * @throws KeyTaken when its key stands for something else
   */
  make(wanted: Omit<Correction, 'madeMs' | 'atMs'> & { atMs: number | undefined }, nowMs: number): Promise<Correction> {
    // One after the other: of two with the same key the second finds the first.
    const made = this.#last.catch(() => {}).then(() => this.#make(wanted, nowMs))
    this.#last = made
    return made
  }

  async #make(
    wanted: Omit<Correction, 'madeMs' | 'atMs'> & { atMs: number | undefined },
    nowMs: number,
  ): Promise<Correction> {
    const { sql, params } = correctionQuestion(wanted.consumer, wanted.key)
    const [row] = await this.#store.query(sql, params)
    const there = row === undefined ? undefined : correctionOfRow(row)
    if (there !== undefined) {
      const same = (['quota', 'amount', 'reason', 'actor'] as const).every((part) => there[part] === wanted[part])
      if (same && (wanted.atMs === undefined || wanted.atMs === there.atMs)) return there
      throw new KeyTaken(there)
    }
    const made: Correction = { ...wanted, atMs: wanted.atMs ?? nowMs, madeMs: nowMs }
    const { madeMs, atMs, ...words } = made
    const token = createHash('sha256').update(JSON.stringify(made)).digest('hex')
    await this.#store.insert(
      'quota_corrections',
      [{ ts: timeText(madeMs), at: timeText(atMs), ...words }],
      `correction-${token}`,
    )
    this.#by.set(keyOf(made), [made, ...(this.#by.get(keyOf(made)) ?? [])])
    return made
  }
}

/** How far back corrections may count: the longest period, and the closed ones. */
export const correctionsSinceMs = 367 * 24 * 3600_000 + limits.closedMs

function correctionOfRow(row: Row): Correction {
  return {
    consumer: String(row.consumer),
    quota: String(row.quota),
    amount: Number(row.amount),
    reason: String(row.reason),
    actor: String(row.actor),
    key: String(row.key),
    atMs: Number(row.at_ms),
    madeMs: Number(row.made_ms),
  }
}

function keyOf({ consumer, quota }: { consumer: string; quota: string }): string {
  return JSON.stringify([consumer, quota])
}
