import { limits } from '../../limits.ts'
import { Memo } from './memo.ts'
import type { Reader } from './reader.ts'
import type { Span } from './span.ts'
import { decode } from './text.ts'

/**
 * How many calls a sampled span stands for: one over the probability it was sampled with, which `tracestate` tells.
 * Source: OpenTelemetry, specification/trace/tracestate-probability-sampling.md (`ot=th:`) and, for older SDKs,
 * its experimental predecessor (`ot=p:`).
 */
export class Weights {
  readonly #reader: Reader
  readonly #memo = new Memo<number>()

  constructor(reader: Reader) {
    this.#reader = reader
  }

  of(span: Span): number {
    if (span.stateAt === span.stateEnd) return 1
    const { bytes, view } = this.#reader
    const { stateAt, stateEnd } = span
    const weight =
      this.#memo.get(bytes, view, stateAt, stateEnd) ??
      this.#memo.add(bytes, view, stateAt, stateEnd, weightOf(decode(bytes, stateAt, stateEnd)))
    return Number.isInteger(weight) ? weight : rounded(weight, draw(span))
  }
}

/**
 * The weight that a `tracestate` tells, 1 when it tells none.
 *
 * @example weightOf('ot=th:c') === 4, since a threshold of c/16 rejects three quarters
 */
export function weightOf(state: string): number {
  const member = /(?:^|,)\s*ot\s*=([^,]*)/.exec(state)?.[1] ?? ''
  const threshold = /(?:^|;)\s*th:([0-9a-f]{1,14})\s*(?:;|$)/.exec(member)?.[1]
  if (threshold !== undefined) {
    const rejected = Number.parseInt(threshold.padEnd(14, '0'), 16) / 2 ** 56
    return rejected < 1 ? Math.min(1 / (1 - rejected), limits.weight) : limits.weight
  }
  const power = /(?:^|;)\s*p:(\d{1,2})\s*(?:;|$)/.exec(member)?.[1]
  // 63 says: not sampled by this rule at all.
  return power === undefined || Number(power) > 62 ? 1 : Math.min(2 ** Number(power), limits.weight)
}

/** One of the two whole numbers around a weight, so that the mean over all draws is the weight. @param drawn 0…1 */
export function rounded(weight: number, drawn: number): number {
  const whole = Math.floor(weight)
  return drawn < weight - whole ? whole + 1 : whole
}

/**
 * 0…1, always the same for a trace. Hashed, because the id's last seven bytes themselves have decided whether the span
 * was sampled. The finisher is MurmurHash3's.
 */
function draw({ ids, traceAt }: Span): number {
  let hash = 0x9747b28c
  for (let i = traceAt; i < traceAt + 16; i++) hash = Math.imul(hash ^ ids[i]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296
}
