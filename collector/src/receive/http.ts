import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { Door, Pass } from '../token.ts'
import { Body, Receiving, refuseLarger } from './body.ts'
import { acceptEncoding, type Coding, codingOf } from './coding.ts'
import { guard } from './connections.ts'
import type { Intake } from './intake.ts'
import { Refusal } from './refusal.ts'
import { failure, type MediaType, mediaType, type Signal, success, type Wire } from './reply.ts'

const paths: ReadonlyMap<string, Signal> = new Map([
  ['/v1/traces', 'traces'],
  ['/v1/metrics', 'metrics'],
  ['/v1/logs', 'logs'],
])

interface Parts {
  intake: Intake
  door: Door
  log: Logger
  receiving?: Receiving
}

/** What the head of a request said. */
interface Head {
  pass: Pass
  wire: Wire
  type: MediaType
  coding: Coding | undefined
}

/** Node's request timeouts and parse errors come with the socket alone: what is being asked on it, for the answer. */
const asking = new WeakMap<Socket, { type: string | undefined; answered: boolean }>()

/**
 * The OTLP/HTTP listener. A request is answered when the intake has taken it, and in its own content type always. Only
 * 429 and 503 ask the client to come again; every other refusal is final. Whatever the head alone can tell is refused
 * before the body is read.
 * Source: opentelemetry-proto, docs/specification.md, "OTLP/HTTP".
 */
export function receiver({ intake, door, log, receiving = new Receiving() }: Parts): FastifyInstance {
  const server = Fastify({
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    http: {
      headersTimeout: limits.headMs,
      connectionsCheckingInterval: limits.lateCheckMs,
      maxHeaderSize: limits.headBytes,
    },
    clientErrorHandler: (error, socket) => answerUnparsed(error as NodeJS.ErrnoException, socket as Socket),
  })
  const heads = new WeakMap<FastifyRequest, Head>()
  guard(server.server, 'http')
  // Node would ask for the body at once; here it is asked for when the head has passed.
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.server.on(event, (request, response) => server.server.emit('request', request, response))
  }

  server.addHook('onRequest', async (request) => {
    asking.set(request.raw.socket, { type: request.headers['content-type'], answered: false })
    const pass = door.admit(request.headers.authorization)
    if ('refused' in pass) throw new Refusal(401, pass.refused)
    if (!request.is404) heads.set(request, readHead(request, pass))
  })
  server.addHook('onResponse', async (request) => {
    const asked = asking.get(request.raw.socket)
    if (asked !== undefined) asked.answered = true
  })
  server.addHook('preClose', async () => {
    setTimeout(() => server.server.closeAllConnections(), limits.closeMs).unref()
  })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', async (request: FastifyRequest) =>
    request.is404 ? undefined : readBody(request, receiving),
  )

  for (const [path, signal] of paths) {
    server.post(path, async (request, reply) => {
      const { pass, wire, type, coding } = heads.get(request)!
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const result = await intake.take({ signal, wire, encoding: coding, body, pass })
      metrics.requests.inc({ signal, status: 200 })
      return reply.type(type).send(success(wire, signal, result.rejected, result.message))
    })
  }
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const refusal = asRefusal(error)
    if (refusal.status >= 500 && refusal.status !== 503) log.error({ error }, 'an OTLP request failed')
    return answer(request, reply, refusal)
  })
  server.setNotFoundHandler((request, reply) => {
    if (request.method === 'OPTIONS' && paths.has(pathOf(request)))
      return reply.code(204).header('allow', 'POST').send()
    return answer(request, reply, notFound(request))
  })
  return server
}

/** @throws Refusal for all that can be told before the body is read */
function readHead(request: FastifyRequest, pass: Pass): Head {
  const { headers } = request
  const media = mediaType(headers['content-type'])
  if (media === undefined) {
    const given = JSON.stringify((headers['content-type'] ?? '').slice(0, 100))
    throw new Refusal(415, `content type ${given}: send application/x-protobuf or application/json`)
  }
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(headers['content-type']!)?.[1]
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw new Refusal(415, `charset ${JSON.stringify(charset.slice(0, 100))}: send UTF-8`)
  }
  const coding = codingOf(headers['content-encoding'])
  refuseLarger(announced(request) ?? 0)
  return { pass, ...media, coding }
}

/** Content-Length, or undefined where the sender does not know it yet. Node has checked that it is a number. */
function announced(request: FastifyRequest): number | undefined {
  const length = request.headers['content-length']
  return length === undefined ? undefined : Number(length)
}

function continueUpload(request: FastifyRequest): void {
  if (request.headers.expect?.toLowerCase() === '100-continue')
    request.raw.socket.write('HTTP/1.1 100 Continue\r\n\r\n')
}

/** @throws Refusal 413 or 429; what is still on its way is then read and thrown away, so that the answer arrives */
async function readBody(request: FastifyRequest, receiving: Receiving): Promise<Buffer> {
  const { raw } = request
  const body = new Body(receiving, announced(request))
  try {
    continueUpload(request)
    return await new Promise<Buffer>((resolve, reject) => {
      raw.on('data', (chunk: Buffer) => {
        try {
          body.push(chunk)
        } catch (error) {
          raw.removeAllListeners('data').resume()
          reject(error)
        }
      })
      raw.once('end', () => resolve(body.finish()))
      raw.once('error', () => reject(new Refusal(499, 'the client hung up before its request was in')))
    })
  } finally {
    body.drop()
  }
}

function answer(request: FastifyRequest, reply: FastifyReply, { status, message, retryAfter }: Refusal): FastifyReply {
  // Not again what was answered as late.
  if (asking.get(request.raw.socket)?.answered !== true) {
    metrics.requests.inc({ signal: paths.get(pathOf(request)) ?? 'other', status })
  }
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (status === 405) reply.header('allow', 'POST')
  if (status === 415) reply.header('accept-encoding', acceptEncoding)
  // The rest of the body is read, so the connection can stay; but whoever asked first may never send one.
  if (request.headers.expect === undefined) reply.removeHeader('connection')
  else reply.header('connection', 'close')
  const { type, wire } = mediaType(request.headers['content-type']) ?? { type: 'application/json', wire: 'json' }
  return reply
    .code(status)
    .type(type)
    .send(failure(wire, status, message))
}

function notFound(request: FastifyRequest): Refusal {
  const path = pathOf(request)
  if (paths.has(path)) return new Refusal(405, `${path} takes POST, not ${request.method}`)
  return new Refusal(404, `there is no ${request.method} ${request.url.slice(0, 100)}; OTLP goes to POST /v1/traces`)
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!
}

function asRefusal(error: Error & { statusCode?: number }): Refusal {
  if (error instanceof Refusal) return error
  const status = error.statusCode ?? 500
  return new Refusal(status, status >= 500 ? 'the collector failed; its log says why' : error.message)
}

/** Answers what never became a request, or not in time. Source: Node.js, http, event 'clientError'. */
function answerUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  const asked = asking.get(socket)
  if (error.code === 'ECONNRESET' || !socket.writable || asked?.answered === true) {
    socket.destroy()
    return
  }
  if (asked !== undefined) asked.answered = true
  const { status, message } = unparsed(error)
  metrics.requests.inc({ signal: 'other', status })
  const { type, wire } = mediaType(asked?.type) ?? { type: 'application/json', wire: 'json' }
  const body = failure(wire, status, message)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${type}`,
    `content-length: ${body.length}`,
    'connection: close',
  ]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]))
}

function unparsed({ code, message }: NodeJS.ErrnoException): Refusal {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal(408, `the request was not in whole after ${limits.requestMs / 1000} s`)
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal(431, `the head of the request is larger than ${limits.headBytes} bytes`)
    case 'HPE_PAUSED_H2_UPGRADE':
      return new Refusal(400, 'this is HTTP/2: OTLP over gRPC has a listener of its own')
    default:
      return new Refusal(400, `not HTTP: ${message}`)
  }
}
