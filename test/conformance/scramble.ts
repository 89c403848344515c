/** Messages in a message, by field number. */
interface Nested {
  [field: number]: Nested
}

const value: Nested = { 5: {}, 6: {} }
value[5]![1] = value
value[6]![1] = { 2: value }
const attribute: Nested = { 2: value }
const resource: Nested = { 1: attribute }

/** The messages of each request that have messages of interest in them. */
export const shapes: Record<'traces' | 'logs' | 'metrics', Nested> = {
  traces: { 1: { 1: resource, 2: { 1: {}, 2: { 9: attribute, 15: {} } } } },
  logs: { 1: { 1: resource, 2: { 2: { 5: value, 6: attribute } } } },
  metrics: { 1: { 1: resource, 2: { 2: { 5: { 1: { 7: attribute } }, 7: { 1: { 7: attribute } } } } } },
}

/**
 * The same message as other encoders may write it: fields in another order (those of one number keep theirs), lengths
 * with more bytes than they need, and fields in between that nobody knows.
 */
export function scramble(message: Buffer, shape: Nested, next: () => number): Buffer {
  const fields = new Map<number, Buffer[]>()
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at)
    const number = Math.floor(tag.value / 8)
    const wire = tag.value % 8
    let end = tag.next
    let content: Buffer = Buffer.alloc(0)
    if (wire === 0) end = varint(message, tag.next).next
    else if (wire === 1) end += 8
    else if (wire === 5) end += 4
    else {
      const length = varint(message, tag.next)
      end = length.next + length.value
      content = Buffer.from(message.subarray(length.next, end))
      if (shape[number] !== undefined) content = scramble(content, shape[number], next)
    }
    const head = encoded(number * 8 + wire)
    const field =
      wire === 2
        ? [head, encoded(content.length, next() < 0.3 ? 4 : 0), content]
        : [head, message.subarray(tag.next, end)]
    const own = fields.get(number) ?? []
    fields.set(number, own)
    own.push(Buffer.concat(field))
    at = end
  }
  const parts: Buffer[] = []
  const queues = [...fields.values()]
  while (queues.length > 0) {
    const place = Math.floor(next() * queues.length)
    parts.push(queues[place]!.shift()!)
    if (queues[place]!.length === 0) queues.splice(place, 1)
    if (next() < 0.1) parts.push(unknown(next))
  }
  return Buffer.concat(parts)
}

function unknown(next: () => number): Buffer {
  const field = 200 + Math.floor(next() * 1000)
  const kind = Math.floor(next() * 4)
  if (kind === 0) return Buffer.concat([encoded(field * 8), encoded(Math.floor(next() * 1e9))])
  if (kind === 1) return Buffer.concat([encoded(field * 8 + 1), Buffer.alloc(8, 7)])
  if (kind === 2) return Buffer.concat([encoded(field * 8 + 2), encoded(3), Buffer.from('abc')])
  return Buffer.concat([encoded(field * 8 + 5), Buffer.alloc(4, 9)])
}

function varint(from: Buffer, start: number): { value: number; next: number } {
  let value = 0
  let at = start
  for (let scale = 1; ; scale *= 128) {
    const byte = from[at++]!
    value += (byte & 127) * scale
    if (byte < 128) return { value, next: at }
  }
}

/** @param least bytes, padded with empty ones */
function encoded(value: number, least = 0): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push(rest % 128)
    rest = Math.floor(rest / 128)
  } while (rest > 0 || bytes.length < least)
  return Buffer.from(bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 128 : byte)))
}
