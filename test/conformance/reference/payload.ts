import { isUtf8 } from 'node:buffer'
import { limits } from '../../../collector/src/limits.ts'
import { type Attributes, emptyAttributes, type Value } from '../../../collector/src/receive/otlp.ts'
import { isQuotaField } from '../../../collector/src/receive/upstream/header.ts'
import { clip } from '../../../collector/src/receive/value.ts'
import type { Row } from '../../../collector/src/store/store.ts'
import type { Span } from './otlp.ts'
import { text } from './value.ts'

/**
 * Headers that are stored whoever sends them: they say how an answer was made and read, and have no room for what
 * identifies a person or opens a door.
 */
const harmless = new Set([
  'accept',
  'accept-encoding',
  'accept-ranges',
  'age',
  'allow',
  'cache-control',
  'connection',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'date',
  'expect',
  'expires',
  'keep-alive',
  'last-modified',
  'retry-after',
  'server',
  'transfer-encoding',
  'upgrade',
  'vary',
])

const prefixes = { request: 'http.request.header.', response: 'http.response.header.' } as const
const sides = ['request', 'response'] as const
type Side = (typeof sides)[number]

/**
 * The row of `payloads` for a span that is a call, undefined when there is nothing to keep.
 *
 * Our agent masks what it sends and says by which rules. Of anyone else, and of an agent that does not say it, nobody
 * knows what is in a header, a query or a body: of those only harmless headers are kept, and the rest is counted.
 *
 * @param call the row of `calls` of the same span
 * @param ours our agent made the span
 */
export function payloadRow({ attributes: a }: Span, call: Row, ours: boolean): Row | undefined {
  if (!carries(a, call.direction === 'out')) return undefined
  const redaction = ours ? text(a['callsight.redaction']) : ''
  const masked = redaction !== ''
  const room = new Room()
  const query = masked ? room.take(textOf(a['url.query'])) : ''
  const headers = { request: headersOf(a, 'request', masked, room), response: headersOf(a, 'response', masked, room) }
  const bodies = masked ? { request: bodyOf(a, 'request', room), response: bodyOf(a, 'response', room) } : noBodies
  const found = sides.some((side) => headers[side].number > 0 || bodies[side].text !== '')
  if (query === '' && !found) return undefined
  return {
    ts: call.ts,
    direction: call.direction,
    env: call.env,
    service: call.service,
    operation: call.operation,
    consumer: call.consumer,
    trace_id: call.trace_id,
    span_id: call.span_id,
    detail: call.detail,
    redaction,
    query,
    request_headers: headers.request.values,
    response_headers: headers.response.values,
    request_body: bodies.request.text,
    response_body: bodies.response.text,
    request_truncated: headers.request.truncated || bodies.request.truncated,
    response_truncated: headers.response.truncated || bodies.response.truncated,
    request_bytes: call.request_bytes,
    response_bytes: call.response_bytes,
  }
}

/**
 * Most calls carry nothing, and this is asked of every one. What an answer to an outgoing call tells of quotas has a
 * table of its own.
 */
function carries(a: Attributes, out: boolean): boolean {
  if (a['url.query'] !== undefined) return true
  for (const key in a) {
    if (out && quotaField(key) !== undefined) continue
    if (key.startsWith('http.re') && (key.endsWith('.content') || key.includes('.header.'))) return true
  }
  return false
}

/** The name of a header of the answer that may tell of a quota, of the attribute it is in. */
export function quotaField(key: string): string | undefined {
  if (!key.startsWith(prefixes.response)) return undefined
  const name = key.slice(prefixes.response.length).toLowerCase().replaceAll('_', '-')
  return isQuotaField(name) ? name : undefined
}

/** What is left of limits.payloadChars for one row. */
class Room {
  #left: number = limits.payloadChars

  fits(name: string): boolean {
    return name.length <= Math.min(limits.textChars, this.#left)
  }

  /** As much of a text as is allowed and fits. */
  take(value: string, most: number = limits.textChars): string {
    const taken = clip(value, Math.min(most, this.#left))
    this.#left -= taken.length
    return taken
  }
}

interface Body {
  text: string
  truncated: boolean
}

const noBodies: Record<Side, Body> = {
  request: { text: '', truncated: false },
  response: { text: '', truncated: false },
}

function bodyOf(a: Attributes, side: Side, room: Room): Body {
  const whole = textOf(a[`http.${side}.body.content`])
  const kept = room.take(whole, limits.bodyChars)
  return { text: kept, truncated: kept.length < whole.length || a[`callsight.${side}.body.truncated`] === true }
}

function headersOf(a: Attributes, side: Side, masked: boolean, room: Room) {
  const headers = { values: emptyAttributes() as Record<string, string[]>, number: 0, truncated: false }
  for (const key in a) {
    if (!key.startsWith(prefixes[side])) continue
    // The older form of the convention wrote content_type.
    const name = key.slice(prefixes[side].length).toLowerCase().replaceAll('_', '-')
    if (!masked && !harmless.has(name)) {
      continue
    }
    const value = a[key]
    const whole = (Array.isArray(value) ? value : [value]).slice(0, limits.headers).map(textOf)
    if (headers.number >= limits.headers || !room.fits(name)) {
      headers.truncated = true
      continue
    }
    headers.number++
    const kept = whole.map((one) => room.take(one))
    headers.values[room.take(name)] = kept
    headers.truncated ||= kept.some((one, index) => one.length < whole[index]!.length)
  }
  return headers
}

/** Text, also when it came as bytes; other bytes cannot have been masked, and are not kept. */
function textOf(value: Value | undefined): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  if (!(value instanceof Uint8Array)) return typeof value === 'object' ? JSON.stringify(value) : String(value)
  // A cut may have gone through the middle of a character.
  for (let cut = 0; cut <= Math.min(3, value.length); cut++) {
    const whole = value.subarray(0, value.length - cut)
    if (isUtf8(whole)) return Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('utf8')
  }
  return ''
}
