import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { Overloaded, Refused, Unwritable, type Writer } from '../store/writer.ts'
import type { Door, Pass } from '../token.ts'
import type { Consumers } from './consumer.ts'
import { countLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts'
import { Operations } from './operation.ts'
import { Undecodable } from './otlp.ts'
import { countLogs, decodeMetrics, decodeTraces } from './protobuf.ts'
import { contentTypes, failure, type Signal, success, type Wire } from './reply.ts'
import { reportRows } from './report.ts'
import { Resends } from './resend.ts'
import { type Rejections, traceRows } from './traces.ts'

/** An answer other than 200, with the words for it. */
class Refusal extends Error {
  readonly status: number
  readonly retryAfter: number | undefined
  constructor(status: number, message: string, retryAfter?: number) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** What a request did: how many of its things were not taken, and why. */
interface Result {
  rejected: number
  message: string
}

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const

/** Where a request comes from. */
interface About {
  env: string | undefined
  /** SHA-256 of its token. */
  token: string
  /** Recognises the request when it is sent again. */
  key: string
}

interface Parts {
  writer: Writer
  door: Door
  consumers: Consumers
  /** Keys of requests that an earlier run stored: their senders may not know it yet. */
  stored: readonly [key: string, at: number][]
  log: Logger
}

/**
 * The OTLP/HTTP listener. A request is answered 200 when its rows are in the engine, and in its own content type
 * always. Only 429 and 503 ask the client to come again; every other refusal is final.
 * Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP".
 */
export function receiver({ writer, door, consumers, stored, log }: Parts): FastifyInstance {
  const server = Fastify({ bodyLimit: limits.requestBytes })
  const operations = new Operations()
  const resends = new Resends<Result>()
  resends.remember(stored, rejected({}))
  const passes = new WeakMap<FastifyRequest, Pass>()

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  const signals: Record<Signal, (wire: Wire, body: Buffer, about: About) => Promise<Result>> = {
    async traces(wire, body, { env, token, key }) {
      const groups = wire === 'json' ? decodeTracesJson(body) : decodeTraces(body)
      const { batch, rejections } = traceRows(groups, { env, token, operations, consumers, now: Date.now() })
      await writer.add(batch, key)
      return rejected(rejections)
    },
    async metrics(wire, body, { env, key }) {
      const groups = wire === 'json' ? decodeMetricsJson(body) : decodeMetrics(body)
      const { rows, others } = reportRows(groups, env)
      await writer.add({ agent_reports: rows }, key)
      return rejected(others === 0 ? {} : { 'not kept: Callsight reads only callsight.agent.* metrics': others })
    },
    async logs(wire, body) {
      const records = wire === 'json' ? countLogsJson(body) : countLogs(body)
      return rejected(records === 0 ? {} : { 'not kept: Callsight reads no log records yet': records })
    },
  }

  for (const signal of Object.keys(signals) as Signal[]) {
    server.post(`/v1/${signal}`, async (request, reply) => {
      const wire = wireOf(request)
      const { token, digest } = passes.get(request)!
      const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const work = resends.once(`${signal} ${digest}`, raw, async (key) => {
        const body = await decompress(request.headers['content-encoding'], raw)
        return signals[signal](wire, body, { env: token?.env, token: digest, key })
      })
      const result = await inTime(work)
      metrics.requests.inc({ signal, status: 200 })
      return reply.type(contentTypes[wire]).send(success(wire, signal, result.rejected, result.message))
    })
  }
  // Before a large body is read.
  server.addHook('onRequest', async (request) => {
    const pass = door.admit(request.headers.authorization)
    if ('refused' in pass) throw new Refusal(401, pass.refused)
    passes.set(request, pass)
  })
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const { status, message, retryAfter } = asRefusal(error)
    if (status >= 500 && status !== 503) log.error({ error }, 'an OTLP request failed')
    metrics.requests.inc({ signal: signalOf(request.url), status })
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    return answer(request, reply.code(status), status, message)
  })
  server.setNotFoundHandler((request, reply) =>
    answer(
      request,
      reply.code(404),
      404,
      `there is no ${request.method} ${request.url.slice(0, 100)}; OTLP goes to POST /v1/traces`,
    ),
  )
  return server
}

function answer(request: FastifyRequest, reply: FastifyReply, status: number, message: string): FastifyReply {
  const wire = request.headers['content-type']?.startsWith('application/x-protobuf') ? 'protobuf' : 'json'
  return reply.type(contentTypes[wire]).send(failure(wire, status, message))
}

function wireOf(request: FastifyRequest): Wire {
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf'
  if (type === 'application/json') return 'json'
  throw new Refusal(415, `content type ${JSON.stringify(type)}: send application/x-protobuf or application/json`)
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

function asRefusal(error: Error & { statusCode?: number }): {
  status: number
  message: string
  retryAfter?: number | undefined
} {
  if (error instanceof Refusal) return { status: error.status, message: error.message, retryAfter: error.retryAfter }
  if (error instanceof Undecodable || error instanceof Refused) return { status: 400, message: error.message }
  if (error instanceof Unwritable) return { status: 503, message: error.message, retryAfter: limits.retryAfterS }
  if (error instanceof Overloaded) return { status: 429, message: error.message, retryAfter: limits.retryAfterS }
  if (error.statusCode === 413) {
    return { status: 413, message: `the body is larger than ${limits.requestBytes} bytes: send smaller batches` }
  }
  const status = error.statusCode ?? 500
  return { status, message: status >= 500 ? 'the collector failed; its log says why' : error.message }
}

function signalOf(url: string): string {
  return /^\/v1\/(traces|metrics|logs)$/.exec(url)?.[1] ?? 'other'
}

function rejected(rejections: Rejections): Result {
  const causes = Object.entries(rejections)
  return {
    rejected: causes.reduce((sum, [, number]) => sum + number, 0),
    message: causes.map(([cause, number]) => `${number} ${cause}`).join('; '),
  }
}
