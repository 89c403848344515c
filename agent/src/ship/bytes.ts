import { SLAB_BYTES } from '../limits.ts'

/** The longest varint of a length that `open`/`close` reserve: 4 bytes reach 256 MiB. */
const RESERVED = 4

/**
 * A growing buffer with the few protobuf verbs the agent needs.
 * https://protobuf.dev/programming-guides/encoding/
 */
export class Bytes {
  buffer: Buffer
  length = 0

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
  }

  /** Makes room; every writer below relies on its caller having done so, except `text` and `raw`. */
  reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + bytes))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }

  byte(value: number): void {
    this.buffer[this.length++] = value
  }

  /** A non-negative safe integer. */
  varint(value: number): void {
    const { buffer } = this
    let rest = value
    while (rest > 0x7fffffff) {
      buffer[this.length++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      buffer[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[this.length++] = rest
  }

  /** `micros` of a wall clock as 64-bit nanoseconds, exact although the product leaves the safe integers. */
  nanos(micros: number): void {
    const high = Math.floor(micros / 0x400000)
    const scaled = high * 1000
    const low = (scaled % 0x400) * 0x400000 + (micros - high * 0x400000) * 1000
    const carry = Math.floor(low / 0x100000000)
    this.buffer.writeUInt32LE(low - carry * 0x100000000, this.length)
    this.buffer.writeUInt32LE(Math.floor(scaled / 0x400) + carry, this.length + 4)
    this.length += 8
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Text whose length in UTF-8, `size`, the caller has computed with `utf8Length`. */
  text(value: string, size: number): void {
    this.reserve(size)
    const { buffer } = this
    let at = this.length
    this.length += size
    // Short ASCII is faster by hand than by a call into the engine.
    if (size !== value.length) buffer.write(value, at, size, 'utf8')
    else if (size > 40) buffer.write(value, at, size, 'latin1')
    else for (let i = 0; i < size; i++) buffer[at++] = value.charCodeAt(i)
  }

  hex(value: string): void {
    this.length += this.buffer.write(value, this.length, 'hex')
  }

  /** Starts a message whose length is not known yet; `close` fills it in. The varint is padded, which decoders accept. */
  open(tag: number): number {
    this.reserve(RESERVED + 1)
    this.buffer[this.length++] = tag
    this.length += RESERVED
    return this.length
  }

  close(start: number): void {
    const size = this.length - start
    const { buffer } = this
    buffer[start - 4] = (size & 0x7f) | 0x80
    buffer[start - 3] = ((size >>> 7) & 0x7f) | 0x80
    buffer[start - 2] = ((size >>> 14) & 0x7f) | 0x80
    buffer[start - 1] = size >>> 21
  }

  /** See `keep` for a copy that lives long. */
  copy(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length))
  }
}

let slab = Buffer.allocUnsafeSlow(0)
let taken = 0

/**
 * A copy to be kept for long. `Buffer.from` would put it into Node's pool, among short-lived bytes of the host, and a
 * remembered name of twenty bytes would hold 8 KiB of them.
 */
export function keep(bytes: Uint8Array): Buffer {
  const { length } = bytes
  if (taken + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length))
    taken = 0
  }
  const copy = slab.subarray(taken, taken + length)
  taken += length
  copy.set(bytes)
  return copy
}

/** The number of bytes of `value` in UTF-8. */
export function utf8Length(value: string): number {
  const { length } = value
  if (length > 200) return Buffer.byteLength(value)
  for (let i = 0; i < length; i++) if (value.charCodeAt(i) > 0x7f) return Buffer.byteLength(value)
  return length
}

export function varintLength(value: number): number {
  if (value < 0x80) return 1
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size += 1
  return size
}
