import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { Refusal } from './refusal.ts'

/** The memory held for bodies that are still on their way in, over all connections of all listeners. */
export class Receiving {
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /**
   * @param whole bytes of the body that these are a part of
   * @throws Refusal 429 when there is no room
   */
  hold(bytes: number, whole: number): void {
    const room = whole > limits.smallBodyBytes ? limits.receivingLargeBytes : limits.receivingBytes
    if (this.#bytes + bytes > room) {
      throw new Refusal(429, 'too many large requests are on their way in at once', limits.retryAfterS)
    }
    this.#add(bytes)
  }

  release(bytes: number): void {
    this.#add(-bytes)
  }

  #add(bytes: number): void {
    this.#bytes += bytes
    metrics.receivingBytes.set(this.#bytes)
  }
}

/**
 * One body as it comes in. Its memory is held from the start, so that what was let in can also be finished. Where
 * nothing was announced it grows.
 */
export class Body {
  readonly #receiving: Receiving
  #buffer: Buffer
  #length = 0

  /**
   * @param announced bytes, where the sender told
   * @throws Refusal 413 or 429, before anything is read
   */
  constructor(receiving: Receiving, announced: number | undefined) {
    const bytes = announced ?? limits.firstBodyBytes
    refuseLarger(bytes)
    receiving.hold(bytes, bytes)
    this.#receiving = receiving
    this.#buffer = Buffer.allocUnsafeSlow(bytes)
  }

  get length(): number {
    return this.#length
  }

  /** @throws Refusal 413 or 429 */
  push(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#buffer.length) this.#grow(length)
    chunk.copy(this.#buffer, this.#length)
    this.#length = length
  }

  /** The whole of it. From here on it is its taker's to bound. */
  finish(): Buffer {
    const whole = this.#buffer.subarray(0, this.#length)
    this.drop()
    return whole
  }

  /** Gives the memory back; a second time does nothing. */
  drop(): void {
    this.#receiving.release(this.#buffer.length)
    this.#buffer = Buffer.alloc(0)
  }

  #grow(length: number): void {
    refuseLarger(length)
    const bytes = Math.min(limits.requestBytes, Math.max(length, 2 * this.#buffer.length))
    this.#receiving.hold(bytes - this.#buffer.length, bytes)
    const larger = Buffer.allocUnsafeSlow(bytes)
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** @throws Refusal 413 */
export function refuseLarger(bytes: number): void {
  if (bytes <= limits.requestBytes) return
  throw new Refusal(413, `the body is larger than ${limits.requestBytes} bytes: send smaller batches`)
}
