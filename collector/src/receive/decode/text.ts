import { isUtf8 } from 'node:buffer'
import { limits } from '../../limits.ts'
import { clip } from '../value.ts'

/** Bytes that hold no more than this are copied by words; more by one call into the engine. */
const SHORT = 96

/**
 * A text where it lies: in a request's bytes, or in bytes of its own. A cursor rather than a value: whoever needs the
 * text longer than to the next read copies it.
 */
export class Text {
  bytes: Uint8Array = nothing
  view: DataView = nothingView
  start = 0
  end = 0

  get length(): number {
    return this.end - this.start
  }

  clear(): void {
    this.start = 0
    this.end = 0
  }

  /** Stands on a text that is in no request, such as a number written out. */
  set(value: string): void {
    if (value === '') this.clear()
    else this.hold(Buffer.from(value))
  }

  hold(bytes: Uint8Array): void {
    this.bytes = plain(bytes)
    this.view = viewOf(bytes)
    this.start = 0
    this.end = bytes.length
  }

  /** Stands on the same as another. */
  stand(other: Text): void {
    this.bytes = other.bytes
    this.view = other.view
    this.start = other.start
    this.end = other.end
  }

  equals(wanted: Uint8Array): boolean {
    const { bytes, start, end } = this
    if (end - start !== wanted.length) return false
    for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false
    return true
  }

  toString(): string {
    return decode(this.bytes, this.start, this.end)
  }

  /** The same clipped and whole, as it is stored. */
  clipped(): string {
    return clip(this.toString())
  }

  subarray(): Uint8Array {
    return this.bytes.subarray(this.start, this.end)
  }
}

const nothing = new Uint8Array(0)
const nothingView = new DataView(nothing.buffer)

/** The same bytes without Buffer's methods: engines are fastest where all byte arrays are of one make. */
export function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Text of bytes; what is no UTF-8 becomes U+FFFD. */
export function decode(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}

/** Copies bytes between two buffers; calling into the engine pays only for long ones. */
export function copyBytes(
  to: Uint8Array,
  toView: DataView,
  at: number,
  from: Uint8Array,
  fromView: DataView,
  start: number,
  end: number,
): void {
  if (end - start > SHORT) {
    to.set(from.subarray(start, end), at)
    return
  }
  let i = start
  let o = at
  for (const last = end - 4; i <= last; i += 4, o += 4) toView.setInt32(o, fromView.getInt32(i))
  for (; i < end; i++, o++) to[o] = from[i]!
}

/** True when all bytes are below 128. */
export function isPlain(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let seen = 0
  let i = start
  for (const last = end - 4; i <= last; i += 4) seen |= view.getInt32(i)
  for (; i < end; i++) seen |= bytes[i]!
  return (seen & 0x80808080) === 0
}

/**
 * The bytes as they may be stored: valid UTF-8 of at most so many characters (UTF-16 units, as everywhere here).
 *
 * @returns undefined when they already are
 */
export function cleaned(
  bytes: Uint8Array,
  start: number,
  end: number,
  most: number = limits.textChars,
): Buffer | undefined {
  if (end - start <= most && isUtf8(bytes.subarray(start, end))) return undefined
  return Buffer.from(clip(decode(bytes, start, end), most))
}
