import { viewOf } from './text.ts'

/**
 * One column of a block that is being filled, in ClickHouse's Native format. A request that turns out undecodable at
 * its last byte leaves nothing: `mark` before it, `rollback` after it.
 * Source: ClickHouse, src/Formats/NativeWriter.cpp and src/DataTypes/Serializations.
 */
export interface Column {
  /** ClickHouse's name of the type. */
  readonly type: string
  /** Exact number of bytes that `write` writes. */
  readonly size: number
  mark(): void
  rollback(): void
  /** Starts anew. */
  clear(): void
  write(to: Output): void
}

/** Where a block is written to; its length is known before. */
export class Output {
  readonly bytes: Buffer
  readonly view: DataView
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.view = viewOf(this.bytes)
  }

  raw(bytes: Uint8Array, length = bytes.length): void {
    this.bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length), this.at)
    this.at += length
  }

  varint(value: number): void {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 128
    this.bytes[this.at++] = rest
  }

  uint64(value: number): void {
    this.view.setUint32(this.at, value >>> 0, true)
    this.view.setUint32(this.at + 4, Math.floor(value / 4294967296), true)
    this.at += 8
  }
}

/** Buffers larger than this are given back when a block is done: one huge request should not stay in memory. */
const KEPT = 4 << 20

/** Values of a fixed width: whole numbers, enums, booleans, times, doubles. */
export class FixedColumn implements Column {
  readonly type: string
  readonly width: number
  #bytes = new Uint8Array(1024)
  #view = viewOf(this.#bytes)
  #length = 0
  #marked = 0

  constructor(type: string, width: 1 | 2 | 4 | 8) {
    this.type = type
    this.width = width
  }

  get size(): number {
    return this.#length
  }

  get count(): number {
    return this.#length / this.width
  }

  uint8(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    this.#bytes[this.#length++] = value
  }

  uint16(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    this.#view.setUint16(this.#length, value, true)
    this.#length += 2
  }

  uint32(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
  }

  /** Whole, not negative, at most 2^53. */
  uint64(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    const at = this.#length
    this.#length = at + 8
    if (value < 4294967296) {
      this.#view.setUint32(at, value, true)
      this.#view.setUint32(at + 4, 0, true)
    } else {
      const high = Math.floor(value / 4294967296)
      this.#view.setUint32(at, value - high * 4294967296, true)
      this.#view.setUint32(at + 4, high, true)
    }
  }

  float64(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
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
    this.#bytes = new Uint8Array(1024)
    this.#view = viewOf(this.#bytes)
  }

  write(to: Output): void {
    to.raw(this.#bytes, this.#length)
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2)
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

/** Whole numbers of 64 bits, some of which are unknown: a byte for each row that says so, then the numbers. */
export class NullableColumn implements Column {
  readonly type: string
  readonly #unknown = new FixedColumn('UInt8', 1)
  readonly #values: FixedColumn

  constructor(values: FixedColumn) {
    this.#values = values
    this.type = `Nullable(${values.type})`
  }

  get size(): number {
    return this.#unknown.size + this.#values.size
  }

  /** As a FixedColumn's. */
  uint64(value: number | undefined): void {
    this.#unknown.uint8(value === undefined ? 1 : 0)
    this.#values.uint64(value ?? 0)
  }

  mark(): void {
    this.#unknown.mark()
    this.#values.mark()
  }

  rollback(): void {
    this.#unknown.rollback()
    this.#values.rollback()
  }

  clear(): void {
    this.#unknown.clear()
    this.#values.clear()
  }

  write(to: Output): void {
    this.#unknown.write(to)
    this.#values.write(to)
  }
}
