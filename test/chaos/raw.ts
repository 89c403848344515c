import { Agent, request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { pause } from './program.ts'

/** Longest that one attempt may take: what exporters usually allow. */
const ATTEMPT_MS = 10_000
/** Requests on their way or waiting for their next attempt; the sender makes no new ones beyond. */
const OPEN = 40

/** One export request and all that became of it. */
export interface Sent {
  /** Its trace id, which no other request has. */
  id: string
  /** Spans that are to be stored, and those of a clock that is 20 minutes ahead. */
  spans: number
  ahead: number
  /** Spans that also make a row of `payloads`. */
  payloads: number
  attempts: number
  acknowledged: boolean
}

/**
 * Sends requests of its own making and keeps the account of each. What is not acknowledged is sent again with the same
 * bytes until it is; some of what is acknowledged is sent again too: beside the first, at once, after a minute, after the
 * next start of the collector.
 */
export class RawSender {
  readonly service: string
  readonly requests: Sent[] = []
  /** Answers by HTTP status, `cut` and `late` for attempts without one. */
  readonly answers: Record<string, number> = {}
  resends = 0
  /** What no sender should ever hear: refusals that are final, and acknowledgements that say something else. */
  readonly complaints: string[] = []
  /** Longest time without a 200, in milliseconds. */
  longestOutage = 0
  readonly #url: string
  readonly #random: () => number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 })
  readonly #open = new Set<Promise<void>>()
  readonly #later: { due: number; again: () => Promise<void> }[] = []
  #afterStart: (() => Promise<void>)[] = []
  #answeredAt = performance.now()

  /** @param url of /v1/traces */
  constructor(service: string, url: string, random: () => number) {
    this.service = service
    this.#url = url
    this.#random = random
  }

  /** Sends `rate` requests a second until `stopped`, then sees to it that all are acknowledged. */
  async run(rate: number, stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      if (this.#open.size < OPEN) this.#begin(() => this.#send())
      while (this.#later[0] !== undefined && this.#later[0].due < performance.now()) {
        this.#begin(this.#later.shift()!.again)
      }
      await pause((500 + 1000 * this.#random()) / rate)
    }
    this.collectorStarted()
    for (const { again } of this.#later.splice(0)) this.#begin(again)
    while (this.#open.size > 0) await Promise.all(this.#open)
    this.#agent.destroy()
  }

  collectorStarted(): void {
    for (const again of this.#afterStart.splice(0)) this.#begin(again)
  }

  #begin(work: () => Promise<void>): void {
    const running = work().finally(() => this.#open.delete(running))
    this.#open.add(running)
  }

  async #send(): Promise<void> {
    const { sent, body, encoding } = this.#make()
    this.requests.push(sent)
    const deliver = () => this.#deliver(sent, body, encoding)
    const again = () => {
      this.resends++
      return deliver()
    }
    const fate = this.#random()
    if (fate < 0.03) await Promise.all([deliver(), again()])
    else await deliver()
    if (fate > 0.94) await again()
    else if (fate > 0.91) this.#later.push({ due: performance.now() + 60_000, again })
    else if (fate > 0.86) this.#afterStart.push(again)
  }

  async #deliver(sent: Sent, body: Buffer, encoding: string | undefined): Promise<void> {
    for (;;) {
      sent.attempts++
      const { status, text, retryAfterMs } = await this.#post(body, encoding)
      this.answers[status] = (this.answers[status] ?? 0) + 1
      if (status === '200') {
        const now = performance.now()
        this.longestOutage = Math.max(this.longestOutage, now - this.#answeredAt)
        this.#answeredAt = now
        this.#check(sent, text)
        sent.acknowledged = true
        return
      }
      if (/^\d/.test(status) && !['429', '502', '503', '504'].includes(status)) {
        this.complaints.push(`${this.service} ${sent.id}: refused for good with ${status} ${text.slice(0, 200)}`)
      }
      await pause(Math.max(100, Math.min(retryAfterMs, 1000)) + 500 * Math.random())
    }
  }

  /** The rejected are those ahead; of a request known from an earlier life the collector may not tell them again. */
  #check(sent: Sent, text: string): void {
    let rejected = Number.NaN
    try {
      rejected = Number(JSON.parse(text).partialSuccess?.rejectedSpans ?? 0)
    } catch {
      // The answer was cut after its status, and the status is what counts.
      if (!text.endsWith('}')) return
    }
    if (rejected === sent.ahead || (rejected === 0 && sent.attempts > 1)) return
    this.complaints.push(
      `${this.service} ${sent.id}: ${sent.ahead} spans are ahead, and the answer is ${text.slice(0, 200)}`,
    )
  }

  #post(body: Buffer, encoding: string | undefined): Promise<{ status: string; text: string; retryAfterMs: number }> {
    return new Promise((resolve) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': body.length,
        ...(encoding !== undefined && { 'content-encoding': encoding }),
      }
      let late = false
      const attempt = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        response.on('error', () => {})
        response.on('close', () => {
          clearTimeout(timer)
          const retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1000
          resolve({ status: String(response.statusCode), text, retryAfterMs })
        })
      })
      const timer = setTimeout(() => {
        late = true
        attempt.destroy(new Error('late'))
      }, ATTEMPT_MS)
      attempt.on('error', () => {
        clearTimeout(timer)
        resolve({ status: late ? 'late' : 'cut', text: '', retryAfterMs: 0 })
      })
      attempt.end(body)
    })
  }

  /** A request of 1 to 100 spans. A few have spans of a clock that is ahead, a few reach back into yesterday. */
  #make(): { sent: Sent; body: Buffer; encoding: string | undefined } {
    const random = this.#random
    const id = Buffer.from(this.service.padEnd(8).slice(0, 8)).toString('hex') + hex(this.requests.length, 16)
    const sent: Sent = { id, spans: 0, ahead: 0, payloads: 0, attempts: 0, acknowledged: false }
    const isAhead = random() < 0.05
    const isOld = random() < 0.05
    const spans: object[] = []
    for (let n = Math.ceil(random() * 100); n > 0; n--) {
      const ahead = isAhead && random() < 0.5
      const payload = !ahead && random() < 0.05
      if (ahead) sent.ahead++
      else sent.spans++
      if (payload) sent.payloads++
      const start = Date.now() + (ahead ? 20 * 60_000 : isOld ? -random() * 24 * 3600_000 : -random() * 1000)
      spans.push(span(id, hex(spans.length + 1, 16), start, random, payload))
    }
    const resource = {
      attributes: attributes({ 'service.name': this.service, 'service.instance.id': `${this.service}-1` }),
    }
    const body = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }))
    return random() < 0.5 ? { sent, body, encoding: undefined } : { sent, body: gzipSync(body), encoding: 'gzip' }
  }
}

function span(traceId: string, id: string, startMs: number, random: () => number, payload: boolean): object {
  const startNs = BigInt(Math.round(startMs * 1000)) * 1000n
  return {
    traceId,
    // Unique over all requests: the end of the trace id is the request's number.
    spanId: traceId.slice(-10) + id.slice(-6),
    name: 'GET',
    kind: 2,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + BigInt(Math.round(10 ** (3 + random() * 6)))),
    attributes: attributes({
      'http.request.method': 'GET',
      'http.route': `/things/${Math.floor(random() * 20)}`,
      'http.response.status_code': random() < 0.05 ? 500 : 200,
      'enduser.id': `consumer-${Math.floor(random() * 50)}`,
      ...(payload && { 'http.response.header.content-type': ['application/json'] }),
    }),
  }
}

function attributes(values: Record<string, string | number | string[]>): object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: Array.isArray(value)
      ? { arrayValue: { values: value.map((text) => ({ stringValue: text })) } }
      : typeof value === 'number'
        ? { intValue: value }
        : { stringValue: value },
  }))
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
