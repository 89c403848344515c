/** Why a call did not reach the collector. */
export type Reason = 'queue_full' | 'refused' | 'too_large' | 'unreachable' | 'error'

/**
 * Why a call that was to keep its headers and bodies lost them: with the call itself or instead of it; `memory`: too
 * many bodies were held at once; `busy`: redacting them would have cost the host too much time; `undecodable`: one of
 * its bodies has a content coding that is unknown or broken.
 */
export type PayloadReason = Reason | 'memory' | 'busy' | 'undecodable'

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

  /** Calls whose headers and bodies were acknowledged, and those that lost them, by reason. */
  payloadsKept = 0
  readonly payloadsDropped = new Map<PayloadReason, number>()

  dropPayload(reason: PayloadReason, calls = 1): void {
    if (calls > 0) this.payloadsDropped.set(reason, (this.payloadsDropped.get(reason) ?? 0) + calls)
  }

  drop(reason: Reason, calls: number): void {
    if (calls > 0) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + calls)
  }

  get lost(): number {
    return sum(this.dropped)
  }

  /** Changes whenever there is something new to report. */
  get mark(): number {
    return this.seen + this.sent + this.lost + this.spansDropped + this.payloadsKept + sum(this.payloadsDropped)
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let all = 0
  for (const count of counts.values()) all += count
  return all
}
