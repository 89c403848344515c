/** Why a call did not reach the collector. */
export type Reason = 'queue_full' | 'refused' | 'too_large' | 'unreachable' | 'error'

/**
 * Why a call that was to keep its headers and bodies lost them: too many bytes wait to be sent; too many bodies are held
 * at once; redacting them would cost the host too much time; they could not be decoded; a fault.
 */
export type PayloadReason = 'queue_full' | 'memory' | 'busy' | 'undecodable' | 'error'

/**
 * The account of all calls of this process: `seen = sent + dropped (by reason) + in flight`, at every moment.
 * In flight is never counted, it is what remains.
 */
export class Account {
  seen = 0
  /** Acknowledged by the collector. */
  sent = 0
  readonly dropped = new Map<Reason, number>()
  /** Inner spans of traced calls that were lost, for any reason. They are detail: no call hangs on them. */
  spansDropped = 0

  /** Calls whose headers and bodies were sent along, and those that lost them, by reason. */
  payloadsKept = 0
  readonly payloadsDropped = new Map<PayloadReason, number>()

  dropPayload(reason: PayloadReason, calls = 1): void {
    if (calls > 0) this.payloadsDropped.set(reason, (this.payloadsDropped.get(reason) ?? 0) + calls)
  }

  drop(reason: Reason, calls: number): void {
    if (calls > 0) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + calls)
  }

  get lost(): number {
    let sum = 0
    for (const count of this.dropped.values()) sum += count
    return sum
  }

  /** Changes whenever there is something new to report. */
  get mark(): number {
    return this.seen + this.sent + this.lost + this.spansDropped
  }
}
