import { limits } from '../../limits.ts'
import type { Column, Output } from './column.ts'
import { cleaned, copyBytes, isPlain, plain, type Text, viewOf } from './text.ts'

const KEPT = 4 << 20

/** The two hexadecimal digits of each byte, as the 16-bit number that writes them. */
const digits = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16BE(),
)

/** Texts one after the other, each behind its length. */
export class StringColumn implements Column {
  readonly type = 'String'
  #bytes = new Uint8Array(4096)
  #view = viewOf(this.#bytes)
  #length = 0
  #marked = 0

  get size(): number {
    return this.#length
  }

  /** Bounded, and made valid UTF-8 where it is not. */
  push(text: Text, most: number = limits.textChars): void {
    const { bytes, view, start, end } = text
    if (end - start <= most && isPlain(bytes, view, start, end)) this.raw(bytes, view, start, end)
    else this.#clean(text, most)
  }

  empty(): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = 0
  }

  pushString(value: string): void {
    const bytes = plain(Buffer.from(value))
    this.raw(bytes, viewOf(bytes), 0, bytes.length)
  }

  /** A whole number in digits. */
  pushInteger(value: number): void {
    if (value < 0 || value > 999_999_999) {
      this.pushString(String(value))
      return
    }
    this.#reserve(10)
    let length = 1
    for (let power = 10; value >= power; power *= 10) length++
    this.#bytes[this.#length] = length
    let rest = value
    for (let at = this.#length + length; at > this.#length; at--) {
      const next = Math.floor(rest / 10)
      this.#bytes[at] = 48 + (rest - next * 10)
      rest = next
    }
    this.#length += length + 1
  }

  /** Bytes in hexadecimal; at most 63 of them. */
  pushHex(bytes: Uint8Array, start: number, count: number): void {
    this.#reserve(count * 2 + 1)
    let at = this.#length
    this.#bytes[at++] = count * 2
    for (let i = start; i < start + count; i++, at += 2) this.#view.setUint16(at, digits[bytes[i]!]!)
    this.#length = at
  }

  /** Bytes that are known to be bounded and valid. */
  raw(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const length = end - start
    this.#reserve(length + 5)
    let at = this.#length
    let rest = length
    for (; rest > 127; rest >>>= 7) this.#bytes[at++] = (rest & 127) | 128
    this.#bytes[at++] = rest
    copyBytes(this.#bytes, this.#view, at, bytes, view, start, end)
    this.#length = at + length
  }

  mark(): void {
    this.#marked = this.#length
  }

  rollback(): void {
    this.#length = this.#marked
  }

  clear(): void {
    this.#length = 0
    if (this.#bytes.length <= KEPT) return
    this.#bytes = new Uint8Array(4096)
    this.#view = viewOf(this.#bytes)
  }

  write(to: Output): void {
    to.raw(this.#bytes, this.#length)
  }

  #clean({ bytes, view, start, end }: Text, most: number): void {
    const clean = cleaned(bytes, start, end, most)
    if (clean === undefined) this.raw(bytes, view, start, end)
    else this.raw(plain(clean), viewOf(clean), 0, clean.length)
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}
