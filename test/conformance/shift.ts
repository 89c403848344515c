/** Where an ExportTraceServiceRequest has times: resource_spans, scope_spans, spans, and in those start, end, events. */
const messagePaths = new Set(['1', '1.2', '1.2.2', '1.2.2.11'])
const timePaths = new Set(['1.2.2.7', '1.2.2.8', '1.2.2.11.1'])

export interface Shifted {
  /** Nanoseconds that every time was moved by; whole seconds, so that their fractions stay. */
  byNs: bigint
  /** Earliest start, as it is now. */
  firstNs: bigint
  traceIds: Set<string>
  spans: number
}

/**
 * Moves the times of a recorded ExportTraceServiceRequest to now, in place: they are fixed64, so nothing else changes.
 * Recorded times would one day be older than calls are kept.
 */
export function shiftToNow(body: Buffer): Shifted {
  const times: number[] = []
  const traceIds = new Set<string>()
  let spans = 0
  walk(body, 0, body.length, '', (path, from, to) => {
    if (timePaths.has(path)) times.push(from)
    if (path === '1.2.2') spans++
    if (path === '1.2.2.1') traceIds.add(body.toString('hex', from, to))
  })
  const first = times.reduce((least, at) => min(least, body.readBigUInt64LE(at)), 2n ** 64n)
  const second = 1_000_000_000n
  // A little ago: the spans end later than the first one starts.
  const byNs = ((BigInt(Date.now()) * 1_000_000n - 5n * second - first) / second) * second
  for (const at of times) body.writeBigUInt64LE(body.readBigUInt64LE(at) + byNs, at)
  return { byNs, firstNs: first + byNs, traceIds, spans }
}

const min = (a: bigint, b: bigint) => (a < b ? a : b)

function walk(
  bytes: Buffer,
  from: number,
  to: number,
  path: string,
  visit: (path: string, from: number, to: number) => void,
): void {
  let at = from
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < to) {
    const tag = varint()
    const field = path === '' ? `${tag >>> 3}` : `${path}.${tag >>> 3}`
    const start = at
    if ((tag & 7) === 0) varint()
    else if ((tag & 7) === 1) at += 8
    else if ((tag & 7) === 5) at += 4
    else {
      const length = varint()
      visit(field, at, at + length)
      if (messagePaths.has(field)) walk(bytes, at, at + length, field, visit)
      at += length
      continue
    }
    visit(field, start, at)
  }
}
