import type { Consumer } from '../config/config.ts'
import { type Block, type WrittenTable, writtenTables } from '../spool/block.ts'
import type { Row } from '../store/store.ts'
import { Consumers } from './consumer.ts'
import { countLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts'
import { Operations } from './operation.ts'
import { countLogs, decodeMetrics, decodeTraces } from './protobuf.ts'
import type { Signal, Wire } from './reply.ts'
import { reportRows } from './report.ts'
import { traceRows } from './traces.ts'

/** What a request did: how many of its things were not taken, and why. */
export interface Result {
  rejected: number
  message: string
}

/** Whose request it is. */
export interface About {
  env: string | undefined
  /** SHA-256 of its token, hexadecimal; empty without one. */
  token: string
}

/** Makes rows of requests and gathers them until they are drained. */
export class Decoder {
  readonly #consumers: Consumers
  readonly #operations = new Operations()
  #lines = new Map<WrittenTable, { text: string[]; columns: Set<string> }>()
  #rows = 0
  #bytes = 0

  constructor(options: { consumers: readonly Consumer[]; keySecret: string | undefined; pastMs: number }) {
    this.#consumers = new Consumers(options.consumers, options.keySecret)
  }

  configure(consumers: readonly Consumer[]): void {
    this.#consumers.configure(consumers)
  }

  /** All or nothing: what cannot be decoded leaves no row. @throws Undecodable */
  take(signal: Signal, wire: Wire, body: Buffer, { env, token }: About): Result {
    if (signal === 'logs') {
      const records = wire === 'json' ? countLogsJson(body) : countLogs(body)
      return rejected(records === 0 ? {} : { 'not kept: Callsight reads no log records yet': records })
    }
    if (signal === 'metrics') {
      const { rows, others } = reportRows(wire === 'json' ? decodeMetricsJson(body) : decodeMetrics(body), env)
      this.#add('agent_reports', rows)
      return rejected(others === 0 ? {} : { 'not kept: Callsight reads only callsight.agent.* metrics': others })
    }
    const about = { env, token, operations: this.#operations, consumers: this.#consumers, now: Date.now() }
    const { batch, rejections } = traceRows(wire === 'json' ? decodeTracesJson(body) : decodeTraces(body), about)
    for (const table of writtenTables) this.#add(table, batch[table] ?? [])
    return rejected(rejections)
  }

  get rows(): number {
    return this.#rows
  }

  get bytes(): number {
    return this.#bytes
  }

  /** One block for each table that has rows; starts anew. */
  drain(): Block[] {
    const blocks: Block[] = []
    for (const [table, { text, columns }] of this.#lines) {
      const structure = [...columns].join(', ')
      blocks.push({ table, format: 'JSONEachRow', structure, rows: text.length, bytes: Buffer.from(text.join('')) })
    }
    this.#lines = new Map()
    this.#rows = 0
    this.#bytes = 0
    return blocks
  }

  #add(table: WrittenTable, rows: readonly Row[]): void {
    if (rows.length === 0) return
    const lines = this.#lines.get(table) ?? { text: [], columns: new Set() }
    this.#lines.set(table, lines)
    for (const row of rows) {
      const line = `${JSON.stringify(row)}\n`
      for (const column in row) lines.columns.add(column)
      lines.text.push(line)
      this.#bytes += line.length
    }
    this.#rows += rows.length
  }
}

function rejected(rejections: Record<string, number>): Result {
  const causes = Object.entries(rejections)
  return {
    rejected: causes.reduce((sum, [, number]) => sum + number, 0),
    message: causes.map(([cause, number]) => `${number} ${cause}`).join('; '),
  }
}
