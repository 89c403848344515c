import { limits } from '../limits.ts'
import { Refusal } from './refusal.ts'

interface Line<T> {
  waiting: { item: T; bytes: number }[]
  /** Of what waits and of what was taken out and is not finished. */
  bytes: number
  /** Bytes it may still send in this round. */
  credit: number
}

/** Bytes that a line gets in each round: a usual request. */
const QUANTUM = 64 * 1024

/**
 * Requests in front of the decode threads: a line for each token, served in turn by bytes (deficit round robin, Shreedhar
 * and Varghese 1995), so that a sender that floods makes only itself wait. A line may hold its share of limits.queuedBytes,
 * which is all of it for a token that is alone.
 */
export class FairQueue<T> {
  readonly #lines = new Map<string, Line<T>>()
  /** Lines in which something waits, in the order of their turns. */
  #turns: string[] = []
  #bytes = 0

  /** Bytes that wait or are not finished. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws Refusal when there is no room for this token */
  add(token: string, item: T, bytes: number): void {
    const line = this.#lines.get(token) ?? { waiting: [], bytes: 0, credit: 0 }
    const others = this.#lines.size - Number(this.#lines.has(token))
    const share = Math.floor(limits.queuedBytes / (others + 1))
    // A request that finds its own line empty always fits, but for a hard bound on all of them together.
    const most = line.bytes === 0 ? Math.max(share, bytes) : share
    if (line.bytes + bytes > most || this.#bytes + bytes > 2 * limits.queuedBytes) {
      throw new Refusal(
        429,
        `${line.bytes} bytes of this token's requests are being worked on, its share is ${share}`,
        limits.retryAfterS,
      )
    }
    this.#lines.set(token, line)
    if (line.waiting.length === 0) this.#turns.push(token)
    line.waiting.push({ item, bytes })
    line.bytes += bytes
    this.#bytes += bytes
  }

  /** Takes out whose turn it is. Its bytes count until they are given back by `finish`. */
  next(): T | undefined {
    for (;;) {
      const token = this.#turns[0]
      if (token === undefined) return undefined
      const line = this.#lines.get(token)!
      const first = line.waiting[0]!
      if (line.credit < first.bytes) {
        line.credit += QUANTUM
        this.#turns.push(this.#turns.shift()!)
        continue
      }
      line.waiting.shift()
      line.credit -= first.bytes
      if (line.waiting.length === 0) {
        line.credit = 0
        this.#turns.shift()
      }
      return first.item
    }
  }

  /** A request is answered. */
  finish(token: string, bytes: number): void {
    const line = this.#lines.get(token)!
    line.bytes -= bytes
    this.#bytes -= bytes
    if (line.bytes === 0 && line.waiting.length === 0) this.#lines.delete(token)
  }
}
