import { randomFillSync } from 'node:crypto'
import { durations } from './mix.mjs'

/*
 * Makes another request of an encoded body, in place: ids, times, durations, ids in paths and sizes are written over where they lie. No length changes,
 * so nothing has to be encoded. Encoding: https://protobuf.dev/programming-guides/encoding/
 */

const RANGE = 0x100000000
/** Calls of a request began within this time, in nanoseconds: what a batch of an agent spans. */
const SPREAD = 1e9

/** A request body and where its calls are. */
export class Template {
  /**
   * @param body an ExportTraceServiceRequest
   * @param random seeds the spread of the calls over the second
   */
  constructor(body, random) {
    this.body = body
    this.view = new DataView(body.buffer, body.byteOffset, body.length)
    this.calls = spansOf(body).map((span) => placesOf(body, span, random))
    this.ids = new Uint32Array(this.calls.length * 6)
  }

  /** New calls, as of now. */
  renew(now = Date.now()) {
    const { view, ids, calls } = this
    randomFillSync(ids)
    const nanos = BigInt(now) * 1_000_000n
    const baseHigh = Number(nanos >> 32n)
    const baseLow = Number(nanos & 0xffffffffn)
    const turn = ids[0]
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i]
      const first = i * 6
      for (let word = 0; word < 4; word++) view.setUint32(call.trace + word * 4, ids[first + word])
      view.setUint32(call.span, ids[first + 4])
      view.setUint32(call.span + 4, ids[first + 5])
      const micros = Math.ceil(durations[(turn + i * 7) & 0xffff] * call.median)
      putNanos(view, call.start, baseHigh, baseLow, call.ago + micros * 1000)
      putNanos(view, call.end, baseHigh, baseLow, call.ago)
      if (call.firstByte !== undefined) putVarint(view, call.firstByte, Math.floor(micros * 0.9))
      if (call.size !== undefined) putVarint(view, call.size, (ids[first] >>> 7) & 0x1fff)
      if (call.digits > 0) putDigits(view, call.digits, ids[first + 1])
    }
  }
}

/** The wall clock `ago` nanoseconds before base, as fixed64. */
function putNanos(view, at, baseHigh, baseLow, ago) {
  const low = baseLow - (ago % RANGE)
  view.setUint32(at, low < 0 ? low + RANGE : low, true)
  view.setUint32(at + 4, baseHigh - Math.floor(ago / RANGE) - (low < 0 ? 1 : 0), true)
}

/** A varint of the length that is there: the nearest value that has it. */
function putVarint(view, { at, bytes }, value) {
  const least = bytes === 1 ? 0 : 2 ** (7 * (bytes - 1))
  let rest = Math.min(Math.max(value, least), 2 ** (7 * bytes) - 1)
  for (let i = 0; i < bytes; i++) {
    view.setUint8(at + i, (rest & 0x7f) | (i < bytes - 1 ? 0x80 : 0))
    rest >>>= 7
  }
}

function putDigits(view, at, number) {
  let rest = number % 1_000_000
  for (let i = 5; i >= 0; i--) {
    view.setUint8(at + i, 48 + (rest % 10))
    rest = Math.floor(rest / 10)
  }
}

/** Fields of a message: `[number, start, end]` of each value, lengths and tags left out. */
function* fields(body, start, end) {
  let at = start
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = body[at++]
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < end) {
    const tag = varint()
    const begin = at
    if ((tag & 7) === 0) varint()
    else if ((tag & 7) === 1) at += 8
    else if ((tag & 7) === 5) at += 4
    else {
      const length = varint()
      yield [tag >>> 3, at, at + length]
      at += length
      continue
    }
    yield [tag >>> 3, begin, at]
  }
}

/** ResourceSpans = 1, ScopeSpans = 2, Span = 2. */
function spansOf(body) {
  const found = []
  for (const [, start, end] of fields(body, 0, body.length)) {
    for (const [part, from, to] of fields(body, start, end)) {
      if (part !== 2) continue
      for (const [field, first, last] of fields(body, from, to)) if (field === 2) found.push([first, last])
    }
  }
  return found
}

function placesOf(body, [start, end], random) {
  const call = { ago: Math.floor((random() * SPREAD) / 1000) * 1000, digits: 0, firstByte: undefined, size: undefined }
  for (const [field, from, to] of fields(body, start, end)) {
    if (field === 1) call.trace = from
    else if (field === 2) call.span = from
    else if (field === 7) call.start = from
    else if (field === 8) call.end = from
    else if (field === 9) noteAttribute(body, from, to, call)
  }
  const nanos = body.readBigUInt64LE(call.end) - body.readBigUInt64LE(call.start)
  call.median = Number(nanos) / 1e6
  return call
}

/** KeyValue: key = 1, value = 2; AnyValue: string = 1, int = 3. */
function noteAttribute(body, start, end, call) {
  let key = ''
  for (const [field, from, to] of fields(body, start, end)) {
    if (field === 1) key = body.latin1Slice(from, to)
    else if (key === 'url.path') {
      const [[, first, last]] = fields(body, from, to)
      const id = /\/\d{6}/.exec(body.latin1Slice(first, last))
      if (id !== null) call.digits = first + id.index + 1
    } else if (key === 'callsight.ttfb_us' || key === 'http.response.body.size') {
      const [[, first, last]] = fields(body, from, to)
      call[key === 'callsight.ttfb_us' ? 'firstByte' : 'size'] = { at: first, bytes: last - first }
    }
  }
}
