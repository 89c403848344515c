import { limits } from '../limits.ts'

/** What became of one attempt. */
export interface Outcome {
  /**
   * `delivered`: 2xx. `later`: worth another attempt. `refused`: the receiver will not have this notice. `gone`: 410,
   * the receiver will not have any. `cut`: we stopped before the answer.
   */
  readonly kind: 'delivered' | 'later' | 'refused' | 'gone' | 'cut'
  /** HTTP status, 0 without an answer. */
  readonly status: number
  /** Empty when delivered. */
  readonly error: string
  /** From the receiver's Retry-After. */
  readonly retryAfterMs: number | undefined
}

/**
 * One POST. It never throws, follows no redirect (a redirect could lead a notice anywhere), and its messages do not
 * contain the URL.
 */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  stop: AbortSignal,
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(limits.noticeTimeoutMs)
  try {
    const { address, authorization } = withoutPassword(url)
    const response = await fetch(address, {
      method: 'POST',
      headers: { ...headers, ...authorization, 'content-type': 'application/json', 'user-agent': 'callsight' },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([stop, timeout]),
    })
    return judge(response, await firstWords(response))
  } catch (error) {
    if (stop.aborted) return { kind: 'cut', status: 0, error: 'stopped', retryAfterMs: undefined }
    const words = timeout.aborted ? `no answer within ${limits.noticeTimeoutMs / 1000} s` : causeOf(error)
    return { kind: 'later', status: 0, error: words, retryAfterMs: undefined }
  }
}

/** fetch refuses a user and password inside a URL (and repeats the URL when it does): they go into their header. */
function withoutPassword(url: string): { address: URL; authorization: Record<string, string> } {
  const address = new URL(url)
  const { username, password } = address
  if (username === '' && password === '') return { address, authorization: {} }
  address.username = ''
  address.password = ''
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { address, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
}

function judge({ status, headers }: Response, words: string): Outcome {
  const retryAfterMs = waitOf(headers.get('retry-after'))
  const outcome = (kind: Outcome['kind'], error: string): Outcome => ({ kind, status, error, retryAfterMs })
  if (status >= 200 && status < 300) return outcome('delivered', '')
  if (status >= 300 && status < 400) return outcome('refused', `HTTP ${status}: redirects are not followed`)
  const error = words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`
  if (status === 410) return outcome('gone', error)
  return outcome(status >= 500 || status === 408 || status === 429 ? 'later' : 'refused', error)
}

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
function waitOf(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** The start of the answer, for the record; the rest is not read. */
async function firstWords(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const { value } = await reader.read()
  reader.cancel().catch(() => {})
  const text = new TextDecoder().decode(value?.subarray(0, limits.noticeAnswerChars))
  return text.replace(/\s+/g, ' ').trim()
}

/** fetch hides the reason, such as a refused connection, in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (!(cause instanceof Error)) return 'the request failed'
  const { code } = cause as NodeJS.ErrnoException
  return code === undefined ? cause.message : `the connection failed: ${code}`
}
