import { grpcOutcome, httpOutcome, type Outcome } from '../outcome.ts'
import { key } from './keys.ts'
import { Memo } from './memo.ts'
import type { Slots } from './slots.ts'
import { OUTCOMES } from './tables.ts'
import { Text } from './text.ts'

const OUTCOME = key['callsight.outcome']
const ERROR_CODE = key['callsight.error.code']
const ERROR_TYPE = key['error.type']
const RPC_STATUS = key['rpc.response.status_code']
const OLD_RPC_STATUS = key['rpc.status_code']
const GRPC_STATUS = key['rpc.grpc.status_code']

const outcomes = (Object.keys(OUTCOMES) as Outcome[]).map((name) => ({
  bytes: Buffer.from(name) as Uint8Array,
  number: OUTCOMES[name],
}))

/** How a call ended: its outcome and its error's code. */
export class Endings {
  readonly #slots: Slots
  readonly #text = new Text()
  readonly #types = new Memo<string>()

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** The number of the outcome in `calls`. */
  outcome(status: number, failed: boolean, grpc: boolean): number {
    const slots = this.#slots
    const text = this.#text
    if (slots.has(OUTCOME)) {
      slots.text(OUTCOME, text)
      for (let i = 0; i < outcomes.length; i++) if (text.equals(outcomes[i]!.bytes)) return outcomes[i]!.number
    }
    if (grpc)
      return OUTCOMES[grpcOutcome(slots.value(RPC_STATUS) ?? slots.value(slots.either(OLD_RPC_STATUS, GRPC_STATUS)))]
    const type = slots.has(ERROR_TYPE) ? this.#errorType() : ''
    return OUTCOMES[httpOutcome(status, type, failed)]
  }

  /** What to put into `error_code`. */
  code(to: Text): void {
    this.#slots.text(ERROR_CODE, to)
    if (to.length > 0 || !this.#slots.has(ERROR_TYPE)) return
    this.#slots.text(ERROR_TYPE, to)
    // The convention puts the HTTP status there as well, which has a column of its own.
    if (to.length === 3 && isDigit(to, 0) && isDigit(to, 1) && isDigit(to, 2)) to.clear()
  }

  #errorType(): string {
    const text = this.#text
    this.#slots.text(ERROR_TYPE, text)
    const { bytes, view, start, end } = text
    return this.#types.get(bytes, view, start, end) ?? this.#types.add(bytes, view, start, end, text.clipped())
  }
}

function isDigit({ bytes, start }: Text, at: number): boolean {
  const byte = bytes[start + at]!
  return byte >= 48 && byte <= 57
}
