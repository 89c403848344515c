import { Addresses } from './address.ts'
import { Kept } from './attributes.ts'
import type { Callers } from './callers.ts'
import { Endings } from './errors.ts'
import { key } from './keys.ts'
import type { Operation, OperationNames } from './operations.ts'
import type { Origin } from './origin.ts'
import type { Slots } from './slots.ts'
import type { Span } from './span.ts'
import { type CallColumns, IN, OUT, type Table } from './tables.ts'
import { Text } from './text.ts'

const METHOD = key['http.request.method']
const OLD_METHOD = key['http.method']
const STATUS = key['http.response.status_code']
const OLD_STATUS = key['http.status_code']
const ROUTE = key['http.route']
const TEMPLATE = key['url.template']
const RPC_SYSTEM = key['rpc.system.name']
const OLD_RPC_SYSTEM = key['rpc.system']
const GRAPHQL_TYPE = key['graphql.operation.type']
const GRAPHQL_NAME = key['graphql.operation.name']
const CONSUMER = key['callsight.consumer.id']
const CONSUMER_NAME = key['callsight.consumer.name']
const CONSUMER_PLAN = key['callsight.consumer.plan']
const CONSUMER_SOURCE = key['callsight.consumer.source']
const CONSUMER_VERIFIED = key['callsight.consumer.verified']
const ENDUSER = key['enduser.id']
const USER = key['user.id']
const STYLE = key['callsight.style']
const OPERATION_SOURCE = key['callsight.operation.source']
const TTFB = key['callsight.ttfb_us']
const LOOP_WAIT = key['callsight.loop_wait_us']
const REQUEST_SIZE = key['http.request.body.size']
const OLD_REQUEST_SIZE = key['http.request_content_length']
const RESPONSE_SIZE = key['http.response.body.size']
const OLD_RESPONSE_SIZE = key['http.response_content_length']
const UNITS = key['callsight.units']
const USER_AGENT = key['user_agent.original']
const OLD_USER_AGENT = key['http.user_agent']
const DETAIL = key['callsight.detail']

const REST = constant('rest')
const GRAPHQL = constant('graphql')
const GRPC = constant('grpc')
const JSON_RPC = constant('jsonrpc')
const FRAMEWORK = constant('framework')
const GUESS = constant('guess')
const APPLICATION = constant('application')
const NONE = constant('')

function constant(value: string): Text {
  const text = new Text()
  text.set(value)
  return text
}

/** Writes rows of `calls`. Old and new names of the semantic conventions mean the same column. */
export class Calls {
  readonly table: Table<CallColumns>
  readonly #slots: Slots
  readonly #operations: OperationNames
  readonly #callers: Callers
  readonly #addresses: Addresses
  readonly #endings: Endings
  readonly #kept: Kept
  readonly #text = new Text()
  readonly #method = new Text()
  readonly #route = new Text()
  readonly #path = new Text()
  readonly #id = new Text()
  readonly #name = new Text()
  readonly #plan = new Text()
  readonly #style = new Text()

  // What rows of other tables share with the row of the call that was written last.
  operation: Operation | undefined
  consumer: Text = NONE
  status = 0
  peer = new Text()
  port = 0
  requestBytes = 0
  responseBytes = 0

  constructor(table: Table<CallColumns>, slots: Slots, operations: OperationNames, callers: Callers) {
    this.table = table
    this.#slots = slots
    this.#operations = operations
    this.#callers = callers
    this.#addresses = new Addresses(slots)
    this.#endings = new Endings(slots)
    this.#kept = new Kept(slots)
  }

  /**
   * @param duration microseconds
   * @param weight how many calls it stands for
   */
  write(span: Span, origin: Origin, out: boolean, duration: number, weight: number): void {
    const { columns } = this.table
    const slots = this.#slots
    columns.ts.uint64(span.startUs)
    columns.direction.uint8(out ? OUT : IN)
    this.#writeOrigin(origin)
    this.#writeConsumer(origin)
    const status = this.#status()
    this.status = status
    this.#writeOperation(span, origin, status, out)
    this.#writePeer(out)
    columns.status.uint16(status)
    columns.outcome.uint8(this.#endings.outcome(status, span.failed, this.#style.equals(GRPC.bytes)))
    this.#endings.code(this.#text)
    columns.error_code.push(this.#text)
    columns.duration_us.uint64(duration)
    columns.ttfb_us.uint64(slots.count(TTFB))
    columns.loop_wait_us.uint64(slots.count(LOOP_WAIT))
    this.requestBytes = slots.count(slots.either(REQUEST_SIZE, OLD_REQUEST_SIZE))
    this.responseBytes = slots.count(slots.either(RESPONSE_SIZE, OLD_RESPONSE_SIZE))
    columns.request_bytes.uint64(this.requestBytes)
    columns.response_bytes.uint64(this.responseBytes)
    columns.units.uint32(slots.has(UNITS) ? Math.min(slots.count(UNITS), 0xffffffff) : 1)
    columns.weight.uint32(weight)
    this.#addresses.client(out, this.#text)
    columns.client_address.push(this.#text)
    slots.text(slots.either(USER_AGENT, OLD_USER_AGENT), this.#text)
    columns.user_agent.push(this.#text)
    slots.text(DETAIL, this.#text)
    columns.detail.push(this.#text)
    columns.trace_id.pushHex(span.ids, span.traceAt, 16)
    columns.span_id.pushHex(span.ids, span.spanAt, 8)
    columns.parent_span_id.pushHex(span.ids, span.parentAt, span.parentLength)
    this.#kept.write(columns.attributes, out)
    this.table.rows++
  }

  #writeOrigin(origin: Origin): void {
    const { columns } = this.table
    const { places } = origin
    if (origin.serial !== columns.env.serial) {
      origin.serial = columns.env.serial
      places[0] = columns.env.placeOf(origin.env)
      places[1] = columns.service.placeOf(origin.service)
      places[2] = columns.version.placeOf(origin.version)
      places[3] = columns.instance.placeOf(origin.instance)
    }
    columns.env.pushIndex(places[0]!)
    columns.service.pushIndex(places[1]!)
    columns.version.pushIndex(places[2]!)
    columns.instance.pushIndex(places[3]!)
  }

  #writeConsumer(origin: Origin): void {
    const { columns } = this.table
    const slots = this.#slots
    const own = slots.either(CONSUMER, ENDUSER)
    slots.text(own === -1 ? USER : own, this.#id)
    slots.text(CONSUMER_NAME, this.#name)
    slots.text(CONSUMER_PLAN, this.#plan)
    let plan = this.#plan
    this.consumer = this.#id
    if (this.#id.length > 0) {
      const caller = this.#callers.resolve(this.#id, this.#name, this.#plan, origin)
      this.consumer = caller.id
      plan = caller.plan
    }
    columns.consumer.push(this.consumer)
    columns.plan.push(plan)
    slots.text(CONSUMER_SOURCE, this.#text)
    if (this.#text.length > 0) columns.consumer_source.push(this.#text)
    else columns.consumer_source.push(this.#isUser() ? APPLICATION : NONE)
    columns.consumer_verified.uint8(slots.isFalse(CONSUMER_VERIFIED) ? 0 : 1)
  }

  /** OpenTelemetry's own attributes of a user are set by the application. */
  #isUser(): boolean {
    const slots = this.#slots
    return !slots.has(CONSUMER) && (slots.has(USER) || slots.either(ENDUSER, ENDUSER) !== -1)
  }

  #status(): number {
    const status = this.#slots.count(this.#slots.either(STATUS, OLD_STATUS))
    return status <= 999 ? status : 0
  }

  #writeOperation(span: Span, origin: Origin, status: number, out: boolean): void {
    const { columns } = this.table
    const slots = this.#slots
    slots.text(slots.either(METHOD, OLD_METHOD), this.#method)
    slots.text(slots.either(ROUTE, TEMPLATE), this.#route)
    this.#addresses.path(this.#path)
    if (!out && this.#path.length + this.#route.length === 0) {
      this.#addresses.pathOfName(span, this.#method, this.#path)
    }
    const graphql = this.#readStyle()
    const operation = this.#operations.of(
      origin,
      graphql,
      this.#method,
      this.#route,
      this.#path,
      !out && status === 404,
    )
    if (operation.serial !== columns.operation.serial) {
      operation.serial = columns.operation.serial
      operation.place = columns.operation.placeOf(operation.name)
    }
    this.operation = operation
    columns.style.push(this.#style)
    columns.operation.pushIndex(operation.place)
    slots.text(OPERATION_SOURCE, this.#text)
    if (this.#text.length > 0) columns.operation_source.push(this.#text)
    else columns.operation_source.push(operation.guessed ? GUESS : FRAMEWORK)
    columns.method.push(this.#method)
    columns.route.push(this.#route)
    columns.path.push(this.#path)
  }

  /** @returns whether it is GraphQL */
  #readStyle(): boolean {
    const slots = this.#slots
    const style = this.#style
    slots.text(STYLE, style)
    if (style.length > 0) return style.equals(GRAPHQL.bytes)
    if (slots.has(GRAPHQL_TYPE) || slots.has(GRAPHQL_NAME)) {
      style.stand(GRAPHQL)
      return true
    }
    slots.text(slots.either(RPC_SYSTEM, OLD_RPC_SYSTEM), style)
    if (style.length === 0 || !(style.equals(GRPC.bytes) || style.equals(JSON_RPC.bytes))) style.stand(REST)
    return false
  }

  #writePeer(out: boolean): void {
    const { columns } = this.table
    if (out) this.#addresses.peer(this.peer)
    else this.peer.clear()
    this.port = out ? this.#addresses.port() : 0
    columns.peer.push(this.peer)
    columns.peer_port.uint16(this.port)
  }
}
