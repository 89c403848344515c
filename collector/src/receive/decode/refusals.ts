import { limits } from '../../limits.ts'
import type { Signal } from '../reply.ts'
import type { Counting } from './counts.ts'
import type { Span } from './span.ts'

export type Cause = 'invalid_id' | 'in_the_future' | 'too_old' | 'metric_not_read'

/** What of one request is not taken, by cause in the sender's words. */
export class Refusals {
  readonly #counting: Counting
  /** What began longer ago is not taken, in milliseconds. */
  pastMs: number
  #found: Partial<Record<Cause, number>> = {}
  #earliestUs = 0
  #latestUs = 0

  constructor(counting: Counting, pastMs: number) {
    this.#counting = counting
    this.pastMs = pastMs
  }

  begin(now: number): void {
    this.#found = {}
    this.#earliestUs = (now - this.pastMs) * 1000
    this.#latestUs = (now + limits.futureMs) * 1000
  }

  add(cause: Cause, number = 1): void {
    this.#found[cause] = (this.#found[cause] ?? 0) + number
  }

  /** True, and counted, when something began too long ago or in the future. */
  badTime({ startUs, startRest }: Span, number = 1): boolean {
    if (startUs < this.#earliestUs) this.add('too_old', number)
    else if (startUs > this.#latestUs || (startUs === this.#latestUs && startRest > 0))
      this.add('in_the_future', number)
    else return false
    return true
  }

  /** What the sender is told of the request, once it is decoded; counts it. */
  result(signal: Signal): { rejected: number; message: string } {
    let rejected = 0
    const said: string[] = []
    for (const [cause, number] of Object.entries(this.#found) as [Cause, number][]) {
      this.#counting.rejected(cause, number)
      rejected += number
      said.push(`${number} ${this.#words(cause, signal)}`)
    }
    return { rejected, message: said.join('; ') }
  }

  #words(cause: Cause, signal: Signal): string {
    const minutes = limits.futureMs / 60_000
    const begin = signal === 'traces' ? 'that start' : 'dated'
    if (cause === 'invalid_id') return 'without a trace id of 16 bytes and a span id of 8'
    if (cause === 'in_the_future') return `${begin} more than ${minutes} minutes from now: set that machine's clock`
    if (cause === 'too_old') {
      return `older than ${this.pastMs / 86_400_000} days${signal === 'traces' ? '' : ', or without a time'}`
    }
    return `not kept: Callsight reads callsight.agent.* and the numbers of a runtime (${runtimeMetrics.join('*, ')}*)`
  }
}

/** Metrics that are kept, by the beginnings of their names: what a process and its runtime tell of themselves. */
export const runtimeMetrics = ['process.', 'nodejs.', 'v8js.', 'jvm.', 'go.', 'cpython.', 'dotnet.', 'system.'] as const
