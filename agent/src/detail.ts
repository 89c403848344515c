import type { Account, PayloadReason } from './account.ts'
import { type Call, type Headers, queryOf } from './call.ts'
import { type Body, keptBody } from './capture/body.ts'
import { decode } from './decode.ts'
import type { Feature } from './health.ts'
import { DETAIL_TIME, HEADER_LENGTH, HEADERS, PENDING_DETAILS } from './limits.ts'
import type { Redactor } from './redact/redactor.ts'
import type { Reason } from './sample.ts'

/** What a call carries beside its record, redacted: nothing in here is raw any more. */
export interface Detail {
  reason: Reason
  /** Id of the rule set that was applied. */
  redaction: string
  query: string
  requestHeaders: readonly HeaderField[]
  answerHeaders: readonly HeaderField[]
  /** UTF-8 text. */
  requestBody: Buffer | undefined
  responseBody: Buffer | undefined
  requestTruncated: boolean
  responseTruncated: boolean
}

export type HeaderField = readonly [name: string, values: readonly string[]]

/**
 * Makes the detail of a call: content codings are taken off (in the thread pool), everything is redacted (here, within
 * a budget of time, so that a storm of failures cannot cost the host more than a few percent).
 */
export class Details {
  readonly #redactor: Redactor
  readonly #limit: number
  readonly #account: Account
  readonly #feature: Feature
  readonly #pending = new Set<() => void>()
  #second = 0
  #spent = 0
  #idle: (() => void)[] = []

  /** @param limit bytes of each body, before and after decoding */
  constructor(redactor: Redactor, limit: number, account: Account, feature: Feature) {
    this.#redactor = redactor
    this.#limit = limit
    this.#account = account
    this.#feature = feature
  }

  /**
   * Hands the detail to `done`, at once or, where a body has to be decoded first, soon; undefined when it is lost,
   * which has then been counted. `call` must still know its answer. Never throws.
   */
  make(call: Call, reason: Reason, now: number, done: (detail: Detail | undefined) => void): void {
    const lost = this.#feature.off ? 'error' : this.#tooBusy(now) ? 'busy' : undefined
    if (lost !== undefined) {
      this.#lose(lost)
      done(undefined)
      return
    }
    if (call.bodyLost) this.#lose('memory')
    const request = this.#feature.contain(() => keptBody(call, 'request'))
    const response = hasBody(call) ? this.#feature.contain(() => keptBody(call, 'response')) : undefined
    const answer = this.#feature.contain(() => call.kind.answerHeaders(call)) ?? {}
    if (!request?.coding && !response?.coding) {
      done(this.#redact(call, reason, answer, plain(request), plain(response)))
      return
    }
    if (this.#pending.size >= PENDING_DETAILS) {
      this.#lose('memory')
      done(undefined)
      return
    }
    this.#decodeThen(request, response, (requestText, responseText) =>
      done(this.#redact(call, reason, answer, requestText, responseText)),
    )
  }

  /** Resolves when nothing is being decoded. */
  settled(): Promise<void> {
    return this.#pending.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  /** The event loop is gone: what is still being decoded goes without its bodies. */
  abandon(): void {
    for (const finish of [...this.#pending]) finish()
  }

  #decodeThen(
    request: Body | undefined,
    response: Body | undefined,
    then: (request: Text | undefined, response: Text | undefined) => void,
  ): void {
    const texts: { request?: Text | undefined; response?: Text | undefined } = {}
    let open = 2
    const finish = () => {
      if (!this.#pending.delete(finish)) return
      then(texts.request, texts.response)
      if (this.#pending.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
    this.#pending.add(finish)
    const part = (side: 'request' | 'response', body: Body | undefined) => {
      if (!body?.coding) {
        texts[side] = plain(body)
        open -= 1
        return
      }
      const { contentType, truncated } = body
      decode(body.read(), body.coding, this.#limit, (bytes, cut) => {
        if (bytes === undefined) this.#account.dropPayload('undecodable')
        else texts[side] = { bytes, contentType, truncated: truncated || cut }
        open -= 1
        if (open === 0) finish()
      })
    }
    part('request', request)
    part('response', response)
  }

  #redact(
    call: Call,
    reason: Reason,
    answer: Headers,
    request: Text | undefined,
    response: Text | undefined,
  ): Detail | undefined {
    const begun = performance.now()
    try {
      const redactor = this.#redactor
      const query = queryOf(call.url)
      return {
        reason,
        redaction: redactor.id,
        query: query === '' ? '' : redactor.query(query),
        requestHeaders: this.#headers(call.headers),
        answerHeaders: this.#headers(answer),
        requestBody: request && redactor.body(request.bytes, request.contentType, !request.truncated),
        responseBody: response && redactor.body(response.bytes, response.contentType, !response.truncated),
        requestTruncated: request?.truncated ?? false,
        responseTruncated: response?.truncated ?? false,
      }
    } catch (error) {
      this.#feature.fault(error)
      this.#lose('error')
      return undefined
    } finally {
      this.#spent += performance.now() - begun
    }
  }

  #headers(headers: Headers): HeaderField[] {
    const fields: HeaderField[] = []
    for (const name in headers) {
      const raw = headers[name]
      // HTTP/2 keeps method, path and query among the fields; they are told elsewhere, redacted as what they are.
      if (raw === undefined || fields.length >= HEADERS || name.startsWith(':')) continue
      const values: string[] = []
      for (const value of Array.isArray(raw) ? raw : [raw]) {
        // A cut value could end in the middle of a secret that is no longer recognised.
        const text = String(value)
        const kept = text.length > HEADER_LENGTH ? undefined : this.#redactor.header(name, text)
        if (kept !== undefined) values.push(kept)
      }
      if (values.length > 0) fields.push([name, values])
    }
    return fields
  }

  #tooBusy(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#spent = 0
    }
    return this.#spent > DETAIL_TIME
  }

  #lose(reason: PayloadReason): void {
    this.#account.dropPayload(reason)
  }
}

interface Text {
  bytes: Uint8Array
  contentType: string
  truncated: boolean
}

function plain(body: Body | undefined): Text | undefined {
  return body && { bytes: body.read(), contentType: body.contentType, truncated: body.truncated }
}

/** What was written to an answer that has no body never left the process. */
function hasBody({ method, status }: Call): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304 && status >= 200
}
