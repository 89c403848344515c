import { limits } from '../../limits.ts'
import type { FixedColumn } from './column.ts'
import type { MapColumn } from './map.ts'
import type { Origin } from './origin.ts'
import type { Refusals } from './refusals.ts'
import { Span } from './span.ts'
import type { Tables } from './tables.ts'
import { Text } from './text.ts'

/** Metrics of one number, by the name after callsight.agent., which is also the column each goes to. */
const numbers = [
  'seen',
  'sent',
  'spans_dropped',
  'payloads_kept',
  'work_us',
  'queue_bytes',
  'queue_calls',
  'open_calls',
] as const
/** Metrics with one number for each value of an attribute. */
const divided = { dropped: 'reason', payloads_dropped: 'reason', faults: 'feature' } as const

type Part = keyof typeof divided

/**
 * The row of `agent_reports` of what an agent tells of itself: counters, cumulative since its start, and gauges of the
 * moment. Nothing of it that has no column is a reason to tell a newer agent off.
 */
export class Report {
  readonly #table: Tables['agent_reports']
  readonly #text = new Text()
  readonly #time = new Span()
  #numbers = new Map<string, number>()
  #parts = emptyParts()
  #disabled: string[] = []
  #points = 0
  #startUs = 0

  constructor(table: Tables['agent_reports']) {
    this.#table = table
  }

  begin(): void {
    if (this.#points === 0) return
    this.#numbers.clear()
    this.#parts = emptyParts()
    this.#disabled = []
    this.#points = 0
    this.#time.startUs = 0
    this.#startUs = 0
  }

  /**
   * @param timeUs of the point, microseconds since 1970
   * @param startUs since when it counts, 0 when it does not say
   */
  add(name: string, value: number, by: { reason: string; feature: string }, timeUs: number, startUs: number): void {
    const number = Math.min(Math.max(0, Math.floor(value)) || 0, Number.MAX_SAFE_INTEGER)
    if ((numbers as readonly string[]).includes(name)) this.#numbers.set(name, number)
    else if (Object.hasOwn(divided, name)) this.#addPart(name as Part, by[divided[name as Part]], number)
    else if (name !== 'disabled') return
    else if (number > 0 && this.#disabled.length < limits.reportParts) this.#disabled.push(by.feature)
    this.#points++
    if (timeUs > this.#time.startUs) this.#time.startUs = timeUs
    if (startUs > 0 && (this.#startUs === 0 || startUs < this.#startUs)) this.#startUs = startUs
  }

  #addPart(name: Part, by: string, number: number): void {
    const part = this.#parts[name]
    if (part.size < limits.reportParts || part.has(by)) part.set(by, number)
  }

  write(origin: Origin, refusals: Refusals): void {
    if (this.#points === 0 || this.#time.startUs === 0) return
    const bad = refusals.badTime(this.#time, this.#points)
    if (bad) return
    const { columns } = this.#table
    columns.ts.uint64(Math.floor(this.#time.startUs / 1000))
    columns.env.push(origin.env)
    columns.service.push(origin.service)
    columns.instance.push(origin.instance)
    columns.version.push(origin.distro)
    columns.started_at.uint64(Math.floor(this.#startUs / 1000))
    for (const name of numbers) columns[name].uint64(this.#numbers.get(name) ?? 0)
    this.#writeParts(columns.dropped, this.#parts.dropped)
    this.#writeParts(columns.payloads_dropped, this.#parts.payloads_dropped)
    this.#writeParts(columns.faults, this.#parts.faults)
    for (const feature of this.#disabled.sort()) {
      this.#text.set(feature)
      columns.disabled.values.push(this.#text)
    }
    columns.disabled.end()
    this.#table.rows++
  }

  #writeParts(to: MapColumn<FixedColumn>, parts: Map<string, number>): void {
    for (const [name, number] of parts) {
      this.#text.set(name)
      to.keys.push(this.#text)
      to.values.uint64(number)
    }
    to.end()
  }
}

function emptyParts(): Record<Part, Map<string, number>> {
  return { dropped: new Map(), payloads_dropped: new Map(), faults: new Map() }
}
