import { randomFillSync } from 'node:crypto'
import { type Call, type Consumer, type ConsumerSource, OUTCOMES, type Outcome } from '../call.ts'
import type { Operation } from '../capture/route.ts'
import type { Detail, HeaderField } from '../detail.ts'
import { LOOP_WAIT_LEAST, PATH_LENGTH, USER_AGENT_LENGTH } from '../limits.ts'
import { type Bytes, keep, utf8Length, varintLength } from './bytes.ts'
import {
  encodeAttribute,
  type IntegerKey,
  keyField,
  SPAN_ATTRIBUTE,
  writeAttribute,
  writeSmallInteger,
  writeText,
} from './otlp.ts'

/*
 * One call becomes one span, written straight into the open batch: no object in between. What does not change from
 * call to call (operation, status, outcome; consumer; user agent; address) is kept encoded and copied.
 */

/** How a call ended, beside what the call itself carries. */
export interface Ending {
  operation: Operation
  outcome: Outcome
  /** Microseconds. */
  duration: number
  firstByte: number
  /** Wall clock at the start of the call, microseconds of the epoch. */
  started: number
  /** Without query, redacted. */
  path: string
  consumer: Buffer | undefined
  /** What the caller says it is. */
  agent: Buffer | undefined
  /** What the answer to an outgoing call says of quotas. */
  quota: readonly HeaderField[] | undefined
}

const PATH_KEY = keyField('url.path')
const REQUEST_SIZE = integerKey('http.request.body.size')
const RESPONSE_SIZE = integerKey('http.response.body.size')
const FIRST_BYTE = integerKey('callsight.ttfb_us')
const LOOP_WAIT = integerKey('callsight.loop_wait_us')
/** Room for everything in a record whose length is bounded by nature. */
const FIXED_ROOM = 512

/** Writes `call` as field 2 of ScopeSpans. Returns where the message begins, for `to.close` and `writeDetail`. */
export function writeCall(to: Bytes, call: Call, ending: Ending): number {
  const shape = shapeOf(call, ending)
  to.reserve(FIXED_ROOM + shape.length)
  const message = to.open(0x12)
  writeIds(to, call)
  to.raw(shape)
  to.reserve(FIXED_ROOM)
  to.byte(0x39)
  to.nanos(ending.started)
  to.byte(0x41)
  to.nanos(ending.started + ending.duration)
  writeSmallInteger(to, REQUEST_SIZE, call.requestBytes)
  writeSmallInteger(to, RESPONSE_SIZE, call.responseBytes)
  if (ending.firstByte > 0) writeSmallInteger(to, FIRST_BYTE, ending.firstByte)
  if (call.loopWait >= LOOP_WAIT_LEAST) writeSmallInteger(to, LOOP_WAIT, Math.round(call.loopWait * 1000))
  writePath(to, ending.path)
  if (call.peer !== undefined) to.raw(call.peer)
  if (ending.agent !== undefined) to.raw(ending.agent)
  if (call.errorCode !== undefined) writeAttribute(to, SPAN_ATTRIBUTE, 'callsight.error.code', call.errorCode)
  if (ending.consumer !== undefined) to.raw(ending.consumer)
  if (ending.quota !== undefined) {
    for (const [name, values] of ending.quota) writeAnswerHeader(to, name, values)
  }
  if (call.attributes !== undefined) {
    for (const [key, value] of call.attributes) writeAttribute(to, SPAN_ATTRIBUTE, key, value)
  }
  to.close(message)
  return message
}

/**
 * Adds headers and bodies to the call that was written last and begins at `message`.
 *
 * @param told headers of the answer that are written already
 */
export function writeDetail(to: Bytes, message: number, detail: Detail, told: Ending['quota'] = undefined): void {
  const text = (key: string, value: string) => writeAttribute(to, SPAN_ATTRIBUTE, key, value)
  text('callsight.detail', detail.reason)
  text('callsight.redaction', detail.redaction)
  if (detail.query !== '') text('url.query', detail.query)
  for (const [name, values] of detail.requestHeaders) {
    writeAttribute(to, SPAN_ATTRIBUTE, `http.request.header.${name}`, values)
  }
  for (const [name, values] of detail.answerHeaders) {
    if (told === undefined || !told.some(([other]) => other === name)) writeAnswerHeader(to, name, values)
  }
  if (detail.requestBody !== undefined) writeUtf8(to, 'http.request.body.content', detail.requestBody)
  if (detail.responseBody !== undefined) writeUtf8(to, 'http.response.body.content', detail.responseBody)
  if (detail.requestTruncated) writeAttribute(to, SPAN_ATTRIBUTE, 'callsight.request.body.truncated', true)
  if (detail.responseTruncated) writeAttribute(to, SPAN_ATTRIBUTE, 'callsight.response.body.truncated', true)
  to.close(message)
}

function writeAnswerHeader(to: Bytes, name: string, values: readonly string[]): void {
  writeAttribute(to, SPAN_ATTRIBUTE, `http.response.header.${name}`, values)
}

/** A text that is at hand as bytes. */
function writeUtf8(to: Bytes, key: string, value: Uint8Array): void {
  const pair = to.open(SPAN_ATTRIBUTE)
  writeText(to, 0x0a, key)
  const any = to.open(0x12)
  to.reserve(6)
  to.byte(0x0a)
  to.varint(value.length)
  to.raw(value)
  to.close(any)
  to.close(pair)
}

function writeIds(to: Bytes, call: Call): void {
  const { span, parent } = call
  to.byte(0x0a)
  to.byte(16)
  const traceId = span?.traceId ?? parent?.traceId
  if (traceId !== undefined) to.hex(traceId)
  else randomBytes(to, 16)
  to.byte(0x12)
  to.byte(8)
  if (span !== undefined) to.hex(span.spanId)
  else randomBytes(to, 8)
  if (parent !== undefined) {
    to.byte(0x22)
    to.byte(8)
    to.hex(parent.spanId)
  }
}

function writePath(to: Bytes, path: string): void {
  const text = path.length > PATH_LENGTH ? path.slice(0, PATH_LENGTH) : path
  const size = utf8Length(text)
  const any = 1 + varintLength(size) + size
  to.reserve(PATH_KEY.length + any + 16)
  to.byte(SPAN_ATTRIBUTE)
  to.varint(PATH_KEY.length + 1 + varintLength(any) + any)
  to.raw(PATH_KEY)
  to.byte(0x12)
  to.varint(any)
  to.byte(0x0a)
  to.varint(size)
  to.text(text, size)
}

/** Name, kind, status and all attributes that follow from operation, status and outcome. */
function shapeOf({ kind, status }: Call, { operation, outcome }: Ending): Buffer {
  const key = status * 8 + OUTCOMES.indexOf(outcome)
  let shape = operation.shapes.get(key)
  if (shape === undefined) {
    shape = encodeShape(kind.direction, operation, status, outcome)
    operation.shapes.set(key, shape)
  }
  return shape
}

function encodeShape(direction: 'in' | 'out', operation: Operation, status: number, outcome: Outcome): Buffer {
  const name = Buffer.from(operation.name)
  const nameLength = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7]
  const attributes: [string, string | number][] = [
    ['http.request.method', operation.method],
    ['callsight.operation', operation.name],
    ['callsight.style', 'rest'],
    ['callsight.outcome', outcome],
  ]
  if (operation.route !== undefined) attributes.push(['http.route', operation.route])
  if (operation.source !== 'framework') attributes.push(['callsight.operation.source', operation.source])
  if (status > 0) attributes.push(['http.response.status_code', status])
  const failed = outcome === 'server_error' || outcome === 'timeout'
  if (outcome !== 'ok' && outcome !== 'client_error') {
    attributes.push(['error.type', status >= 500 ? String(status) : outcome])
  }
  const shape = Buffer.concat([
    Buffer.from([0x2a, ...nameLength]),
    name,
    // kind = SERVER or CLIENT
    Buffer.from([0x30, direction === 'in' ? 2 : 3]),
    ...attributes.map(([key, value]) => encodeAttribute(SPAN_ATTRIBUTE, key, value)),
    // status.code = ERROR
    Buffer.from(failed ? [0x7a, 2, 0x18, 2] : []),
  ])
  return keep(shape)
}

/** The attributes that name a consumer, and who says so. */
export function encodeConsumer(consumer: Consumer, source: ConsumerSource): Buffer {
  const parts = [encodeAttribute(SPAN_ATTRIBUTE, 'callsight.consumer.id', consumer.id)]
  for (const field of ['name', 'plan', 'group'] as const) {
    const value = consumer[field]
    if (value !== undefined) parts.push(encodeAttribute(SPAN_ATTRIBUTE, `callsight.consumer.${field}`, value))
  }
  parts.push(encodeAttribute(SPAN_ATTRIBUTE, 'callsight.consumer.source', source))
  if (source === 'jwt') parts.push(encodeAttribute(SPAN_ATTRIBUTE, 'callsight.consumer.verified', false))
  return keep(Buffer.concat(parts))
}

export function encodeClient(address: string): Buffer {
  // An IPv4 peer of a dual-stack socket.
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return keep(encodeAttribute(SPAN_ATTRIBUTE, 'client.address', plain))
}

/** @param agent redacted */
export function encodeAgent(agent: string): Buffer {
  const text = agent.length > USER_AGENT_LENGTH ? agent.slice(0, USER_AGENT_LENGTH) : agent
  return keep(encodeAttribute(SPAN_ATTRIBUTE, 'user_agent.original', text))
}

/** The server of an outgoing call. */
export function encodeServer(address: string, port: number | undefined): Buffer {
  const parts = [encodeAttribute(SPAN_ATTRIBUTE, 'server.address', address)]
  if (port !== undefined) parts.push(encodeAttribute(SPAN_ATTRIBUTE, 'server.port', port))
  return keep(Buffer.concat(parts))
}

function integerKey(key: string): IntegerKey {
  return { tag: SPAN_ATTRIBUTE, bytes: keyField(key) }
}

const pool = Buffer.allocUnsafeSlow(8192)
let unused = pool.length

/** Random bytes from a pool: one call into the engine for some hundred ids. */
function randomBytes(to: Bytes, count: number): void {
  if (unused + count > pool.length) {
    randomFillSync(pool)
    unused = 0
  }
  for (let i = 0; i < count; i++) to.byte(pool[unused++]!)
}
