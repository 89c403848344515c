import { REDACT_SCRATCH } from '../limits.ts'

/** The text that stands where a redacted document stops because the rest was missing, broken or too long. */
export const CUT = '\u2026[cut]'
/** What stands for every masked value: its length tells nothing. */
export const MASK = '[redacted]'

/** A reusable growing buffer; `take` gives a copy that the caller may keep. */
export class Output {
  buffer: Buffer
  length = 0
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
    this.buffer = Buffer.allocUnsafeSlow(capacity)
  }

  /** Empties it, and lets go of memory that only one huge document needed. */
  clear(): void {
    this.length = 0
    if (this.buffer.length > REDACT_SCRATCH) this.buffer = Buffer.allocUnsafeSlow(this.#capacity)
  }

  reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + bytes))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1)
    this.buffer[this.length++] = value
  }

  raw(source: Buffer, start: number, end: number): void {
    const size = end - start
    if (size <= 0) return
    this.reserve(size)
    // Short runs are faster by hand than by a call into the engine.
    if (size > 48) source.copy(this.buffer, this.length, start, end)
    else for (let i = start, at = this.length; i < end; i++) this.buffer[at++] = source[i]!
    this.length += size
  }

  text(value: string): void {
    this.reserve(value.length * 3)
    this.length += this.buffer.write(value, this.length, 'utf8')
  }

  ascii(value: string): void {
    this.reserve(value.length)
    for (let i = 0; i < value.length; i++) this.buffer[this.length++] = value.charCodeAt(i)
  }

  /** A code point as UTF-8; a lone surrogate becomes U+FFFD. */
  point(code: number): void {
    this.reserve(4)
    const { buffer } = this
    if (code < 0x80) {
      buffer[this.length++] = code
    } else if (code < 0x800) {
      buffer[this.length++] = 0xc0 | (code >> 6)
      buffer[this.length++] = 0x80 | (code & 63)
    } else if (code < 0x10000) {
      const safe = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code
      buffer[this.length++] = 0xe0 | (safe >> 12)
      buffer[this.length++] = 0x80 | ((safe >> 6) & 63)
      buffer[this.length++] = 0x80 | (safe & 63)
    } else {
      buffer[this.length++] = 0xf0 | (code >> 18)
      buffer[this.length++] = 0x80 | ((code >> 12) & 63)
      buffer[this.length++] = 0x80 | ((code >> 6) & 63)
      buffer[this.length++] = 0x80 | (code & 63)
    }
  }

  take(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length))
  }
}
