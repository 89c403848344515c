import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { Overloaded, Refused, Unwritable, type Writer } from '../store/writer.ts'
import type { Pass } from '../token.ts'
import type { Consumers } from './consumer.ts'
import { countLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts'
import { Operations } from './operation.ts'
import { Undecodable } from './otlp.ts'
import { countLogs, decodeMetrics, decodeTraces } from './protobuf.ts'
import { Refusal } from './refusal.ts'
import type { Signal, Wire } from './reply.ts'
import { reportRows } from './report.ts'
import { Resends } from './resend.ts'
import { type Rejections, traceRows } from './traces.ts'

/** One export request, whichever listener it came through. */
export interface ExportRequest {
  signal: Signal
  wire: Wire
  /** Content coding of the body; undefined for none. */
  encoding: string | undefined
  body: Buffer
  pass: Pass
}

/** What a request did: how many of its things were not taken, and why. */
export interface Result {
  rejected: number
  message: string
}

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const

interface Parts {
  writer: Writer
  consumers: Consumers
  /** Keys of requests that an earlier run stored: their senders may not know it yet. */
  stored: readonly [key: string, at: number][]
}

/**
 * What every listener does with a request once it is let in: recognise it when it was sent before, unpack it, make rows
 * of it, and hand them to the store.
 */
export class Intake {
  readonly #writer: Writer
  readonly #consumers: Consumers
  readonly #operations = new Operations()
  readonly #resends = new Resends<Result>()

  constructor({ writer, consumers, stored }: Parts) {
    this.#writer = writer
    this.#consumers = consumers
    this.#resends.remember(stored, rejected({}))
  }

  /** Settles when what was taken is safe. @throws Refusal that says whether to come again */
  async take({ signal, wire, encoding, body, pass }: ExportRequest): Promise<Result> {
    const stopTimer = metrics.requestSeconds.startTimer({ signal })
    try {
      const work = this.#resends.once(`${signal} ${pass.digest}`, body, async (key) => {
        const unpacked = await decompress(encoding, body)
        return this.#store(signal, wire, unpacked, pass, key)
      })
      return await inTime(work)
    } catch (error) {
      throw asRefusal(error)
    } finally {
      stopTimer()
    }
  }

  async #store(signal: Signal, wire: Wire, body: Buffer, { token, digest }: Pass, key: string): Promise<Result> {
    if (signal === 'logs') {
      const records = wire === 'json' ? countLogsJson(body) : countLogs(body)
      return rejected(records === 0 ? {} : { 'not kept: Callsight reads no log records yet': records })
    }
    if (signal === 'metrics') {
      const groups = wire === 'json' ? decodeMetricsJson(body) : decodeMetrics(body)
      const { rows, others } = reportRows(groups, token?.env)
      await this.#writer.add({ agent_reports: rows }, key)
      return rejected(others === 0 ? {} : { 'not kept: Callsight reads only callsight.agent.* metrics': others })
    }
    const groups = wire === 'json' ? decodeTracesJson(body) : decodeTraces(body)
    const about = { env: token?.env, token: digest, operations: this.#operations, consumers: this.#consumers }
    const { batch, rejections } = traceRows(groups, { ...about, now: Date.now() })
    await this.#writer.add(batch, key)
    return rejected(rejections)
  }
}

async function decompress(encoding: string | undefined, body: Buffer): Promise<Buffer> {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '' || body.length === 0) return body
  if (!Object.hasOwn(decoders, name)) {
    throw new Refusal(415, `content encoding ${JSON.stringify(name)}: send gzip, deflate, br or none`)
  }
  try {
    return await decoders[name as keyof typeof decoders](body, { maxOutputLength: limits.requestBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Refusal(413, `the body is larger than ${limits.requestBytes} bytes when unpacked: send smaller batches`)
    }
    throw new Undecodable(`the body is not ${name}: ${(error as Error).message}`)
  }
}

/** Lets the client come again instead of waiting for ever; its repetition will find the work still under way. */
function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Refusal(503, 'ClickHouse is slow or away; the rows are waiting for it', limits.retryAfterS)),
      limits.answerMs,
    )
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** What the listener tells the client; anything unforeseen stays as it is. */
function asRefusal(error: unknown): unknown {
  if (error instanceof Undecodable || error instanceof Refused) return new Refusal(400, error.message)
  if (error instanceof Unwritable) return new Refusal(503, error.message, limits.retryAfterS)
  if (error instanceof Overloaded) return new Refusal(429, error.message, limits.retryAfterS)
  return error
}

function rejected(rejections: Rejections): Result {
  const causes = Object.entries(rejections)
  return {
    rejected: causes.reduce((sum, [, number]) => sum + number, 0),
    message: causes.map(([cause, number]) => `${number} ${cause}`).join('; '),
  }
}
