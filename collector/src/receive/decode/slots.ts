import { limits } from '../../limits.ts'
import type { Value } from '../otlp.ts'
import { clip } from '../value.ts'
import { KEPT, KEPT_UNLESS_OUT, Keys, QUERY_OR_BODY, QUOTA, REQUEST_HEADER, RESPONSE_HEADER } from './keys.ts'
import { fields, type Reader } from './reader.ts'
import { decode, type Text } from './text.ts'
import { checkNested, readNested } from './value.ts'

/** Kinds of values, in the order of AnyValue's fields. */
export const NULL = 0
export const STRING = 1
export const BOOL = 2
export const INT = 3
export const DOUBLE = 4
export const LIST = 5
export const MAP = 6
export const BYTES = 7

const pairFields = fields(1, 2)
const anyFields = fields(1, 2, 3, 4, 5, 6, 7)

/** Attributes that a call can keep: those, and the ones it does not keep when it is an outgoing one. */
const KEPT_MOST = limits.attributesPerCall + 5

/**
 * The attributes of one span, each in the slot of its key: its kind, and where in the request its value lies. Nothing
 * is copied and nothing is made for each attribute.
 */
export class Slots {
  readonly keys = new Keys()
  #turn = 0
  readonly #turns = new Int32Array(limits.keysKnown)
  readonly #kinds = new Uint8Array(limits.keysKnown)
  readonly #starts = new Int32Array(limits.keysKnown)
  readonly #ends = new Int32Array(limits.keysKnown)
  readonly #numbers = new Float64Array(limits.keysKnown)
  /** Keys, in the order they came, of what may be kept as attributes. */
  readonly kept = new Int32Array(KEPT_MOST)
  keptCount = 0
  readonly headers: number[] = []
  /** There is a query, a header or a body, besides … */
  payload = false
  /** … headers that may tell of quotas. */
  quota = false
  #reader: Reader

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** Empties all slots for the next span. */
  begin(): void {
    this.keys.tidy()
    if (this.#turn === 0x7fffffff) {
      this.#turns.fill(0)
      this.#turn = 0
    }
    this.#turn++
    this.keptCount = 0
    this.payload = false
    this.quota = false
    if (this.headers.length > 0) this.headers.length = 0
  }

  /** Reads a KeyValue that ends at `end`. */
  read(end: number): void {
    const reader = this.#reader
    const { bytes, view } = reader
    let keyStart = 0
    let keyEnd = 0
    let kind = NULL
    let start = 0
    let last = 0
    let number = 0
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x0a) {
        keyEnd = reader.length(end)
        keyStart = reader.at
        reader.at = keyEnd
      } else if (tag === 0x12) {
        const valueEnd = reader.length(end)
        const at = reader.at
        if (at < valueEnd && bytes[at] === 0x0a) {
          // By far the most frequent: a text and nothing else.
          reader.at = at + 1
          last = reader.length(valueEnd)
          start = reader.at
          reader.at = last
          kind = STRING
          if (last === valueEnd) continue
          reader.at = at
        }
        kind = NULL
        while (reader.at < valueEnd) {
          const part = reader.tag(valueEnd)
          if (part === 0x18) {
            start = reader.at
            number = reader.int64(valueEnd)
            kind = INT
          } else if (part === 0x10) {
            number = reader.number(valueEnd) === 0 ? 0 : 1
            kind = BOOL
          } else if (part === 0x21) {
            number = reader.double(valueEnd)
            kind = DOUBLE
          } else if (part === 0x0a || part === 0x3a) {
            last = reader.length(valueEnd)
            start = reader.at
            reader.at = last
            kind = part === 0x0a ? STRING : BYTES
          } else if (part === 0x2a || part === 0x32) {
            last = reader.length(valueEnd)
            start = reader.at
            kind = part === 0x2a ? LIST : MAP
            checkNested(reader, last, kind === MAP, 0)
          } else reader.skip(part, valueEnd, anyFields)
        }
      } else reader.skip(tag, end, pairFields)
    }
    const key = this.keys.numberOf(bytes, view, keyStart, keyEnd)
    if (key >= 0) this.#put(key, kind, start, last, number)
  }

  #put(key: number, kind: number, start: number, end: number, number: number): void {
    const uses = this.keys.uses[key]!
    if (uses !== 0 && this.#turns[key] !== this.#turn) this.#note(key, uses)
    this.#turns[key] = this.#turn
    this.#kinds[key] = kind
    this.#starts[key] = start
    this.#ends[key] = end
    this.#numbers[key] = number
  }

  #note(key: number, uses: number): void {
    if ((uses & (KEPT | KEPT_UNLESS_OUT)) !== 0) {
      if (this.keptCount < KEPT_MOST) this.kept[this.keptCount++] = key
    } else {
      if ((uses & QUOTA) !== 0) this.quota = true
      else this.payload = this.payload || (uses & (QUERY_OR_BODY | REQUEST_HEADER | RESPONSE_HEADER)) !== 0
      if ((uses & (REQUEST_HEADER | RESPONSE_HEADER)) !== 0) this.headers.push(key)
    }
  }

  has(key: number): boolean {
    return this.#turns[key] === this.#turn
  }

  /** The first of two names of the same thing that has a value; -1 when none has. */
  either(key: number, other: number): number {
    if (this.#turns[key] === this.#turn && this.#kinds[key] !== NULL) return key
    return this.#turns[other] === this.#turn && this.#kinds[other] !== NULL ? other : -1
  }

  kindOf(key: number): number {
    return this.#turns[key] === this.#turn ? this.#kinds[key]! : NULL
  }

  numberOf(key: number): number {
    return this.#numbers[key]!
  }

  /** A part of the request. */
  range(start: number, end: number, to: Text): void {
    to.bytes = this.#reader.bytes
    to.view = this.#reader.view
    to.start = start
    to.end = end
  }

  /** A value as text, empty for none. @param key -1 for none */
  text(key: number, to: Text): void {
    if (key >= 0 && this.#turns[key] === this.#turn) {
      if (this.#kinds[key] === STRING) {
        to.bytes = this.#reader.bytes
        to.view = this.#reader.view
        to.start = this.#starts[key]!
        to.end = this.#ends[key]!
        return
      }
      if (this.#kinds[key] !== NULL) {
        to.set(this.#written(key))
        return
      }
    }
    to.start = 0
    to.end = 0
  }

  /** A value that is no string as clipped text. */
  #written(key: number): string {
    const kind = this.#kinds[key]!
    const number = this.#numbers[key]!
    if (kind === INT && Number.isSafeInteger(number)) return String(number)
    if (kind === DOUBLE) return String(number)
    if (kind === BOOL) return number === 1 ? 'true' : 'false'
    const value = this.value(key)
    if (value instanceof Uint8Array) return clip(Buffer.from(value).toString('base64'))
    return clip(typeof value === 'object' ? JSON.stringify(value) : String(value))
  }

  /** A value as a JavaScript value; undefined for none. */
  value(key: number): Value | undefined {
    if (key < 0 || !this.has(key)) return undefined
    const reader = this.#reader
    const [start, end, number] = [this.#starts[key]!, this.#ends[key]!, this.#numbers[key]!]
    const kind = this.#kinds[key]
    if (kind === NULL) return null
    if (kind === STRING) return decode(reader.bytes, start, end)
    if (kind === BOOL) return number === 1
    if (kind === DOUBLE || (kind === INT && Number.isSafeInteger(number))) return number
    const at = reader.at
    let value: Value
    if (kind === BYTES) value = Buffer.from(reader.bytes.subarray(start, end))
    else if (kind === INT) {
      reader.at = start
      reader.int64(start + 10)
      value = reader.long ?? number
    } else {
      reader.at = start
      value = readNested(reader, end, kind === MAP)
    }
    reader.at = at
    return value
  }

  /**
   * Stands on the text of a list that holds one text and nothing else, as headers nearly always are.
   *
   * @returns false for all other values
   */
  onlyText(key: number, to: Text): boolean {
    if (this.kindOf(key) !== LIST) return false
    const reader = this.#reader
    const at = reader.at
    const end = this.#ends[key]!
    reader.at = this.#starts[key]!
    const { bytes } = reader
    let found = false
    // What is in it was checked when it was first read.
    if (reader.at < end && bytes[reader.at++] === 0x0a && reader.length(end) === end && reader.at < end) {
      if (bytes[reader.at++] === 0x0a && reader.length(end) === end) {
        this.range(reader.at, end, to)
        found = true
      }
    }
    reader.at = at
    return found
  }

  /** Goes to where the content of a list or a map begins. @returns where it ends */
  nested(key: number): number {
    this.#reader.at = this.#starts[key]!
    return this.#ends[key]!
  }

  /** A count: whole and not negative, 0 for anything else; at most 2^53, so that it is exact. */
  count(key: number): number {
    if (key < 0 || this.#turns[key] !== this.#turn) return 0
    const kind = this.#kinds[key]
    let number = 0
    if (kind === INT || kind === DOUBLE) number = this.#numbers[key]!
    else if (kind === STRING) number = Number(decode(this.#reader.bytes, this.#starts[key]!, this.#ends[key]!))
    else return 0
    if (!(number > 0 && number < Number.POSITIVE_INFINITY)) return 0
    return number > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Math.floor(number)
  }

  /** True when the value is the boolean false. */
  isFalse(key: number): boolean {
    return this.#turns[key] === this.#turn && this.#kinds[key] === BOOL && this.#numbers[key] === 0
  }

  isTrue(key: number): boolean {
    return this.#turns[key] === this.#turn && this.#kinds[key] === BOOL && this.#numbers[key] === 1
  }
}
