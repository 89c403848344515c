import { type Block, type WrittenTable, writtenTables } from '../../spool/block.ts'
import { type Column, FixedColumn, NullableColumn, Output } from './column.ts'
import { DictionaryColumn } from './dictionary.ts'
import { ListColumn, MapColumn, NamesColumn } from './map.ts'
import { StringColumn } from './string.ts'

const time = (digits: 3 | 6) => new FixedColumn(`DateTime64(${digits}, 'UTC')`, 8)
const names = () => new DictionaryColumn()
const text = () => new StringColumn()
const flag = () => new FixedColumn('Bool', 1)
const uint16 = () => new FixedColumn('UInt16', 2)
const uint32 = () => new FixedColumn('UInt32', 4)
const uint64 = () => new FixedColumn('UInt64', 8)
const texts = () => new MapColumn(new StringColumn())
const counts = () => new MapColumn(uint64())
const lists = () => new MapColumn(new ListColumn(new StringColumn()))
const choice = (...values: readonly [name: string, number: number][]) =>
  new FixedColumn(`Enum8(${values.map(([name, number]) => `'${name}' = ${number}`).join(', ')})`, 1)
const direction = () => choice(['in', IN], ['out', OUT], ['probe', 3])

export const IN = 1
export const OUT = 2
/** Numbers of `outcome` in `calls`. */
export const OUTCOMES = { ok: 1, client_error: 2, server_error: 3, timeout: 4, aborted: 5 } as const

/**
 * The columns that are written of each table, in ClickHouse's own types: what the store keeps is in collector/sql. This
 * is the only place that names them.
 */
const columns = {
  calls: () => ({
    ts: time(6),
    direction: direction(),
    env: names(),
    service: names(),
    version: names(),
    instance: names(),
    consumer: text(),
    consumer_source: names(),
    consumer_verified: flag(),
    plan: names(),
    style: names(),
    operation: names(),
    operation_source: names(),
    method: names(),
    route: names(),
    path: text(),
    peer: names(),
    peer_port: uint16(),
    status: uint16(),
    outcome: choice(...Object.entries(OUTCOMES)),
    error_code: names(),
    duration_us: uint64(),
    ttfb_us: uint64(),
    loop_wait_us: uint64(),
    request_bytes: uint64(),
    response_bytes: uint64(),
    units: uint32(),
    weight: uint32(),
    client_address: text(),
    user_agent: names(),
    detail: names(),
    trace_id: text(),
    span_id: text(),
    parent_span_id: text(),
    attributes: texts(),
  }),
  payloads: () => ({
    ts: time(6),
    direction: direction(),
    env: names(),
    service: names(),
    operation: names(),
    consumer: text(),
    trace_id: text(),
    span_id: text(),
    detail: names(),
    redaction: names(),
    query: text(),
    request_headers: lists(),
    response_headers: lists(),
    request_body: text(),
    response_body: text(),
    request_truncated: flag(),
    response_truncated: flag(),
    request_bytes: uint64(),
    response_bytes: uint64(),
  }),
  upstream_limits: () => ({
    ts: time(6),
    env: names(),
    service: names(),
    instance: names(),
    peer: names(),
    peer_port: uint16(),
    policy: names(),
    unit: names(),
    dialect: names(),
    allowed: new NullableColumn(uint64()),
    remaining: new NullableColumn(uint64()),
    resets_at: new NullableColumn(time(3)),
    window_s: new NullableColumn(uint64()),
    retry_at: new NullableColumn(time(3)),
    calls: uint64(),
    refused: uint64(),
  }),
  spans: () => ({
    ts: time(6),
    env: names(),
    service: names(),
    trace_id: text(),
    span_id: text(),
    parent_span_id: text(),
    name: names(),
    kind: choice(['unspecified', 0], ['internal', 1], ['server', 2], ['client', 3], ['producer', 4], ['consumer', 5]),
    scope: names(),
    duration_us: uint64(),
    failed: flag(),
    message: text(),
    attributes: texts(),
  }),
  logs: () => ({
    ts: time(6),
    env: names(),
    service: names(),
    instance: names(),
    trace_id: text(),
    span_id: text(),
    severity_number: new FixedColumn('UInt8', 1),
    severity: names(),
    body: text(),
    attributes: texts(),
  }),
  runtime_metrics: () => ({
    ts: time(3),
    env: names(),
    service: names(),
    instance: names(),
    metric: names(),
    attributes: texts(),
    value: new FixedColumn('Float64', 8),
  }),
  agent_reports: () => ({
    ts: time(3),
    env: names(),
    service: names(),
    instance: text(),
    version: names(),
    started_at: time(3),
    seen: uint64(),
    sent: uint64(),
    dropped: counts(),
    spans_dropped: uint64(),
    payloads_kept: uint64(),
    payloads_dropped: counts(),
    faults: counts(),
    work_us: uint64(),
    queue_bytes: uint64(),
    queue_calls: uint64(),
    open_calls: uint64(),
    disabled: new NamesColumn(),
  }),
  consumers: () => ({ consumer: text(), name: text(), plan: names(), changed_at: time(3) }),
} as const satisfies Record<WrittenTable, () => Record<string, Column>>

/** One table's rows since the last block. */
export class Table<C extends Record<string, Column>> {
  readonly name: WrittenTable
  readonly columns: C
  /** Names and types of its columns, as ClickHouse's `file` and `input` want them. */
  readonly structure: string
  rows = 0
  #marked = 0
  readonly #list: readonly Column[]
  readonly #header: readonly Buffer[]

  constructor(name: WrittenTable, made: C) {
    this.name = name
    this.columns = made
    this.#list = Object.values(made)
    this.structure = Object.entries(made)
      .map(([column, { type }]) => `${column} ${type}`)
      .join(', ')
    this.#header = Object.entries(made).map(([column, { type }]) => Buffer.concat([lengthed(column), lengthed(type)]))
  }

  get size(): number {
    let size = 0
    for (const column of this.#list) size += column.size
    return this.rows === 0 ? 0 : size
  }

  mark(): void {
    this.#marked = this.rows
    for (const column of this.#list) column.mark()
  }

  rollback(): void {
    this.rows = this.#marked
    for (const column of this.#list) column.rollback()
  }

  /** The rows as a block, after which the table is empty; undefined without rows. */
  take(): Block | undefined {
    const { rows } = this
    if (rows === 0) return undefined
    const headers = this.#header.reduce((sum, header) => sum + header.length, 0)
    const to = new Output(20 + headers + this.size)
    to.varint(this.#list.length)
    to.varint(rows)
    for (let i = 0; i < this.#list.length; i++) {
      to.raw(this.#header[i]!)
      this.#list[i]!.write(to)
      this.#list[i]!.clear()
    }
    this.rows = 0
    const { name, structure } = this
    return { table: name, format: 'Native', rows, bytes: to.bytes.subarray(0, to.at), structure }
  }
}

function lengthed(text: string): Buffer {
  const to = new Output(Buffer.byteLength(text) + 5)
  to.varint(Buffer.byteLength(text))
  to.raw(Buffer.from(text))
  return to.bytes.subarray(0, to.at)
}

type Columns<T extends WrittenTable> = ReturnType<(typeof columns)[T]>
export type CallColumns = Columns<'calls'>
export type PayloadColumns = Columns<'payloads'>
export type UpstreamColumns = Columns<'upstream_limits'>

/** All tables of one decoder. */
export class Tables {
  readonly calls = new Table('calls', columns.calls())
  readonly payloads = new Table('payloads', columns.payloads())
  readonly upstream_limits = new Table('upstream_limits', columns.upstream_limits())
  readonly spans = new Table('spans', columns.spans())
  readonly logs = new Table('logs', columns.logs())
  readonly runtime_metrics = new Table('runtime_metrics', columns.runtime_metrics())
  readonly agent_reports = new Table('agent_reports', columns.agent_reports())
  readonly consumers = new Table('consumers', columns.consumers())

  get rows(): number {
    return writtenTables.reduce((sum, name) => sum + this[name].rows, 0)
  }

  get bytes(): number {
    return writtenTables.reduce((sum, name) => sum + this[name].size, 0)
  }

  mark(): void {
    for (const name of writtenTables) this[name].mark()
  }

  rollback(): void {
    for (const name of writtenTables) this[name].rollback()
  }

  drain(): Block[] {
    return writtenTables.map((name) => this[name].take()).filter((block) => block !== undefined)
  }
}
