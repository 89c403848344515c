import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import type { WrittenTable } from '../spool/block.ts'
import type { Row } from '../store/store.ts'
import { callRow, isCall, isOurs, originOf, spanRow } from './call.ts'
import type { Consumers } from './consumer.ts'
import type { Operations } from './operation.ts'
import type { Span, SpanGroup } from './otlp.ts'
import { payloadRow } from './payload.ts'

/** Rows by table. */
export type Batch = Partial<Record<WrittenTable, Row[]>>

/** Things not taken, by cause in the sender's words. */
export type Rejections = Record<string, number>

const causes = {
  invalid_id: 'without a trace id of 16 bytes and a span id of 8',
  in_the_future: `that start more than ${limits.futureMs / 60_000} minutes from now: set that machine's clock`,
  too_old: `older than ${limits.pastMs / 86_400_000} days`,
} as const

/** Sorts the spans of a request into rows of `calls`, with `payloads` beside them, and rows of `spans`. */
export function traceRows(
  groups: SpanGroup[],
  about: { env: string | undefined; token: string; operations: Operations; consumers: Consumers; now: number },
): { batch: Batch; rejections: Rejections } {
  const calls: Row[] = []
  const payloads: Row[] = []
  const spans: Row[] = []
  const rejections: Rejections = {}
  const earliest = BigInt(about.now - limits.pastMs) * 1_000_000n
  const latest = BigInt(about.now + limits.futureMs) * 1_000_000n
  for (const { resource, scope, spans: found } of groups) {
    const origin = originOf(resource, about.env, about.token)
    for (const span of found) {
      const fault = faultOf(span, earliest, latest)
      if (fault !== undefined) {
        metrics.rejected.inc({ cause: fault })
        rejections[causes[fault]] = (rejections[causes[fault]] ?? 0) + 1
      } else if (isCall(span, scope, origin)) {
        const call = callRow(span, origin, about.operations, about.consumers)
        calls.push(call)
        const payload = payloadRow(span, call, isOurs(scope, origin))
        if (payload !== undefined) payloads.push(payload)
      } else spans.push(spanRow(span, scope, origin))
    }
  }
  return { batch: { calls, payloads, spans, consumers: about.consumers.takeNews() }, rejections }
}

function faultOf(span: Span, earliest: bigint, latest: bigint): keyof typeof causes | undefined {
  if (!/^(?!0+$)[0-9a-f]{32}$/.test(span.traceId) || !/^(?!0+$)[0-9a-f]{16}$/.test(span.spanId)) return 'invalid_id'
  if (span.startNs > latest) return 'in_the_future'
  if (span.startNs < earliest) return 'too_old'
  return undefined
}
