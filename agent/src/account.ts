/** Why a call did not reach the collector. */
export type Reason = 'queue_full' | 'refused' | 'too_large' | 'unreachable' | 'error'

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
