import type { Reader } from './reader.ts'

/** The fields of one span, where they lie in the request. Microseconds since 1970, with what is left of each in ns. */
export class Span {
  traceAt = 0
  traceLength = 0
  spanAt = 0
  spanLength = 0
  parentAt = 0
  parentLength = 0
  nameAt = 0
  nameEnd = 0
  stateAt = 0
  stateEnd = 0
  kind = 0
  startUs = 0
  startRest = 0
  endUs = 0
  endRest = 0
  failed = false
  messageAt = 0
  messageEnd = 0
  /** What the ids lie in: the request, or bytes that were made for them. */
  ids: Uint8Array = new Uint8Array(0)

  begin(reader: Reader): void {
    this.traceLength = 0
    this.spanLength = 0
    this.parentLength = 0
    this.nameAt = 0
    this.nameEnd = 0
    this.stateAt = 0
    this.stateEnd = 0
    this.kind = 0
    this.startUs = 0
    this.startRest = 0
    this.endUs = 0
    this.endRest = 0
    this.failed = false
    this.messageAt = 0
    this.messageEnd = 0
    this.ids = reader.bytes
  }

  /** Microseconds; 0 when it ends before it starts. */
  get duration(): number {
    const whole = this.endUs - this.startUs - (this.endRest < this.startRest ? 1 : 0)
    return whole > 0 ? Math.min(whole, Number.MAX_SAFE_INTEGER) : 0
  }

  /** A trace id of 16 bytes and a span id of 8, neither of them all zeros. */
  get hasIds(): boolean {
    return (
      this.traceLength === 16 &&
      this.spanLength === 8 &&
      someBit(this.ids, this.traceAt, 16) &&
      someBit(this.ids, this.spanAt, 8)
    )
  }
}

export function someBit(bytes: Uint8Array, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) if (bytes[i] !== 0) return true
  return false
}
