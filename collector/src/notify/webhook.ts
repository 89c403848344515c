import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { limits } from '../limits.ts'
import { checkHost, type Guard, guardedLookup, PrivateAddress } from './guard.ts'

/** What became of one attempt. */
export interface Outcome {
  /**
   * `delivered`: 2xx. `later`: worth another attempt. `refused`: the receiver will not have this notice. `gone`: 410,
   * the receiver will not have any. `cut`: we stopped before the answer.
   */
  readonly kind: 'delivered' | 'later' | 'refused' | 'gone' | 'cut'
  /** HTTP status, or that of SMTP; 0 without an answer. */
  readonly status: number
  /** Empty when delivered. */
  readonly error: string
  /** From the receiver's Retry-After. */
  readonly retryAfterMs: number | undefined
}

export interface Letter {
  readonly url: string
  readonly method?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a receiver said. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As much of its body as is read. */
  readonly text: string
}

/**
 * One request, a POST unless it says otherwise. It never throws, follows no redirect (a redirect could lead a notice
 * anywhere), connects to no address that the guard refuses, and its messages do not contain the URL.
 *
 * @param judge what an answer means, where a service has rules of its own
 */
export async function post(
  letter: Letter,
  guard: Guard,
  stop: AbortSignal,
  judge: (answer: Answer) => Outcome = judgeAnswer,
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(limits.noticeTimeoutMs)
  try {
    return judge(await exchange(letter, guard, AbortSignal.any([stop, timeout])))
  } catch (error) {
    if (stop.aborted) return outcomeOf('cut', 'stopped')
    return outcomeOf('later', timeout.aborted ? `no answer within ${limits.noticeTimeoutMs / 1000} s` : causeOf(error))
  }
}

/** What an answer means by HTTP alone. */
export function judgeAnswer({ status, headers, text }: Answer): Outcome {
  const retryAfterMs = waitOf(headers['retry-after'])
  const outcome = (kind: Outcome['kind'], error: string): Outcome => ({ kind, status, error, retryAfterMs })
  if (status >= 200 && status < 300) return outcome('delivered', '')
  if (status >= 300 && status < 400) return outcome('refused', `HTTP ${status}: redirects are not followed`)
  const words = firstWords(text)
  const error = words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`
  if (status === 410) return outcome('gone', error)
  return outcome(status >= 500 || status === 408 || status === 429 ? 'later' : 'refused', error)
}

export function outcomeOf(kind: Outcome['kind'], error: string, status = 0, retryAfterMs?: number): Outcome {
  return { kind, status, error, retryAfterMs }
}

/** The start of an answer, for the record. */
export function firstWords(text: string): string {
  return text.slice(0, limits.noticeAnswerChars).replace(/\s+/g, ' ').trim()
}

/** The answer as JSON, or nothing when it is none. */
export function jsonOf<T extends object>({ text }: Answer): Partial<T> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** Why a connection failed. A code and not the message: that may repeat what was connected to. */
export function causeOf(error: unknown): string {
  if (error instanceof PrivateAddress) return error.message
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code === undefined ? 'the request failed' : `the connection failed: ${code}`
}

async function exchange({ url, method = 'POST', headers, body }: Letter, guard: Guard, signal: AbortSignal) {
  const { address, authorization } = withoutPassword(url)
  checkHost(address.hostname, guard)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = address.protocol === 'https:' ? requestHttps : requestHttp
    const options = {
      method,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'callsight',
        ...authorization,
        ...headers,
        'content-length': Buffer.byteLength(body),
      },
      // A connection of its own: one from a pool would have been checked by another's guard.
      agent: false,
      lookup: guardedLookup(guard),
      signal,
    }
    request(address, options, resolve).on('error', reject).end(body)
  })
  return { status: response.statusCode ?? 0, headers: response.headers, text: await readAnswer(response) }
}

/** A user and password inside a URL go into their header. */
function withoutPassword(url: string): { address: URL; authorization: Record<string, string> } {
  const address = new URL(url)
  const { username, password } = address
  if (username === '' && password === '') return { address, authorization: {} }
  address.username = ''
  address.password = ''
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { address, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

/** The status has decided by now: a body that breaks off, or does not end, is as good as what came of it. */
async function readAnswer(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const enough = setTimeout(() => response.destroy(), limits.noticeAnswerMs)
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= limits.noticeAnswerBytes) break
    }
  } catch {
  } finally {
    clearTimeout(enough)
    response.destroy()
  }
  return Buffer.concat(chunks).toString('utf8', 0, limits.noticeAnswerBytes)
}

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
function waitOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}
