/** The caller's place in a trace, from its `traceparent` header (W3C Trace Context, level 1). */
export interface TraceParent {
  traceId: string
  spanId: string
  sampled: boolean
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Undefined for a header that the specification tells us to ignore. */
export function parseTraceParent(header: string | undefined): TraceParent | undefined {
  if (header === undefined || header.length < 55 || header.length > 512) return undefined
  const parts = FORM.exec(header)
  if (parts === null) return undefined
  const [, version, traceId, spanId, flags, more] = parts as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ]
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
