import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { Door, Pass } from '../token.ts'
import type { Intake } from './intake.ts'
import { Refusal } from './refusal.ts'
import { contentTypes, failure, type Signal, success, type Wire } from './reply.ts'

const signals: readonly Signal[] = ['traces', 'metrics', 'logs']

/**
 * The OTLP/HTTP listener. A request is answered when the intake has taken it, and in its own content type
 * always. Only 429 and 503 ask the client to come again; every other refusal is final.
 * Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP".
 */
export function receiver({ intake, door, log }: { intake: Intake; door: Door; log: Logger }): FastifyInstance {
  const server = Fastify({ bodyLimit: limits.requestBytes })
  const passes = new WeakMap<FastifyRequest, Pass>()

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  for (const signal of signals) {
    server.post(`/v1/${signal}`, async (request, reply) => {
      const wire = wireOf(request)
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const encoding = request.headers['content-encoding']
      const result = await intake.take({ signal, wire, encoding, body, pass: passes.get(request)! })
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

function asRefusal(error: Error & { statusCode?: number }): {
  status: number
  message: string
  retryAfter?: number | undefined
} {
  if (error instanceof Refusal) return error
  if (error.statusCode === 413) {
    return { status: 413, message: `the body is larger than ${limits.requestBytes} bytes: send smaller batches` }
  }
  const status = error.statusCode ?? 500
  return { status, message: status >= 500 ? 'the collector failed; its log says why' : error.message }
}

function signalOf(url: string): string {
  return /^\/v1\/(traces|metrics|logs)$/.exec(url)?.[1] ?? 'other'
}
