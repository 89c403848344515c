import http from 'node:http'
import https from 'node:https'
import { withoutTracing } from '../foreign.ts'
import { ANSWER_BYTES, RETRY_AFTER_LONGEST, SEND_TIME } from '../limits.ts'
import { ownRequest } from '../own.ts'
import { plainRequest } from '../vendors.ts'

/** What became of one request. */
export type Answer =
  | { kind: 'accepted'; body: Buffer }
  | { kind: 'refused'; reason: 'refused' | 'too_large'; text: string }
  /** Worth another try; `after` is what the server asked for, in milliseconds; `stale`: it had only closed an idle connection. */
  | { kind: 'later'; text: string; after?: number; reached: boolean; stale?: true }

/** https://opentelemetry.io/docs/specs/otlp/#failures-1 */
const RETRYABLE = new Set([429, 502, 503, 504])

/** Posts to one collector over one kept-alive connection that never holds the process up. */
export class Sender {
  readonly #base: URL
  readonly #headers: Record<string, string>
  readonly #agent: http.Agent

  constructor(endpoint: string, headers: Record<string, string>, userAgent: string) {
    this.#base = new URL(endpoint)
    this.#headers = {
      'user-agent': userAgent,
      ...headers,
      'content-type': 'application/x-protobuf',
    }
    const options = { keepAlive: true, maxSockets: 1 }
    this.#agent = this.#base.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options)
  }

  /** The full address and headers, for the last send at exit. */
  target(path: string, compressed: boolean): { url: string; headers: Record<string, string> } {
    const url = this.#base.origin + this.#base.pathname.replace(/\/$/, '') + path
    return { url, headers: compressed ? { ...this.#headers, 'content-encoding': 'gzip' } : this.#headers }
  }

  /** Never rejects. */
  post(path: string, body: Buffer, compressed = false): Promise<Answer> {
    return new Promise((resolve) => {
      const { url, headers } = this.target(path, compressed)
      const options = { method: 'POST', agent: this.#agent, headers: { ...headers, 'content-length': body.length } }
      const request = withoutTracing(() => ownRequest(() => plainRequest(url, options)))
      request.on('response', (response) => {
        collect(response, (answer) => {
          clearTimeout(deadline)
          resolve(toAnswer(response, answer))
        })
      })
      const deadline = setTimeout(() => {
        request.destroy(new Error(`no answer within ${SEND_TIME / 1000} s`))
      }, SEND_TIME).unref()
      request.on('socket', (socket) => socket.unref())
      request.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(deadline)
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        const text = error.code ?? error.message
        resolve({ kind: 'later', text, reached: false, ...(stale && { after: 0, stale }) })
      })
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function collect(response: http.IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= ANSWER_BYTES) chunks.push(chunk)
  })
  // 'close' comes after 'end' as well as after a broken connection; the status decides either way.
  response.on('error', () => {})
  response.on('close', () => done(Buffer.concat(chunks)))
}

function toAnswer(response: http.IncomingMessage, body: Buffer): Answer {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return { kind: 'accepted', body }
  const text = `HTTP ${status}`
  if (!RETRYABLE.has(status)) return { kind: 'refused', reason: status === 413 ? 'too_large' : 'refused', text }
  const after = retryAfter(response.headers['retry-after'])
  return { kind: 'later', text, reached: true, ...(after !== undefined && { after }) }
}

/** Milliseconds of a `Retry-After` header, which is a number of seconds or a date (RFC 9110 §10.2.3). */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), RETRY_AFTER_LONGEST) : undefined
}
