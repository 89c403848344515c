import { type Ask, arrivalsQuestion, type Counted, objectiveQuestion } from '../../aggregate/objective.ts'
import type { Config, Objective } from '../../config/config.ts'
import { pastMs } from '../../config/retention.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import { thresholds } from '../../store/thresholds.ts'
import { judged } from '../metrics.ts'
import { Ledger } from './ledger.ts'
import type { ObjectiveStanding } from './standing.ts'
import { judgeObjective } from './verdict.ts'

/**
 * The counts of all objectives, kept from one look to the next, so that each look asks only for what may have changed:
 * the last minutes; and, about once a minute, the days in which calls have arrived. The store knows those days without
 * reading a call: their parts have more rows. As a view may be behind its table for a while, such a day is counted again
 * at the look after; and at every look one more day in its turn, whatever may have escaped.
 */
export class ObjectiveBook {
  readonly #store: Store
  #config: Config | undefined
  #ledgers = new Map<string, Ledger>()
  #lookedMs = Number.NEGATIVE_INFINITY
  #looks = 0
  #rows: ReadonlyMap<number, number> | undefined
  #again: ReadonlySet<number> = new Set()
  #since: ReadonlyMap<number, number> = new Map()

  constructor(store: Store) {
    this.#store = store
  }

  /** How every promise is kept at `atMs`, each objective's worst first. */
  async standings(config: Config, atMs: number): Promise<ObjectiveStanding[]> {
    this.#configure(config)
    const ledgers = [...this.#ledgers.values()]
    if (ledgers.length === 0) return []
    const stale = await this.#look(atMs, ledgers)
    const callsFromMs = atMs - pastMs(config)
    const asked = ledgers.flatMap((ledger) => {
      const { latencyBelowUs: us } = ledger.objective
      const sinceMs = us === undefined ? undefined : this.#since.get(us)
      return ledger.advance(atMs, stale, { sinceMs, callsFromMs }).map((ask) => ({ ledger, ask }))
    })
    for (const some of statements(asked)) {
      const { sql, params } = objectiveQuestion(some.map(({ ask }) => ask))
      const rows = grouped(await this.#store.query<Counted>(sql, params), ({ ask }) => Number(ask))
      some.forEach(({ ledger, ask }, i) => {
        ledger.fill(ask, rows.get(i) ?? [])
      })
    }
    judged.leftOut.set(ledgers.reduce((sum, { leftOut }) => sum + leftOut, 0))
    return config.objectives.flatMap((objective) =>
      ledgers
        .filter((ledger) => ledger.objective === objective)
        .flatMap((ledger) => standingsOf(ledger, atMs))
        .sort((a, b) => share(b) - share(a) || b.counts.calls - a.counts.calls),
    )
  }

  /** Counts of objectives that stay as they were stay, too. */
  #configure(config: Config): void {
    if (config === this.#config) return
    this.#config = config
    const before = this.#ledgers
    this.#ledgers = new Map()
    this.#lookedMs = Number.NEGATIVE_INFINITY
    const room = () => {
      let consumers = 0
      for (const ledger of this.#ledgers.values()) consumers += ledger.consumers
      return consumers < limits.objectiveConsumers
    }
    for (const objective of config.objectives) {
      for (const { timeZone, consumers } of partsOf(objective, config)) {
        const key = JSON.stringify([objective, timeZone, consumers])
        const ledger = before.get(key) ?? new Ledger(objective, timeZone, consumers, room)
        ledger.objective = objective
        this.#ledgers.set(key, ledger)
      }
    }
  }

  /** @returns the days, as epoch milliseconds, that are to be counted anew */
  async #look(atMs: number, ledgers: readonly Ledger[]): Promise<ReadonlySet<number>> {
    if (atMs >= this.#lookedMs && atMs - this.#lookedMs < limits.objectiveLookMs) return new Set()
    const { sql, params } = arrivalsQuestion()
    const rows = new Map<number, number>()
    for (const { day, calls } of await this.#store.query<{ day: string; calls: number }>(sql, params)) {
      rows.set(Date.parse(day.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')), calls)
    }
    this.#since = await thresholds(this.#store)
    const changed = new Set([...rows].filter(([day, calls]) => calls !== this.#rows?.get(day)).map(([day]) => day))
    for (const day of this.#rows?.keys() ?? []) if (!rows.has(day)) changed.add(day)
    const stale = new Set([...changed, ...this.#again])
    const days = [...new Set(ledgers.flatMap(({ days }) => days))].sort((a, b) => a - b)
    const turn = days[this.#looks % Math.max(1, days.length)]
    if (turn !== undefined) stale.add(turn)
    this.#again = this.#rows === undefined ? new Set() : changed
    this.#rows = rows
    this.#looks++
    this.#lookedMs = atMs
    return stale
  }
}

interface Asked {
  readonly ledger: Ledger
  readonly ask: Ask
}

/** As many asks at once as make a statement of a decent size. */
function* statements(asked: readonly Asked[]): Generator<Asked[]> {
  let some: Asked[] = []
  let chars = 0
  for (const one of asked) {
    const more = JSON.stringify([one.ask.consumers, one.ask.objective]).length
    if (some.length > 0 && (some.length >= limits.objectiveAsks || chars + more > limits.objectiveAskChars)) {
      yield some
      some = []
      chars = 0
    }
    some.push(one)
    chars += more
  }
  if (some.length > 0) yield some
}

/** The calendars of one objective's consumers: those of the file have their own time zone. */
function partsOf(objective: Objective, config: Config): { timeZone: string; consumers: Ask['consumers'] }[] {
  if (objective.calendar === undefined) return [{ timeZone: 'UTC', consumers: undefined }]
  if (objective.per === undefined) {
    const consumer = config.consumers.find(({ id }) => id === objective.consumer)
    return [{ timeZone: consumer?.timeZone ?? objective.timeZone, consumers: undefined }]
  }
  const others = config.consumers.filter(({ timeZone }) => timeZone !== objective.timeZone)
  if (others.length === 0) return [{ timeZone: objective.timeZone, consumers: undefined }]
  const zones = grouped(others, ({ timeZone }) => timeZone)
  return [
    { timeZone: objective.timeZone, consumers: { only: false, ids: others.map(({ id }) => id) } },
    ...[...zones].map(([timeZone, some]) => ({ timeZone, consumers: { only: true, ids: some.map(({ id }) => id) } })),
  ]
}

function standingsOf(ledger: Ledger, atMs: number): ObjectiveStanding[] {
  return ledger.counts().map(({ consumer, layout, counts }) => ({
    objective: ledger.objective,
    consumer: ledger.objective.consumer ?? consumer,
    atMs,
    window: layout.window,
    timeZone: ledger.timeZone,
    counts,
    verdict: judgeObjective(ledger.objective, counts, layout.window, atMs),
  }))
}

function share({ counts }: ObjectiveStanding): number {
  return counts.total === 0 ? -1 : counts.bad / counts.total
}

function grouped<T, K>(some: readonly T[], key: (one: T) => K): Map<K, T[]> {
  const found = new Map<K, T[]>()
  for (const one of some) {
    const list = found.get(key(one))
    if (list === undefined) found.set(key(one), [one])
    else list.push(one)
  }
  return found
}
