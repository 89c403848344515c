import { limits } from '../limits.ts'
import {
  type Attributes,
  emptyAttributes,
  type PointGroup,
  type Span,
  type SpanGroup,
  Undecodable,
  type Value,
} from './otlp.ts'

/*
 * A decoder for exactly the messages we read, written by hand because no maintained package decodes OTLP requests.
 * Every message is a loop over its fields: known ones are read, unknown ones skipped, and each read checks its bounds.
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */

/** Decodes an ExportTraceServiceRequest. @throws Undecodable */
export function decodeTraces(body: Uint8Array): SpanGroup[] {
  return groupsOf(body, scopeSpans)
}

/** Decodes an ExportMetricsServiceRequest as far as its sums and gauges. @throws Undecodable */
export function decodeMetrics(body: Uint8Array): PointGroup[] {
  return groupsOf(body, scopeMetrics)
}

/** Counts the records of an ExportLogsServiceRequest. @throws Undecodable */
export function countLogs(body: Uint8Array): number {
  let records = 0
  const level = (reader: Reader, wanted: number[]): void => {
    const [field, ...rest] = wanted
    reader.message((found, inner) => {
      if (found !== field) inner.skip()
      else if (rest.length > 0) level(inner.nested(), rest)
      else {
        inner.skip()
        records++
      }
    })
  }
  level(new Reader(body), [1, 2, 2])
  return records
}

/** What all requests have in common: resources (field 1), each with its attributes (1) and its scopes (2). */
function groupsOf<G extends { resource: Attributes }>(body: Uint8Array, scopeOf: (reader: Reader) => G): G[] {
  const groups: G[] = []
  new Reader(body).message((field, reader) => {
    if (field !== 1) return reader.skip()
    let resource = emptyAttributes()
    const own: G[] = []
    reader.nested().message((part, inner) => {
      if (part === 1) resource = attributesOf(inner.nested(), 1)
      else if (part === 2) own.push(scopeOf(inner.nested()))
      else inner.skip()
    })
    // The resource may follow its scopes on the wire.
    for (const group of own) groups.push({ ...group, resource })
  })
  return groups
}

function scopeSpans(reader: Reader): SpanGroup {
  const group: SpanGroup = { resource: emptyAttributes(), scope: '', spans: [] }
  reader.message((field, inner) => {
    if (field === 1) group.scope = scopeName(inner.nested())
    else if (field === 2) group.spans.push(span(inner.nested()))
    else inner.skip()
  })
  return group
}

function scopeName(reader: Reader): string {
  let name = ''
  reader.message((field, inner) => {
    if (field === 1) name = inner.text()
    else inner.skip()
  })
  return name
}

function span(reader: Reader): Span {
  const span: Span = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    name: '',
    kind: 0,
    startNs: 0n,
    endNs: 0n,
    attributes: emptyAttributes(),
    statusCode: 0,
    statusMessage: '',
  }
  reader.message((field, inner) => {
    if (field === 1) span.traceId = inner.hex()
    else if (field === 2) span.spanId = inner.hex()
    else if (field === 4) span.parentSpanId = inner.hex()
    else if (field === 5) span.name = inner.text()
    else if (field === 6) span.kind = inner.varint()
    else if (field === 7) span.startNs = inner.fixed64()
    else if (field === 8) span.endNs = inner.fixed64()
    else if (field === 9) keyValue(inner.nested(), span.attributes, 0)
    else if (field === 15) status(inner.nested(), span)
    else inner.skip()
  })
  return span
}

function status(reader: Reader, span: Span): void {
  reader.message((field, inner) => {
    if (field === 2) span.statusMessage = inner.text()
    else if (field === 3) span.statusCode = inner.varint()
    else inner.skip()
  })
}

function scopeMetrics(reader: Reader): PointGroup {
  const group: PointGroup = { resource: emptyAttributes(), scope: '', points: [], others: 0 }
  reader.message((field, inner) => {
    if (field === 1) group.scope = scopeName(inner.nested())
    else if (field === 2) metric(inner.nested(), group)
    else inner.skip()
  })
  return group
}

function metric(reader: Reader, group: PointGroup): void {
  let name = ''
  const first = group.points.length
  reader.message((field, inner) => {
    if (field === 1) name = inner.text()
    else if (field === 5 || field === 7) points(inner.nested(), group)
    else if (field === 9 || field === 10 || field === 11) group.others += countField(inner.nested(), 1)
    else inner.skip()
  })
  for (let i = first; i < group.points.length; i++) group.points[i]!.metric = name
}

function points(reader: Reader, group: PointGroup): void {
  reader.message((field, inner) => {
    if (field !== 1) return inner.skip()
    const point = { metric: '', attributes: emptyAttributes(), startNs: 0n, timeNs: 0n, value: 0 }
    inner.nested().message((part, value) => {
      if (part === 2) point.startNs = value.fixed64()
      else if (part === 3) point.timeNs = value.fixed64()
      else if (part === 4) point.value = value.double()
      else if (part === 6) point.value = Number(BigInt.asIntN(64, value.fixed64()))
      else if (part === 7) keyValue(value.nested(), point.attributes, 0)
      else value.skip()
    })
    group.points.push(point)
  })
}

function countField(reader: Reader, wanted: number): number {
  let count = 0
  reader.message((field, inner) => {
    if (field === wanted) count++
    inner.skip()
  })
  return count
}

function attributesOf(reader: Reader, wanted: number): Attributes {
  const attributes = emptyAttributes()
  reader.message((field, inner) => {
    if (field === wanted) keyValue(inner.nested(), attributes, 0)
    else inner.skip()
  })
  return attributes
}

function keyValue(reader: Reader, into: Attributes, depth: number): void {
  let key = ''
  let value: Value = null
  reader.message((field, inner) => {
    if (field === 1) key = inner.text()
    else if (field === 2) value = anyValue(inner.nested(), depth)
    else inner.skip()
  })
  into[key] = value
}

function anyValue(reader: Reader, depth: number): Value {
  if (depth > limits.valueDepth) throw reader.fault(`values are nested deeper than ${limits.valueDepth}`)
  let value: Value = null
  reader.message((field, inner) => {
    if (field === 1) value = inner.text()
    else if (field === 2) value = inner.varint() !== 0
    else if (field === 3) value = inner.int64()
    else if (field === 4) value = inner.double()
    else if (field === 5) value = list(inner.nested(), depth)
    else if (field === 6) {
      const map = emptyAttributes()
      inner.nested().message((part, entry) => {
        if (part === 1) keyValue(entry.nested(), map, depth + 1)
        else entry.skip()
      })
      value = map
    } else if (field === 7) value = depth === 0 ? inner.bytes() : inner.base64()
    else inner.skip()
  })
  return value
}

function list(reader: Reader, depth: number): Value[] {
  const values: Value[] = []
  reader.message((field, inner) => {
    if (field === 1) values.push(anyValue(inner.nested(), depth + 1))
    else inner.skip()
  })
  return values
}

/** A cursor over one message. After `message` has announced a field, exactly one read (or `skip`) takes it. */
class Reader {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number
  #wire = 0

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = start
    this.#end = end
  }

  message(take: (field: number, reader: this) => void): void {
    while (this.#at < this.#end) {
      const tag = this.#number()
      this.#wire = tag & 7
      const field = Math.floor(tag / 8)
      if (field === 0) throw this.fault('field number 0')
      take(field, this)
    }
  }

  nested(): Reader {
    const start = this.#take(this.#length())
    return new Reader(this.#bytes, start, this.#at)
  }

  text(): string {
    const start = this.#take(this.#length())
    return this.#bytes.toString('utf8', start, this.#at)
  }

  hex(): string {
    const start = this.#take(this.#length())
    return this.#bytes.toString('hex', start, this.#at)
  }

  bytes(): Uint8Array {
    const start = this.#take(this.#length())
    return this.#bytes.subarray(start, this.#at)
  }

  base64(): string {
    const start = this.#take(this.#length())
    return this.#bytes.toString('base64', start, this.#at)
  }

  varint(): number {
    this.#expect(0)
    return this.#number()
  }

  /** A signed 64-bit integer: a number where it is exact, else its decimal digits. */
  int64(): number | string {
    this.#expect(0)
    const start = this.#at
    const low = this.#number()
    if (low <= Number.MAX_SAFE_INTEGER) return low
    // Ten bytes, sign included: rare enough to be read again the slow way.
    let value = 0n
    for (let i = start, shift = 0n; i < this.#at; i++, shift += 7n) value |= BigInt(this.#bytes[i]! & 127) << shift
    const signed = BigInt.asIntN(64, value)
    return signed >= BigInt(Number.MIN_SAFE_INTEGER) && signed <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(signed)
      : String(signed)
  }

  fixed64(): bigint {
    this.#expect(1)
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  double(): number {
    this.#expect(1)
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  skip(): void {
    if (this.#wire === 0) this.#number()
    else if (this.#wire === 1) this.#take(8)
    else if (this.#wire === 2) this.#take(this.#length())
    else if (this.#wire === 5) this.#take(4)
    else throw this.fault(`wire type ${this.#wire}`)
  }

  fault(what: string): Undecodable {
    return new Undecodable(`not an OTLP protobuf message: ${what} at byte ${this.#at}`)
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) throw this.fault(`wire type ${this.#wire} where ${wire} is expected`)
  }

  #take(length: number): number {
    const start = this.#at
    if (start + length > this.#end) throw this.fault(`${length} bytes announced, ${this.#end - start} left`)
    this.#at += length
    return start
  }

  #length(): number {
    this.#expect(2)
    return this.#number()
  }

  #number(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw this.fault('the message ends inside a number')
      const byte = this.#bytes[this.#at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    throw this.fault('a number longer than ten bytes')
  }
}
