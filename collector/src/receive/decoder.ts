import type { Consumer } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Block } from '../spool/block.ts'
import { Consumers } from './consumer.ts'
import { Callers } from './decode/callers.ts'
import { Calls } from './decode/calls.ts'
import { Counting, type Counts } from './decode/counts.ts'
import { Logs } from './decode/logs.ts'
import { Metrics } from './decode/metrics.ts'
import { Names } from './decode/names.ts'
import { OperationNames } from './decode/operations.ts'
import { Origins } from './decode/origin.ts'
import { Payloads } from './decode/payloads.ts'
import { Reader } from './decode/reader.ts'
import { Refusals } from './decode/refusals.ts'
import { Slots } from './decode/slots.ts'
import { Spans } from './decode/spans.ts'
import { Tables } from './decode/tables.ts'
import { Traces } from './decode/traces.ts'
import { transcode } from './decode/transcode.ts'
import { UpstreamLimits } from './decode/upstreams.ts'
import { Weights } from './decode/weight.ts'
import { Undecodable } from './otlp.ts'
import type { Signal, Wire } from './reply.ts'

/** What a request did: how many of its things were not taken, and why. */
export interface Result {
  rejected: number
  message: string
}

/** Whom a request comes from, by its token. */
export interface About {
  /** The environment that the token is for; it has the last word. */
  env: string | undefined
  /** SHA-256 of the token, hexadecimal; empty without one. */
  token: string
}

interface Options {
  consumers: readonly Consumer[]
  /** CALLSIGHT_KEY_SECRET. */
  keySecret: string | undefined
  /** What is older than this is not taken, in milliseconds: retention would drop it at once. */
  pastMs: number
  /** The clock, milliseconds since 1970. */
  now?: () => number
}

/**
 * Decodes OTLP requests straight into the columns of ClickHouse blocks: each request is read once, where it lies, and
 * no object is made for a span or an attribute.
 */
export class Decoder {
  readonly #now: () => number
  readonly #reader = new Reader()
  readonly #tables = new Tables()
  readonly #counting = new Counting()
  readonly #names = new Names(this.#counting)
  readonly #refusals: Refusals
  readonly #callers: Callers
  readonly #operations: OperationNames
  readonly #upstreams: UpstreamLimits
  readonly #signals: Record<Signal, { read(end: number, about: About): void }>

  constructor({ consumers, keySecret, pastMs, now = Date.now }: Options) {
    this.#now = now
    const reader = this.#reader
    const tables = this.#tables
    const counting = this.#counting
    const slots = new Slots(reader)
    const origins = new Origins(reader, slots)
    this.#refusals = new Refusals(counting, pastMs)
    this.#callers = new Callers(new Consumers(consumers, keySecret), this.#names, counting)
    this.#operations = new OperationNames(slots, this.#names, counting)
    const calls = new Calls(tables.calls, slots, this.#operations, this.#callers)
    const payloads = new Payloads(tables.payloads, reader, slots, counting)
    this.#upstreams = new UpstreamLimits(tables.upstream_limits, slots, counting)
    const upstreams = this.#upstreams
    const spans = new Spans(tables.spans, reader, slots)
    const weights = new Weights(reader)
    const refusals = this.#refusals
    this.#signals = {
      traces: new Traces({ reader, slots, origins, calls, payloads, upstreams, spans, weights, refusals }),
      logs: new Logs({ reader, slots, origins, tables, calls, payloads, refusals }),
      metrics: new Metrics(reader, slots, origins, tables, refusals),
    }
  }

  /** Takes the consumers and the retention of a new configuration. */
  configure(consumers: readonly Consumer[], pastMs: number): void {
    this.#callers.configure(consumers)
    this.#refusals.pastMs = pastMs
  }

  /**
   * Decodes one request, unpacked, into the open blocks. All or nothing: what cannot be decoded leaves no row.
   *
   * @throws Undecodable that says where the request stops making sense
   */
  take(signal: Signal, wire: Wire, body: Buffer, about: About): Result {
    const now = this.#now()
    if (this.#names.begin(now)) {
      this.#callers.clear()
      this.#operations.clear()
      this.#upstreams.clear()
    }
    this.#refusals.begin(now)
    this.#upstreams.begin(now)
    this.#tables.mark()
    const before = this.rows
    try {
      const end = this.#reader.open(wire === 'json' ? transcode(signal, body) : body)
      this.#signals[signal].read(end, about)
      this.#upstreams.write()
      const more = this.rows - before
      if (more > limits.requestRows) {
        throw new Undecodable(`${more} rows in one request, the limit is ${limits.requestRows}: send smaller batches`)
      }
      this.#callers.tell(this.#tables)
    } catch (error) {
      this.#tables.rollback()
      this.#callers.forget()
      throw error
    } finally {
      // Nothing keeps the request in memory.
      this.#reader.open(Buffer.alloc(0))
    }
    return this.#refusals.result(signal)
  }

  /** Rows waiting in the open blocks. */
  get rows(): number {
    return this.#tables.rows
  }

  /** What the open blocks take, in bytes. */
  get bytes(): number {
    return this.#tables.bytes
  }

  /** The open blocks, one for each table that has rows, `calls` last; starts anew. */
  drain(): Block[] {
    return this.#tables.drain()
  }

  /** What was rejected, withheld and renamed since this was asked last; undefined for nothing. */
  counts(): Counts | undefined {
    return this.#counting.take()
  }
}
