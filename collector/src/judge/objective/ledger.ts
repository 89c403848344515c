import type { Ask, Counted, Source } from '../../aggregate/objective.ts'
import { sliceParts } from '../../aggregate/objective.ts'
import type { Objective } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { type Block, type Layout, layoutOf, lookbacksMs, slicesIn } from './layout.ts'
import type { Count, ObjectiveCounts } from './verdict.ts'

const DAY = 24 * 3600_000
const QUARTER = 15 * 60_000

/** One consumer's counts in one block: its number, and the figures of Counted. Blocks without calls have none. */
const STRIDE = 6

interface Filled extends Block {
  cells: number[]
}

/** What decides where a block's calls are counted. */
export interface Known {
  /** From when on calls under the objective's latency are counted exactly; undefined: not at all. */
  readonly sinceMs: number | undefined
  /** Single calls are there from here on. */
  readonly callsFromMs: number
}

/**
 * The counts of one objective in memory, by consumer and block. A block is put in the place of what was known of it,
 * never added: asking for one again is always right, and a restart comes to the same numbers.
 */
export class Ledger {
  objective: Objective
  readonly timeZone: string
  readonly #consumers: Ask['consumers']
  readonly #room: () => boolean
  #numbers = new Map<string, number>()
  #names: string[] = []
  readonly #left = new Set<string>()
  #layout: Layout | undefined
  #day: number | undefined
  #blocks = new Map<number, Filled>()

  /** @param room whether one more consumer may be judged */
  constructor(objective: Objective, timeZone: string, consumers: Ask['consumers'], room: () => boolean) {
    this.#room = room
    this.objective = objective
    this.timeZone = timeZone
    this.#consumers = consumers
    if (objective.per === undefined) this.#names.push(objective.consumer ?? '')
  }

  /** Consumers that are not judged, as there are too many. */
  get leftOut(): number {
    return this.#left.size
  }

  get consumers(): number {
    return this.#names.length
  }

  /** Days that have blocks, as epoch milliseconds, oldest first. */
  get days(): number[] {
    return [...new Set(this.#layout?.blocks.map(({ startMs }) => Math.floor(startMs / DAY) * DAY))]
  }

  /**
   * Moves on to `atMs`, and says what is to be counted: blocks that are new, those of the last minutes, and those of the
   * days where calls have arrived.
   */
  advance(atMs: number, stale: ReadonlySet<number>, known: Known): Ask[] {
    const layout = layoutOf(this.objective, this.timeZone, atMs)
    if (this.#layout?.phaseMs !== layout.phaseMs) this.#blocks.clear()
    this.#layout = layout
    const kept = new Map<number, Filled>()
    const wanted: Block[] = []
    for (const block of layout.blocks) {
      const there = this.#blocks.get(block.startMs)
      const fresh = there?.widthMs === block.widthMs
      if (fresh) kept.set(block.startMs, there)
      const end = block.startMs + block.widthMs
      if (!fresh || end > atMs - limits.objectiveHotMs || touches(stale, block.startMs, end)) wanted.push(block)
    }
    this.#blocks = kept
    if (this.objective.per !== undefined) this.#forget()
    return this.#asks(wanted, known)
  }

  /** Blocks side by side that are counted in the same place are asked for at once. */
  #asks(wanted: readonly Block[], known: Known): Ask[] {
    const asks: { -readonly [K in keyof Ask]: Ask[K] }[] = []
    for (const { startMs, widthMs } of wanted) {
      const source = sourceOf(this.objective, startMs, widthMs, known)
      const last = asks.at(-1)
      const long =
        this.objective.per !== undefined && last !== undefined && startMs - last.fromMs >= limits.objectiveAskMs
      if (last?.toMs === startMs && last.blockMs === widthMs && last.source === source && !long) {
        last.toMs = startMs + widthMs
        continue
      }
      asks.push({
        objective: this.objective,
        source,
        fromMs: startMs,
        toMs: startMs + widthMs,
        blockMs: widthMs,
        phaseMs: this.#layout!.phaseMs % widthMs,
        consumers: this.#consumers,
      })
    }
    return asks
  }

  /** Takes the answer to one ask in the place of what was there. */
  fill({ fromMs, toMs, blockMs }: Ask, rows: readonly Counted[]): void {
    const cells = new Map<number, number[]>()
    for (let startMs = fromMs; startMs < toMs; startMs += blockMs) cells.set(startMs, [])
    for (const row of rows) {
      const number = this.#number(row.consumer)
      if (number === undefined) continue
      row.blocks.forEach((start, i) => {
        const figures = [row.calls[i]!, row.bad[i]!, row.slices[i]!, row.parts[i]!, row.unsure[i]!]
        cells.get(start * 1000)?.push(number, ...figures)
      })
    }
    for (const [startMs, filled] of cells) this.#blocks.set(startMs, { startMs, widthMs: blockMs, cells: filled })
  }

  /** Makes room for others: consumers whose last call has left every block are no longer numbered. */
  #forget(): void {
    const day = Math.floor(this.#layout!.endMs / DAY)
    if (day === this.#day) return
    this.#day = day
    const names: string[] = []
    const numbers = new Map<number, number>()
    for (const { cells } of this.#blocks.values()) {
      for (let i = 0; i < cells.length; i += STRIDE) {
        const old = cells[i]!
        if (!numbers.has(old)) numbers.set(old, names.push(this.#names[old]!) - 1)
        cells[i] = numbers.get(old)!
      }
    }
    this.#names = names
    this.#numbers = new Map(names.map((name, number) => [name, number]))
    this.#left.clear()
  }

  #number(consumer: string): number | undefined {
    if (this.objective.per === undefined) return 0
    const known = this.#numbers.get(consumer)
    if (known !== undefined) return known
    if (this.#names.length >= limits.objectiveGroups || !this.#room()) {
      if (this.#left.size < limits.objectiveGroups) this.#left.add(consumer)
      return undefined
    }
    this.#numbers.set(consumer, this.#names.length)
    return this.#names.push(consumer) - 1
  }

  /** Everything there is to judge, for each consumer with calls in the window; over all also without. */
  counts(): { consumer: string; layout: Layout; counts: ObjectiveCounts }[] {
    const layout = this.#layout
    if (layout === undefined) return []
    const { startMs } = layout.window
    const window = this.#sums(startMs, layout.endMs)
    const recent = layout.recentMs.map((fromMs) => this.#sums(fromMs, layout.endMs))
    return this.#names.flatMap((consumer, i) => {
      if (this.objective.per !== undefined && window[i * STRIDE + 1] === 0) return []
      const whole = this.#count(window, i, startMs, layout.endMs)
      const counts: ObjectiveCounts = {
        ...whole,
        unsureCalls: window[i * STRIDE + 5]!,
        ahead: this.#ahead(layout),
        recent: layout.recentMs.map((fromMs, j) => ({
          overMs: lookbacksMs[j]!,
          ...this.#count(recent[j]!, i, fromMs, layout.endMs),
        })),
      }
      return [{ consumer, layout, counts }]
    })
  }

  /** Sums by consumer over the blocks of [fromMs, toMs). */
  #sums(fromMs: number, toMs: number): Float64Array {
    const sums = new Float64Array(this.#names.length * STRIDE)
    for (const { startMs, widthMs } of this.#layout?.blocks ?? []) {
      if (startMs < fromMs || startMs + widthMs > toMs) continue
      const cells = this.#blocks.get(startMs)?.cells ?? []
      for (let i = 0; i < cells.length; i += STRIDE) {
        const at = cells[i]! * STRIDE
        for (let j = 1; j < STRIDE; j++) sums[at + j]! += cells[i + j]!
      }
    }
    return sums
  }

  /** In what is judged: calls, or (parts of) slices with those that had no calls. */
  #count(sums: Float64Array, i: number, fromMs: number, toMs: number): Count {
    const [calls, badCalls, slices, parts] = sums.subarray(i * STRIDE + 1, i * STRIDE + 5) as unknown as number[]
    if (this.objective.method === 'occurrences') {
      return { calls: calls!, badCalls: badCalls!, total: calls!, bad: badCalls!, silent: 0 }
    }
    const { empty } = this.objective
    const silent = Math.max(0, slicesIn(this.objective, fromMs, toMs) - slices!)
    const total = slices! + (empty === 'ignore' ? 0 : silent)
    const bad = parts! + (empty === 'bad' ? silent * sliceParts : 0)
    return { calls: calls!, badCalls: badCalls!, total: total * sliceParts, bad, silent }
  }

  /** Slices of a calendar window that are still to come, as each of them will count. */
  #ahead({ window, endMs }: Layout): number {
    const { calendar, method, empty } = this.objective
    if (calendar === undefined || method === 'occurrences' || empty === 'ignore') return 0
    return slicesIn(this.objective, Math.max(endMs, window.startMs), window.endMs) * sliceParts
  }
}

function touches(days: ReadonlySet<number>, startMs: number, endMs: number): boolean {
  for (let day = Math.floor(startMs / DAY) * DAY; day < endMs; day += DAY) if (days.has(day)) return true
  return false
}

function sourceOf(objective: Objective, startMs: number, widthMs: number, { sinceMs, callsFromMs }: Known): Source {
  const endMs = startMs + widthMs
  const cut = objective.exclude.some(
    ({ fromMs, toMs }) => fromMs < endMs && toMs > startMs && (fromMs % QUARTER !== 0 || toMs % QUARTER !== 0),
  )
  const sliced = objective.method !== 'occurrences' && objective.sliceMs % QUARTER !== 0
  const minutes = cut || sliced || widthMs % QUARTER !== 0
  if (objective.latencyBelowUs !== undefined && (sinceMs === undefined || startMs < sinceMs)) {
    if (startMs >= callsFromMs) return 'calls'
    return minutes ? 'hist_1m' : 'hist_15m'
  }
  // The quarters that are not over are counted by minutes.
  return minutes ? 'calls_1m' : 'calls_15m'
}
