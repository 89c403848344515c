import { randomBytes } from 'node:crypto'
import { copyBytes, viewOf } from './text.ts'

/** Chosen by chance, so that nobody can prepare texts that all fall on one place of the table. */
const seed = randomBytes(4).readInt32LE()
/** Places looked at before a text counts as new: texts that agree this often were made to. */
const PROBES = 32

/**
 * Different byte strings, each with the number of its arrival. They lie one after the other, each behind its length as
 * a varint, which is the form of a String column in ClickHouse's Native format.
 */
export class ByteSet {
  bytes = new Uint8Array(1024)
  view = viewOf(this.bytes)
  /** Bytes in use. */
  length = 0
  count = 0
  #starts = new Int32Array(64)
  #ends = new Int32Array(64)
  #hashes = new Int32Array(64)
  #table = new Int32Array(256)
  #hash = 0
  /** All bytes of the last text that was looked for, or-ed: tells whether it is ASCII. */
  seen = 0

  /** @returns the number of the text, -1 when it is not here */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const hash = this.#hashOf(bytes, view, start, end)
    const length = end - start
    const table = this.#table
    const mask = table.length - 1
    for (let probe = 0, place = hash & mask; probe < PROBES; probe++, place = (place + 1) & mask) {
      const index = table[place]! - 1
      if (index < 0) return -1
      if (this.#hashes[index] !== hash) continue
      const at = this.#starts[index]!
      if (this.#ends[index]! - at === length && this.#same(at, bytes, view, start, end)) return index
    }
    return -1
  }

  /** Adds the text that `find` has just not found. @returns its number */
  add(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const index = this.count
    if (index === this.#starts.length) this.#growTexts()
    const length = end - start
    this.#reserve(length + 5)
    let at = this.length
    let rest = length
    for (; rest > 127; rest >>>= 7) this.bytes[at++] = (rest & 127) | 128
    this.bytes[at++] = rest
    copyBytes(this.bytes, this.view, at, bytes, view, start, end)
    this.#starts[index] = at
    this.#ends[index] = this.length = at + length
    this.#hashes[index] = this.#hash
    this.count = index + 1
    if (this.count * 2 > this.#table.length) this.#rehash(this.#table.length * 2)
    else this.#place(index)
    return index
  }

  text(index: number): string {
    return Buffer.from(this.bytes.buffer, this.#starts[index]!, this.#ends[index]! - this.#starts[index]!).toString()
  }

  /** Forgets all but the first `count` texts. */
  truncate(count: number): void {
    if (count >= this.count) return
    this.count = count
    this.length = count === 0 ? 0 : this.#ends[count - 1]!
    if (count === 0) {
      if (this.#table.length > 4096) this.#table = new Int32Array(256)
      else this.#table.fill(0)
      if (this.bytes.length > 1 << 20) {
        this.bytes = new Uint8Array(1024)
        this.view = viewOf(this.bytes)
      }
    } else this.#rehash(this.#table.length)
  }

  #hashOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    let hash = seed ^ (end - start)
    let seen = 0
    let i = start
    for (const last = end - 4; i <= last; i += 4) {
      const word = view.getInt32(i)
      seen |= word
      hash = Math.imul(hash ^ word, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    let word = 0
    for (; i < end; i++) word = (word << 8) | bytes[i]!
    this.seen = seen | word
    hash = Math.imul(hash ^ word, 0x85ebca6b)
    hash ^= hash >>> 13
    this.#hash = hash
    return hash
  }

  #same(at: number, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    let i = start
    let o = at
    for (const last = end - 4; i <= last; i += 4, o += 4) if (this.view.getInt32(o) !== view.getInt32(i)) return false
    for (; i < end; i++, o++) if (this.bytes[o] !== bytes[i]) return false
    return true
  }

  /** A text that finds no place near its own is simply not found again. */
  #place(index: number): void {
    const table = this.#table
    const mask = table.length - 1
    let place = this.#hashes[index]! & mask
    for (let probe = 0; probe < PROBES; probe++, place = (place + 1) & mask) {
      if (table[place] === 0) {
        table[place] = index + 1
        return
      }
    }
  }

  #rehash(size: number): void {
    this.#table = new Int32Array(size)
    for (let i = 0; i < this.count; i++) this.#place(i)
  }

  #growTexts(): void {
    const size = this.#starts.length * 2
    this.#starts = grown(this.#starts, size)
    this.#ends = grown(this.#ends, size)
    this.#hashes = grown(this.#hashes, size)
  }

  #reserve(length: number): void {
    if (this.length + length <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + length))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
    this.view = viewOf(larger)
  }
}

function grown(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size)
  larger.set(old)
  return larger
}
