import type { Call, SpanIds } from './call.ts'

/**
 * The ids of a call, from now on: most calls get theirs only when they are written, but whoever has to name a call
 * before (a call made on its behalf does) must name the same ids as the record will.
 *
 * @param traceId the trace that the call is known to be part of, where its caller has not told one
 */
export function idsOf(call: Call, traceId?: string): SpanIds {
  call.span ??= { traceId: call.parent?.traceId ?? traceId ?? randomHex(32), spanId: randomHex(16) }
  return call.span
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Ids need to be unique, not secret. All zeros would be invalid, and takes longer than anybody will wait. */
export function randomHex(length: number): string {
  let hex = ''
  while (hex.length < length) {
    const bits = (Math.random() * 0x100000000) >>> 0
    hex += HEX[bits >>> 24]! + HEX[(bits >>> 16) & 255]! + HEX[(bits >>> 8) & 255]! + HEX[bits & 255]!
  }
  return hex
}
