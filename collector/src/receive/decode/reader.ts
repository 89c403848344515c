import { Undecodable } from '../otlp.ts'
import { plain, viewOf } from './text.ts'

/**
 * A cursor over one protobuf message and the messages in it. Every read says where its message ends and never passes
 * that. Wire format: https://protobuf.dev/programming-guides/encoding/
 */
export class Reader {
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  at = 0
  /** What the last fixed64 was: whole thousands, and what is left of them. Nanoseconds become microseconds by it. */
  thousands = 0
  rest = 0

  /** Starts with a new request. @returns where it ends */
  open(bytes: Uint8Array): number {
    this.bytes = plain(bytes)
    this.view = viewOf(bytes)
    this.at = 0
    return bytes.length
  }

  /** A varint: a tag, a length, a number without a sign. Exact up to 2^53. */
  number(end: number): number {
    const at = this.at
    if (at < end) {
      const byte = this.bytes[at]!
      if (byte < 128) {
        this.at = at + 1
        return byte
      }
    }
    return this.#longNumber(end)
  }

  #longNumber(end: number): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      if (this.at >= end) throw this.fault('the message ends inside a number')
      const byte = this.bytes[this.at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    throw this.fault('a number longer than ten bytes')
  }

  /** A field tag. */
  tag(end: number): number {
    const tag = this.number(end)
    if (tag < 8) throw this.fault('field number 0')
    return tag
  }

  /** The length of a text or message that begins here. @returns where it ends */
  length(end: number): number {
    const length = this.number(end)
    if (length > end - this.at) throw this.fault(`${length} bytes announced, ${end - this.at} left`)
    return this.at + length
  }

  /** A varint with a sign: a number where it is exact, else `long` has its digits. */
  int64(end: number): number {
    const start = this.at
    const low = this.number(end)
    this.long = undefined
    if (low <= Number.MAX_SAFE_INTEGER) return low
    // Ten bytes, sign included: rare enough to be read again the slow way.
    let value = 0n
    for (let i = start, shift = 0n; i < this.at; i++, shift += 7n) value |= BigInt(this.bytes[i]! & 127) << shift
    const signed = BigInt.asIntN(64, value)
    const number = Number(signed)
    if (!Number.isSafeInteger(number)) this.long = String(signed)
    return number
  }

  /** The digits of the last int64 when it is not exact as a number. */
  long: string | undefined

  /** An unsigned fixed64 as `thousands` and `rest`. */
  fixed64(end: number): void {
    const at = this.#take(8, end)
    const low = this.view.getUint32(at, true)
    const high = this.view.getUint32(at + 4, true)
    const whole = Math.floor(high / 1000)
    const left = (high - whole * 1000) * 4294967296 + low
    const part = Math.floor(left / 1000)
    this.thousands = whole * 4294967296 + part
    this.rest = left - part * 1000
  }

  sfixed64(end: number): number {
    return Number(this.view.getBigInt64(this.#take(8, end), true))
  }

  double(end: number): number {
    return this.view.getFloat64(this.#take(8, end), true)
  }

  /** Passes over a field that is not read. @param known numbers of the fields that are, as bits: of another wire type they are a fault */
  skip(tag: number, end: number, known = 0): void {
    const wire = tag & 7
    const field = Math.floor(tag / 8)
    if (field < 32 && ((known >>> field) & 1) === 1) throw this.fault(`wire type ${wire} in field ${field}`)
    if (wire === 0) this.number(end)
    else if (wire === 1) this.#take(8, end)
    else if (wire === 2) this.at = this.length(end)
    else if (wire === 5) this.#take(4, end)
    else throw this.fault(`wire type ${wire}`)
  }

  fault(what: string): Undecodable {
    return new Undecodable(`not an OTLP protobuf message: ${what} at byte ${this.at}`)
  }

  #take(length: number, end: number): number {
    const start = this.at
    if (length > end - start) throw this.fault(`${length} bytes announced, ${end - start} left`)
    this.at = start + length
    return start
  }
}

/** Field numbers as the bits that `skip` wants. */
export function fields(...numbers: number[]): number {
  return numbers.reduce((bits, number) => bits | (1 << number), 0)
}
