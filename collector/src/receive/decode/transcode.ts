import { limits } from '../../limits.ts'
import { Undecodable } from '../otlp.ts'
import type { Signal } from '../reply.ts'
import { Writer } from './writer.ts'

/*
 * OTLP/JSON: protobuf's JSON mapping with two differences, ids in hexadecimal and enums as numbers. 64-bit integers may
 * come as text or as numbers, and unknown fields are ignored. It is written as protobuf, so that everything behind it
 * reads one form only. Source: opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding".
 */

type Kind = 'text' | 'id' | 'bytes' | 'bool' | 'enum' | 'int64' | 'fixed64' | 'sfixed64' | 'double'
/** Fields of a message that are read, by their names in JSON; a list of messages is one in brackets. */
interface Message {
  [name: string]: readonly [field: number, kind: Kind | (() => Message) | readonly [() => Message]]
}

const keyValue = (): Message => KeyValue
const anyValue = (): Message => AnyValue
const attributes = [keyValue] as const
const Nothing: Message = {}

const KeyValue: Message = { key: [1, 'text'], value: [2, anyValue] }
const AnyValue: Message = {
  stringValue: [1, 'text'],
  boolValue: [2, 'bool'],
  intValue: [3, 'int64'],
  doubleValue: [4, 'double'],
  arrayValue: [5, () => ArrayValue],
  kvlistValue: [6, () => KeyValueList],
  bytesValue: [7, 'bytes'],
}
const ArrayValue: Message = { values: [1, [anyValue]] }
const KeyValueList: Message = { values: [1, attributes] }
const Resource: Message = { attributes: [1, attributes] }
const Scope: Message = { name: [1, 'text'] }
const Span: Message = {
  traceId: [1, 'id'],
  spanId: [2, 'id'],
  traceState: [3, 'text'],
  parentSpanId: [4, 'id'],
  name: [5, 'text'],
  kind: [6, 'enum'],
  startTimeUnixNano: [7, 'fixed64'],
  endTimeUnixNano: [8, 'fixed64'],
  attributes: [9, attributes],
  status: [15, () => Status],
}
const Status: Message = { message: [2, 'text'], code: [3, 'enum'] }
const NumberPoint: Message = {
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  asDouble: [4, 'double'],
  asInt: [6, 'sfixed64'],
  attributes: [7, attributes],
  flags: [8, 'enum'],
}
const NumberPoints: Message = { dataPoints: [1, [() => NumberPoint]] }
const OtherPoints: Message = { dataPoints: [1, [() => Nothing]] }
const Metric: Message = {
  name: [1, 'text'],
  gauge: [5, () => NumberPoints],
  sum: [7, () => NumberPoints],
  histogram: [9, () => OtherPoints],
  exponentialHistogram: [10, () => OtherPoints],
  summary: [11, () => OtherPoints],
}
const LogRecord: Message = {
  timeUnixNano: [1, 'fixed64'],
  observedTimeUnixNano: [11, 'fixed64'],
  severityNumber: [2, 'enum'],
  severityText: [3, 'text'],
  body: [5, anyValue],
  attributes: [6, attributes],
  traceId: [9, 'id'],
  spanId: [10, 'id'],
}

/** What all requests have in common: resources with their scopes. */
function requestOf(resources: string, scopes: string, items: string, item: Message): Message {
  const scope: Message = { scope: [1, () => Scope], [items]: [2, [() => item]] }
  const resource: Message = { resource: [1, () => Resource], [scopes]: [2, [() => scope]] }
  return { [resources]: [1, [() => resource]] }
}

const requests: Record<Signal, Message> = {
  traces: requestOf('resourceSpans', 'scopeSpans', 'spans', Span),
  metrics: requestOf('resourceMetrics', 'scopeMetrics', 'metrics', Metric),
  logs: requestOf('resourceLogs', 'scopeLogs', 'logRecords', LogRecord),
}

/** A request of OTLP/JSON in protobuf. @throws Undecodable that names the place of what is wrong */
export function transcode(signal: Signal, body: Buffer): Buffer {
  if (body.length > limits.jsonBytes) {
    throw new Undecodable(
      `not OTLP JSON: ${body.length} bytes, the limit for JSON is ${limits.jsonBytes}: send protobuf or smaller batches`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8') || '{}')
  } catch (error) {
    throw new Undecodable(`not OTLP JSON: ${(error as Error).message}`)
  }
  const transcoder = new Transcoder(body.length)
  transcoder.message(value, requests[signal], 0)
  return transcoder.to.bytes()
}

class Transcoder {
  readonly to: Writer
  /** Names and numbers that lead to where we are, for faults. */
  readonly #place: (string | number)[] = []

  constructor(size: number) {
    this.to = new Writer(size)
  }

  /** @param depth values around this one */
  message(value: unknown, message: Message, depth: number): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#fault('must be an object')
    const deeper = message === AnyValue ? depth + 1 : depth
    if (deeper > limits.valueDepth + 1) throw this.#fault(`is nested deeper than ${limits.valueDepth}`)
    for (const name in message) {
      const found = (value as Record<string, unknown>)[name]
      if (found === undefined || found === null || !Object.hasOwn(value, name)) continue
      const [field, kind] = message[name]!
      this.#place.push(name)
      if (typeof kind === 'string') this.#scalar(found, field, kind)
      else if (typeof kind === 'function') this.#nested(found, field, kind(), deeper)
      else this.#list(found, field, kind[0](), deeper)
      this.#place.pop()
    }
  }

  #nested(value: unknown, field: number, message: Message, depth: number): void {
    const open = this.to.open(field)
    this.message(value, message, depth)
    this.to.close(open)
  }

  #list(values: unknown, field: number, message: Message, depth: number): void {
    if (!Array.isArray(values)) throw this.#fault('must be a list')
    for (let i = 0; i < values.length; i++) {
      this.#place.push(i)
      this.#nested(values[i], field, message, depth)
      this.#place.pop()
    }
  }

  #scalar(value: unknown, field: number, kind: Kind): void {
    const { to } = this
    if (kind === 'text') to.text(field, this.#text(value))
    else if (kind === 'id') to.raw(field, idOf(this.#text(value)))
    else if (kind === 'bytes') to.raw(field, Buffer.from(this.#text(value), 'base64'))
    else if (kind === 'bool') to.varint(field, value === true ? 1n : 0n)
    else if (kind === 'double') to.double(field, Number(value))
    else if (kind === 'enum' || kind === 'int64') to.varint(field, this.#integer(value))
    else to.fixed64(field, this.#integer(value))
  }

  #text(value: unknown): string {
    if (typeof value !== 'string') throw this.#fault('must be text')
    return value
  }

  #integer(value: unknown): bigint {
    if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
    if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
    throw this.#fault('must be a whole number')
  }

  #fault(what: string): Undecodable {
    const place = this.#place.reduce<string>(
      (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
      '',
    )
    return new Undecodable(`not OTLP JSON: ${place || 'the body'} ${what}`)
  }
}

/** What is no hexadecimal is passed on as an id of a wrong length, which the mapping rejects. */
function idOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'hex')
  return bytes.length * 2 === text.length ? bytes : Buffer.alloc(1)
}
