import { viewOf } from './text.ts'

/** The longest varint that `open` and `close` reserve: 4 bytes reach 256 MiB. */
const RESERVED = 4

/** A growing protobuf message. https://protobuf.dev/programming-guides/encoding/ */
export class Writer {
  #buffer: Buffer
  #view: DataView
  #length = 0

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(size, 1024))
    this.#view = viewOf(this.#buffer)
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Starts a message whose length is not known yet; `close` fills it in, padded, which decoders accept. */
  open(field: number): number {
    this.#reserve(RESERVED + 1)
    this.#buffer[this.#length++] = (field << 3) | 2
    this.#length += RESERVED
    return this.#length
  }

  close(start: number): void {
    const size = this.#length - start
    this.#buffer[start - 4] = (size & 127) | 128
    this.#buffer[start - 3] = ((size >>> 7) & 127) | 128
    this.#buffer[start - 2] = ((size >>> 14) & 127) | 128
    this.#buffer[start - 1] = size >>> 21
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value)
    this.#lengthed(field, length)
    this.#length += this.#buffer.write(value, this.#length)
  }

  raw(field: number, bytes: Uint8Array): void {
    this.#lengthed(field, bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  varint(field: number, value: bigint): void {
    this.#reserve(11)
    this.#buffer[this.#length++] = field << 3
    let rest = BigInt.asUintN(64, value)
    for (; rest > 127n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 127n) | 128
    this.#buffer[this.#length++] = Number(rest)
  }

  fixed64(field: number, value: bigint): void {
    this.#reserve(9)
    this.#buffer[this.#length++] = (field << 3) | 1
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true)
    this.#length += 8
  }

  double(field: number, value: number): void {
    this.#reserve(9)
    this.#buffer[this.#length++] = (field << 3) | 1
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
  }

  #lengthed(field: number, length: number): void {
    this.#reserve(length + 6)
    this.#buffer[this.#length++] = (field << 3) | 2
    let rest = length
    for (; rest > 127; rest >>>= 7) this.#buffer[this.#length++] = (rest & 127) | 128
    this.#buffer[this.#length++] = rest
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + length))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
    this.#view = viewOf(larger)
  }
}
