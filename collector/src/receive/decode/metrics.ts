import type { About } from '../decoder.ts'
import { Kept } from './attributes.ts'
import { lastField } from './field.ts'
import { key } from './keys.ts'
import type { Origin, Origins } from './origin.ts'
import { fields, type Reader } from './reader.ts'
import { type Refusals, runtimeMetrics } from './refusals.ts'
import { Report } from './report.ts'
import type { Slots } from './slots.ts'
import { Span } from './span.ts'
import type { Tables } from './tables.ts'
import { decode, Text } from './text.ts'

const AGENT = 'callsight.agent.'
const pointFields = fields(2, 3, 4, 6, 7, 8)

/**
 * Reads an ExportMetricsServiceRequest: what our agents tell of themselves into `agent_reports`, and the numbers of
 * processes and their runtimes into `runtime_metrics`. All else is counted as not kept.
 */
export class Metrics {
  readonly #reader: Reader
  readonly #slots: Slots
  readonly #origins: Origins
  readonly #tables: Tables
  readonly #refusals: Refusals
  readonly #report: Report
  readonly #kept: Kept
  readonly #metric = new Text()
  readonly #text = new Text()
  /** Of the point that was read last: its times, and its value. */
  readonly #times = new Span()
  #value = 0

  constructor(reader: Reader, slots: Slots, origins: Origins, tables: Tables, refusals: Refusals) {
    this.#reader = reader
    this.#slots = slots
    this.#origins = origins
    this.#tables = tables
    this.#refusals = refusals
    this.#report = new Report(tables.agent_reports)
    this.#kept = new Kept(slots)
  }

  read(end: number, about: About): void {
    const reader = this.#reader
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag !== 0x0a) {
        reader.skip(tag, end, fields(1))
        continue
      }
      const last = reader.length(end)
      const start = reader.at
      const [from, to] = lastField(reader, last, fields(1, 2))
      const origin = this.#origins.read(from, to, about)
      reader.at = start
      while (reader.at < last) {
        const part = reader.tag(last)
        if (part === 0x12) this.#scopeMetrics(reader.length(last), origin)
        else reader.skip(part, last)
      }
    }
  }

  #scopeMetrics(end: number, origin: Origin): void {
    const reader = this.#reader
    this.#report.begin()
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x12) this.#readMetric(reader.length(end), origin)
      else reader.skip(tag, end, fields(2))
    }
    this.#report.write(origin, this.#refusals)
  }

  #readMetric(end: number, origin: Origin): void {
    const reader = this.#reader
    const start = reader.at
    const [from, to] = lastField(reader, end, fields(1, 5, 7, 9, 10, 11))
    const name = decode(reader.bytes, from, Math.min(to, from + 200))
    const ours = name.startsWith(AGENT)
    const read = ours || runtimeMetrics.some((prefix) => name.startsWith(prefix))
    this.#metric.bytes = reader.bytes
    this.#metric.view = reader.view
    this.#metric.start = from
    this.#metric.end = to
    reader.at = start
    while (reader.at < end) {
      const tag = reader.tag(end)
      if ((tag === 0x2a || tag === 0x3a) && read) this.#points(reader.length(end), origin, ours ? name : undefined)
      else if (tag === 0x2a || tag === 0x3a || tag === 0x4a || tag === 0x52 || tag === 0x5a) {
        this.#countPoints(reader.length(end))
      } else reader.skip(tag, end)
    }
  }

  /** Points of kinds and names that are not read: histograms, summaries, and whatever others measure. */
  #countPoints(end: number): void {
    const reader = this.#reader
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x0a) {
        reader.at = reader.length(end)
        this.#refusals.add('metric_not_read')
      } else reader.skip(tag, end, fields(1))
    }
  }

  /** @param report the metric's name when it is one of an agent's report */
  #points(end: number, origin: Origin, report: string | undefined): void {
    const reader = this.#reader
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag !== 0x0a) {
        reader.skip(tag, end, fields(1))
        continue
      }
      const recorded = this.#readPoint(reader.length(end))
      if (report !== undefined) this.#addToReport(report.slice(AGENT.length))
      else if (recorded) this.#writePoint(origin)
    }
  }

  /** @returns false when the point says that there is no value */
  #readPoint(end: number): boolean {
    const reader = this.#reader
    const slots = this.#slots
    const times = this.#times
    let recorded = true
    times.begin(reader)
    slots.begin()
    this.#value = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x3a) slots.read(reader.length(end))
      else if (tag === 0x11) {
        reader.fixed64(end)
        times.endUs = reader.thousands
        times.endRest = reader.rest
      } else if (tag === 0x19) {
        reader.fixed64(end)
        times.startUs = reader.thousands
        times.startRest = reader.rest
      } else if (tag === 0x21) this.#value = reader.double(end)
      else if (tag === 0x31) this.#value = reader.sfixed64(end)
      else if (tag === 0x40) recorded = reader.number(end) % 2 === 0
      else reader.skip(tag, end, pointFields)
    }
    return recorded && Number.isFinite(this.#value)
  }

  #addToReport(name: string): void {
    const slots = this.#slots
    const { startUs, endUs } = this.#times
    slots.text(key.reason, this.#text)
    const reason = this.#text.clipped()
    slots.text(key.feature, this.#text)
    this.#report.add(name, this.#value, { reason, feature: this.#text.clipped() }, startUs, endUs)
  }

  #writePoint(origin: Origin): void {
    if (this.#refusals.badTime(this.#times)) return
    const table = this.#tables.runtime_metrics
    const { columns } = table
    columns.ts.uint64(Math.floor(this.#times.startUs / 1000))
    columns.env.push(origin.env)
    columns.service.push(origin.service)
    columns.instance.push(origin.instance)
    columns.metric.push(this.#metric)
    this.#kept.write(columns.attributes, false)
    columns.value.float64(this.#value)
    table.rows++
  }
}
