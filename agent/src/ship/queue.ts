import { constants, gzip, gzipSync } from 'node:zlib'
import type { Account } from '../account.ts'
import { BATCH_BYTES, QUEUE_BYTES, QUEUE_CALLS, SPANS_PER_BATCH, SPARE_BUFFERS } from '../limits.ts'
import { Bytes } from './bytes.ts'
import { encodeScope, encodeTraces, type ReadableSpan, writeSpan } from './otlp.ts'

/** The calls and spans of one request: sealed, hence the same bytes at every attempt. */
export interface Batch {
  /** The request body, compressed once that is done, if it is to be. */
  body: Buffer
  compressed: boolean
  ready: Promise<void> | undefined
  /** Where the body lies, when the next but one batch may be written there. */
  pooled: Buffer | undefined
  calls: number
  spans: number
  /** The same calls without headers, bodies and inner spans, not compressed; undefined where they never had any. */
  bare: Buffer | undefined
  details: number
  /** Unanswered attempts so far, and when the first was made (milliseconds). */
  attempts: number
  firstTried: number
}

interface Scope {
  scope: Buffer
  spans: Bytes
}

/**
 * Which batches are compressed: `gzip` all, `none` none, `waiting` those that cannot be sent at once. For a collector on
 * the same machine, compressing costs the host more than sending; but a queue must hold as many calls as it can.
 */
export type Compression = 'gzip' | 'none' | 'waiting'

/** Level 1 costs a third of the default and takes nine tenths of what there is to take from such repetitive bytes. */
const GZIP = { level: constants.Z_BEST_SPEED }

/** A lean batch and the call that made it full, with room to spare. */
const LEAN_BYTES = BATCH_BYTES + 16 * 1024

/** A batch that is being written. */
class Open {
  /** Doubled four times it is as large as a lean batch can get. */
  readonly calls = new Bytes(LEAN_BYTES / 16)
  /** The same calls without their detail. */
  readonly bare = new Bytes(16)
  readonly inner = new Map<string, Scope>()
  innerBytes = 0
  callCount = 0
  spanCount = 0
  details = 0

  get bytes(): number {
    return this.calls.length + this.innerBytes
  }
  get full(): boolean {
    return this.bytes >= BATCH_BYTES
  }

  clear(): void {
    this.calls.length = this.bare.length = 0
    this.inner.clear()
    this.innerBytes = this.callCount = this.spanCount = this.details = 0
  }
}

/**
 * What waits to be sent: two open batches that calls are written into, the lean one for plain records, the rich one for
 * calls with headers and bodies and for inner spans; and sealed ones in order. Bounded in bytes and in calls. When full,
 * detail goes first: the rich batches are replaced by their bare twins; then the oldest batch that is not on its way is
 * dropped, since a newer call tells more about now.
 */
export class Queue {
  readonly sealed: Batch[] = []
  /** The batch on its way; it is the head of `sealed` and can be neither dropped nor changed. */
  sending: Batch | undefined
  readonly #resource: Buffer
  readonly #scope: Buffer
  readonly #account: Account
  readonly #compression: Compression
  readonly #lean = new Open()
  readonly #rich = new Open()
  /** Where the messages around the spans of the lean batch begin, and its first span. */
  #leanRequest = 0
  #leanScope = 0
  #leanStart = 0
  readonly #spare: Buffer[] = []
  #bytes = 0
  #queuedCalls = 0

  constructor(resource: Buffer, scope: Buffer, account: Account, compression: Compression = 'gzip') {
    this.#resource = resource
    this.#scope = scope
    this.#account = account
    this.#compression = compression
    this.#beginLean()
  }

  /** Whether nothing has been written into the open batches yet. */
  get fresh(): boolean {
    return this.#lean.callCount + this.#rich.callCount + this.#rich.spanCount === 0
  }

  /** Bytes and calls that wait, the open batches included. */
  get bytes(): number {
    return this.#bytes + this.#lean.bytes + this.#rich.bytes + this.#rich.bare.length
  }
  get waiting(): number {
    return this.#queuedCalls + this.#lean.callCount + this.#rich.callCount
  }

  /** Adds a call by `write`, which may throw: then nothing was added. Returns true when the batch is full. */
  addCall(write: (to: Bytes) => void): boolean {
    const { calls } = this.#lean
    const before = calls.length
    try {
      write(calls)
    } catch (error) {
      calls.length = before
      throw error
    }
    this.#lean.callCount += 1
    return this.#lean.full
  }

  /** Adds a call with its detail: `write` returns where the call begins, `detail` adds to it. Returns true when full. */
  addDetailed(write: (to: Bytes) => number, detail: (to: Bytes, message: number) => void): boolean {
    const { calls, bare } = this.#rich
    const before = calls.length
    const bareBefore = bare.length
    try {
      const message = write(calls)
      bare.raw(calls.buffer.subarray(before, calls.length))
      detail(calls, message)
    } catch (error) {
      calls.length = before
      bare.length = bareBefore
      throw error
    }
    this.#rich.callCount += 1
    this.#rich.details += 1
    return this.#rich.full
  }

  /** Returns true when the batch is full. */
  addSpan(scope: string, version: string | undefined, span: ReadableSpan, textLimit: number): boolean {
    const open = this.#rich
    if (open.spanCount >= SPANS_PER_BATCH) {
      this.#account.spansDropped += 1
      return true
    }
    const key = `${scope}\0${version ?? ''}`
    let inner = open.inner.get(key)
    if (inner === undefined) {
      inner = { scope: encodeScope(scope, version), spans: new Bytes(4096) }
      open.inner.set(key, inner)
    }
    const before = inner.spans.length
    try {
      writeSpan(inner.spans, span, textLimit)
    } catch (error) {
      inner.spans.length = before
      throw error
    }
    open.innerBytes += inner.spans.length - before
    open.spanCount += 1
    return open.full
  }

  /** Closes the open batches and starts compressing them. */
  seal(): void {
    this.#sealLean()
    this.#seal(this.#rich)
    this.#makeRoom()
  }

  /** What stands before the spans of a lean request is written into its buffer beforehand, so that nothing is copied. */
  #beginLean(): void {
    const { calls } = this.#lean
    calls.length = 0
    this.#leanRequest = calls.open(0x0a)
    calls.raw(this.#resource)
    this.#leanScope = calls.open(0x12)
    calls.raw(this.#scope)
    this.#leanStart = calls.length
  }

  #sealLean(): void {
    const open = this.#lean
    const { calls } = open
    if (calls.length === this.#leanStart) return
    calls.close(this.#leanScope)
    calls.close(this.#leanRequest)
    const raw = calls.buffer
    const body = raw.subarray(0, calls.length)
    // A new buffer for each batch would cost its page faults.
    calls.buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(LEAN_BYTES)
    this.#add(body, open, undefined, raw)
    open.callCount = 0
    this.#beginLean()
  }

  #seal(open: Open): void {
    if (open.bytes === 0) return
    const scopes = [...open.inner.values()]
    if (open.callCount > 0) scopes.unshift({ scope: this.#scope, spans: open.calls })
    const bare = encodeTraces(this.#resource, [{ scope: this.#scope, spans: open.bare }])
    this.#add(encodeTraces(this.#resource, scopes), open, bare)
    open.clear()
  }

  #add(body: Buffer, { callCount, spanCount, details }: Open, bare: Buffer | undefined, pooled?: Buffer): void {
    const batch: Batch = {
      body,
      compressed: false,
      ready: undefined,
      pooled,
      calls: callCount,
      spans: spanCount,
      bare,
      details,
      attempts: 0,
      firstTried: 0,
    }
    this.sealed.push(batch)
    this.#bytes += weight(batch)
    this.#queuedCalls += batch.calls
    const waits = this.sealed.length > 1
    if (this.#compression === 'gzip' || (this.#compression === 'waiting' && waits)) batch.ready = this.#compress(batch)
  }

  /** It has been accepted, so nobody reads its bytes any more. */
  accepted(batch: Batch): void {
    this.remove(batch)
    this.#recycle(batch)
  }

  #recycle(batch: Batch): void {
    if (batch.pooled !== undefined && this.#spare.length < SPARE_BUFFERS) this.#spare.push(batch.pooled)
    batch.pooled = undefined
  }

  /** The batch has been accepted, refused or given up. */
  remove(batch: Batch): void {
    const at = this.sealed.indexOf(batch)
    if (at < 0) return
    this.sealed.splice(at, 1)
    this.#bytes -= weight(batch)
    this.#queuedCalls -= batch.calls
  }

  /**
   * Takes headers, bodies and inner spans out of a batch; returns false where there were none. Never of a batch that may
   * have arrived: with other bytes it would count twice.
   */
  strip(batch: Batch, reason: 'queue_full' | 'too_large'): boolean {
    if (batch.bare === undefined) return false
    this.#bytes -= weight(batch)
    this.#account.dropPayload(reason, batch.details)
    this.#account.spansDropped += batch.spans
    batch.body = batch.bare
    batch.bare = undefined
    batch.details = batch.spans = 0
    this.#bytes += weight(batch)
    if (batch.calls === 0) {
      this.remove(batch)
      return true
    }
    batch.compressed = false
    batch.ready = this.#compression === 'none' ? undefined : this.#compress(batch)
    return true
  }

  #makeRoom(): void {
    if (this.#bytes > QUEUE_BYTES) {
      for (const batch of [...this.sealed]) {
        if (this.#bytes <= QUEUE_BYTES) break
        if (batch !== this.sending && batch.attempts === 0) this.strip(batch, 'queue_full')
      }
    }
    while ((this.#bytes > QUEUE_BYTES || this.#queuedCalls > QUEUE_CALLS) && this.sealed.length > 1) {
      const oldest = this.sealed[0] === this.sending ? this.sealed[1]! : this.sealed[0]!
      this.remove(oldest)
      this.#account.drop('queue_full', oldest.calls)
      this.#account.dropPayload('queue_full', oldest.details)
      this.#account.spansDropped += oldest.spans
    }
  }

  #compress(batch: Batch): Promise<void> {
    const { body: raw } = batch
    return new Promise((resolve) => {
      gzip(raw, GZIP, (error, body) => {
        // Meanwhile the batch may have been compressed at exit, or lost its detail.
        if (error === null && batch.body === raw && !batch.compressed) this.#replace(batch, body)
        resolve()
      })
    })
  }

  /** For the last send at exit, when nothing asynchronous happens any more. What has been tried stays as it is. */
  compressNow(batch: Batch): void {
    const tried = batch === this.sending || batch.attempts > 0
    if (!batch.compressed && !tried && this.#compression === 'gzip') this.#replace(batch, gzipSync(batch.body, GZIP))
  }

  #replace(batch: Batch, body: Buffer): void {
    if (this.sealed.includes(batch)) this.#bytes += body.length - batch.body.length
    batch.body = body
    batch.compressed = true
    this.#recycle(batch)
  }
}

function weight(batch: Batch): number {
  return batch.body.length + (batch.bare?.length ?? 0)
}
