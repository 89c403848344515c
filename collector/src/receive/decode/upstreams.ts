import { limits } from '../../limits.ts'
import type { Value } from '../otlp.ts'
import { readQuotas } from '../upstream/header.ts'
import type { Dialect, Told } from '../upstream/told.ts'
import type { Calls } from './calls.ts'
import type { Counting } from './counts.ts'
import { key, QUOTA } from './keys.ts'
import type { Origin } from './origin.ts'
import type { Slots } from './slots.ts'
import type { Span } from './span.ts'
import type { Table, UpstreamColumns } from './tables.ts'
import { Text } from './text.ts'

const TTFB = key['callsight.ttfb_us']

/** What the answers of one request tell of one quota within one second: the newest word, and how many there were. */
interface Entry {
  readonly origin: Origin
  readonly peer: string
  readonly port: number
  policy: string
  unit: string
  dialect: Dialect
  allowed: number | undefined
  remaining: number | undefined
  resetAtMs: number | undefined
  windowS: number | undefined
  retryAtMs: number | undefined
  atUs: number
  calls: number
  refused: number
}

const UNNAMED: Told = {
  policy: '',
  unit: '',
  allowed: undefined,
  remaining: undefined,
  resetAtMs: undefined,
  windowS: undefined,
  dialect: 'none',
}

/**
 * Rows of `upstream_limits`: what answers to outgoing calls tell of quotas. Only few calls come here, and what they tell
 * is gathered until the end of the request: an agent's batch is a second of calls, which is one row for each quota.
 */
export class UpstreamLimits {
  readonly #table: Table<UpstreamColumns>
  readonly #slots: Slots
  readonly #counting: Counting
  readonly #entries = new Map<string, Entry>()
  /** Quotas seen since this day began: their names are the servers' to choose. */
  readonly #known = new Set<string>()
  readonly #fields = new Map<string, string>()
  readonly #text = new Text()
  #latestUs = 0

  constructor(table: Table<UpstreamColumns>, slots: Slots, counting: Counting) {
    this.#table = table
    this.#slots = slots
    this.#counting = counting
  }

  /** A new day. */
  clear(): void {
    this.#known.clear()
  }

  /** Begins a request. @param now milliseconds since 1970 */
  begin(now: number): void {
    this.#entries.clear()
    this.#latestUs = (now + limits.futureMs) * 1000
  }

  /** @param call an outgoing one, whose row has just been written */
  note(span: Span, origin: Origin, call: Calls, weight: number): void {
    this.#readFields()
    const { duration } = span
    const first = this.#slots.count(TTFB)
    // When the header came: as far as is told.
    const atUs = Math.min(span.startUs + (first > 0 ? Math.min(first, duration) : duration), this.#latestUs)
    const { quotas, retryAtMs, refused } = readQuotas(this.#fields, call.status, Math.floor(atUs / 1000))
    const turning = refused ? turningAway(quotas) : []
    if (refused && turning.length === 0) this.#add(origin, call, UNNAMED, atUs, weight, weight, retryAtMs)
    for (const told of quotas) {
      const turned = turning.includes(told)
      this.#add(origin, call, told, atUs, weight, turned ? weight : 0, turned ? retryAtMs : undefined)
    }
  }

  /** Ends a request. */
  write(): void {
    for (const entry of this.#entries.values()) this.#writeRow(entry)
    this.#entries.clear()
  }

  #readFields(): void {
    const slots = this.#slots
    const fields = this.#fields
    fields.clear()
    for (const header of slots.headers) {
      if ((slots.keys.uses[header]! & QUOTA) === 0) continue
      const name = slots.keys.names[header]!
      const text = slots.onlyText(header, this.#text) ? this.#text.toString() : textOf(slots.value(header))
      if (text === undefined) continue
      const before = fields.get(name)
      fields.set(name, before === undefined ? text : `${before}, ${text}`)
    }
  }

  #add(
    origin: Origin,
    call: Calls,
    told: Told,
    atUs: number,
    calls: number,
    refused: number,
    retryAtMs: number | undefined,
  ): void {
    const peer = call.peer.clipped()
    const { port } = call
    const quota = `${origin.env}\0${origin.service}\0${peer}\0${port}\0${told.policy}`
    const place = `${quota}\0${origin.instance}\0${Math.floor(atUs / 1000 / limits.upstreamRowMs)}`
    const known = this.#entries.get(place)
    if (known === undefined) {
      if (!this.#isRoom(quota)) this.#counting.overflowed('upstream')
      else this.#entries.set(place, { origin, peer, port, ...told, retryAtMs, atUs, calls, refused })
      return
    }
    known.calls += calls
    known.refused += refused
    if (retryAtMs !== undefined) known.retryAtMs = retryAtMs
    if (told.dialect === 'none') return
    // Spans lie in a request in the order they ended; the clock of most SDKs is not as exact as that.
    const slack = origin.ours ? 0 : limits.upstreamClockUs
    if (atUs + slack >= known.atUs || known.dialect === 'none') {
      Object.assign(known, told, { atUs: Math.max(atUs, known.dialect === 'none' ? 0 : known.atUs) })
    }
  }

  #isRoom(quota: string): boolean {
    if (this.#entries.size >= limits.upstreamRows) return false
    if (this.#known.has(quota)) return true
    if (this.#known.size >= limits.upstreamsKnown) return false
    this.#known.add(quota)
    return true
  }

  #writeRow(entry: Entry): void {
    const { columns } = this.#table
    const { origin } = entry
    const text = this.#text
    columns.ts.uint64(entry.atUs)
    columns.env.push(origin.env)
    columns.service.push(origin.service)
    columns.instance.push(origin.instance)
    for (const name of ['peer', 'policy', 'unit', 'dialect'] as const) {
      text.set(entry[name])
      columns[name].push(text)
    }
    columns.peer_port.uint16(entry.port)
    columns.allowed.uint64(entry.allowed)
    columns.remaining.uint64(entry.remaining)
    columns.resets_at.uint64(entry.resetAtMs)
    columns.window_s.uint64(entry.windowS)
    columns.retry_at.uint64(entry.retryAtMs)
    columns.calls.uint64(entry.calls)
    columns.refused.uint64(entry.refused)
    this.#table.rows++
  }
}

/** A field may be sent more than once, which is the same as once with commas. */
function textOf(value: Value | undefined): string | undefined {
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string').join(', ')
  return typeof value === 'object' || value === undefined ? undefined : String(value)
}

/** The quotas that a call was turned away for: those with nothing left, else the only one there is. */
function turningAway(quotas: readonly Told[]): readonly Told[] {
  const empty = quotas.filter(({ remaining }) => remaining === 0)
  return empty.length > 0 || quotas.length > 1 ? empty : quotas
}
