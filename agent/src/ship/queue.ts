import { constants, gzip, gzipSync } from 'node:zlib'
import type { Account } from '../account.ts'
import { BATCH_BYTES, QUEUE_BYTES, QUEUE_CALLS, SPANS_PER_BATCH } from '../limits.ts'
import { Bytes } from './bytes.ts'
import { encodeScope, encodeTraces, type ReadableSpan, writeSpan } from './otlp.ts'

/** The calls and spans of one request: sealed, hence the same bytes at every attempt. */
export interface Batch {
  /** The request body, compressed as soon as that is done. */
  body: Buffer
  compressed: boolean
  ready: Promise<void>
  calls: number
  spans: number
  /** Unanswered attempts so far, and when the first was made (milliseconds). */
  attempts: number
  firstTried: number
}

interface Scope {
  scope: Buffer
  spans: Bytes
}

/** Level 1 costs a third of the default and takes nine tenths of what there is to take from such repetitive bytes. */
const GZIP = { level: constants.Z_BEST_SPEED }

/**
 * What waits to be sent: one open batch that calls are written into, and sealed ones in order. Bounded in bytes and in
 * calls; when full the oldest batch that is not on its way is dropped, since a newer call tells more about now.
 */
export class Queue {
  /** Calls of the open batch, already encoded. */
  readonly calls = new Bytes(BATCH_BYTES + 16 * 1024)
  readonly sealed: Batch[] = []
  /** The batch on its way; it is the head of `sealed` and cannot be dropped. */
  sending: Batch | undefined
  readonly #resource: Buffer
  readonly #scope: Buffer
  readonly #account: Account
  readonly #inner = new Map<string, Scope>()
  #openCalls = 0
  #openSpans = 0
  #innerBytes = 0
  #bytes = 0
  #queuedCalls = 0

  constructor(resource: Buffer, scope: Buffer, account: Account) {
    this.#resource = resource
    this.#scope = scope
    this.#account = account
  }

  /** Whether nothing has been written into the open batch yet. */
  get fresh(): boolean {
    return this.#openCalls + this.#openSpans === 0
  }

  /** Bytes and calls that wait, the open batch included. */
  get bytes(): number {
    return this.#bytes + this.calls.length + this.#innerBytes
  }
  get waiting(): number {
    return this.#queuedCalls + this.#openCalls
  }

  /** To be called after a call was written into `calls`. Returns true when the batch is full. */
  wroteCall(): boolean {
    this.#openCalls += 1
    return this.calls.length + this.#innerBytes >= BATCH_BYTES
  }

  /** Returns true when the batch is full. */
  addSpan(scope: string, version: string | undefined, span: ReadableSpan, textLimit: number): boolean {
    if (this.#openSpans >= SPANS_PER_BATCH) {
      this.#account.spansDropped += 1
      return true
    }
    const key = `${scope}\0${version ?? ''}`
    let inner = this.#inner.get(key)
    if (inner === undefined) {
      inner = { scope: encodeScope(scope, version), spans: new Bytes(4096) }
      this.#inner.set(key, inner)
    }
    const before = inner.spans.length
    try {
      writeSpan(inner.spans, span, textLimit)
    } catch (error) {
      inner.spans.length = before
      throw error
    }
    this.#innerBytes += inner.spans.length - before
    this.#openSpans += 1
    return this.calls.length + this.#innerBytes >= BATCH_BYTES
  }

  /** Closes the open batch and starts compressing it. */
  seal(): void {
    if (this.fresh) return
    const scopes = [...this.#inner.values()]
    if (this.#openCalls > 0) scopes.unshift({ scope: this.#scope, spans: this.calls })
    const batch: Batch = {
      body: encodeTraces(this.#resource, scopes),
      compressed: false,
      ready: Promise.resolve(),
      calls: this.#openCalls,
      spans: this.#openSpans,
      attempts: 0,
      firstTried: 0,
    }
    this.calls.length = 0
    this.#inner.clear()
    this.#openCalls = this.#openSpans = this.#innerBytes = 0
    this.sealed.push(batch)
    this.#bytes += batch.body.length
    this.#queuedCalls += batch.calls
    batch.ready = this.#compress(batch)
    this.#makeRoom()
  }

  /** The batch has been accepted, refused or given up. */
  remove(batch: Batch): void {
    const at = this.sealed.indexOf(batch)
    if (at < 0) return
    this.sealed.splice(at, 1)
    this.#bytes -= batch.body.length
    this.#queuedCalls -= batch.calls
  }

  #makeRoom(): void {
    while ((this.#bytes > QUEUE_BYTES || this.#queuedCalls > QUEUE_CALLS) && this.sealed.length > 1) {
      const oldest = this.sealed[0] === this.sending ? this.sealed[1]! : this.sealed[0]!
      this.remove(oldest)
      this.#account.drop('queue_full', oldest.calls)
      this.#account.spansDropped += oldest.spans
    }
  }

  #compress(batch: Batch): Promise<void> {
    return new Promise((resolve) => {
      gzip(batch.body, GZIP, (error, body) => {
        // At exit the batch may have been compressed meanwhile, see `compressNow`.
        if (error === null && !batch.compressed) this.#replace(batch, body)
        resolve()
      })
    })
  }

  /** For the last send at exit, when nothing asynchronous happens any more. */
  compressNow(batch: Batch): void {
    if (!batch.compressed) this.#replace(batch, gzipSync(batch.body, GZIP))
  }

  #replace(batch: Batch, body: Buffer): void {
    if (this.sealed.includes(batch)) this.#bytes += body.length - batch.body.length
    batch.body = body
    batch.compressed = true
  }
}
