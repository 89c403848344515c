import { limits } from '../../limits.ts'
import { isQuotaField } from '../upstream/header.ts'
import { clip } from '../value.ts'
import { ByteSet } from './byteset.ts'
import { plain, viewOf } from './text.ts'

/** Attributes that are read by name. Their place in this list is their number. */
const names = [
  '',
  'http.request.method',
  'http.method',
  'http.response.status_code',
  'http.status_code',
  'http.route',
  'url.template',
  'url.path',
  'http.target',
  'url.full',
  'http.url',
  'url.query',
  'client.address',
  'http.client_ip',
  'network.peer.address',
  'net.sock.peer.addr',
  'net.peer.ip',
  'user_agent.original',
  'http.user_agent',
  'http.request.body.size',
  'http.request_content_length',
  'http.response.body.size',
  'http.response_content_length',
  'http.request.body.content',
  'http.response.body.content',
  'server.address',
  'net.peer.name',
  'http.host',
  'server.port',
  'net.peer.port',
  'rpc.system.name',
  'rpc.system',
  'rpc.method',
  'rpc.service',
  'rpc.response.status_code',
  'rpc.status_code',
  'rpc.grpc.status_code',
  'graphql.operation.type',
  'graphql.operation.name',
  'error.type',
  'enduser.id',
  'user.id',
  'callsight.consumer.id',
  'callsight.consumer.name',
  'callsight.consumer.plan',
  'callsight.consumer.source',
  'callsight.consumer.verified',
  'callsight.style',
  'callsight.operation',
  'callsight.operation.source',
  'callsight.outcome',
  'callsight.error.code',
  'callsight.ttfb_us',
  'callsight.loop_wait_us',
  'callsight.units',
  'callsight.detail',
  'callsight.redaction',
  'callsight.request.body.truncated',
  'callsight.response.body.truncated',
  'deployment.environment.name',
  'deployment.environment',
  'service.name',
  'service.version',
  'service.instance.id',
  'telemetry.distro.name',
  'telemetry.distro.version',
  // Of logs and metrics.
  'http.server.request.duration',
  'duration_ms',
  'event.duration',
  'reason',
  'feature',
] as const
type Name = (typeof names)[number]

/** Numbers of the attributes that are read by name. */
export const key = Object.fromEntries(names.map((name, number) => [name, number])) as Record<Name, number>

/** Kept among the attributes of a call. */
export const KEPT = 1
/** … but not of an outgoing call, whose peer has columns. */
export const KEPT_UNLESS_OUT = 2
/** Part of the payload. */
export const QUERY_OR_BODY = 4
export const REQUEST_HEADER = 8
export const RESPONSE_HEADER = 16
/** A header of an answer that may tell of a quota; of an outgoing call that is no payload. */
export const QUOTA = 32

const requestHeader = 'http.request.header.'
const responseHeader = 'http.response.header.'

/** Attributes that have a column, or that may carry what people send and so do not belong beside the counts. */
const taken =
  /^(http\.(method|status_code|route|target|url|host|user_agent|client_ip|flavor|scheme|server_name|status_text|request_content_length|response_content_length)|http\.re(quest|sponse)\.(method|status_code|(body|headers?|cookies?)(\..*)?)|url\.(path|query|template|scheme)|client\.address|user_agent\.original|callsight\.(consumer\.(id|name|plan|source|verified)|style|operation|operation\.source|outcome|error\.code|ttfb_us|loop_wait_us|units|detail|redaction|re(quest|sponse)\.body\.truncated)|enduser\..*|user\..*|error\.type)$/s
/** The same of outgoing calls, whose peer has columns. */
const peerTaken = /^(server\.(address|port)|net\.peer\.(name|port)|url\.full)$/

/**
 * The keys of attributes, each with a number and with what is done with it. Keys repeat from span to span, so all that
 * can be said of a key is said once; those that senders invent are forgotten from time to time.
 */
export class Keys {
  readonly #set = new ByteSet()
  readonly #fixed: number
  /** By number: what is done with it, as the bits above. */
  readonly uses = new Uint8Array(limits.keysKnown)
  /** By number: the name it is kept under: the key itself, or the header's name. */
  readonly stored: Uint8Array[] = []
  readonly views: DataView[] = []
  /** The same as text. */
  readonly names: string[] = []

  constructor() {
    for (const name of names) {
      const bytes = plain(Buffer.from(name))
      this.numberOf(bytes, viewOf(bytes), 0, bytes.length)
    }
    this.#fixed = this.#set.count
  }

  /** @returns the number of a key; -1 when there are too many of them in one span */
  numberOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const found = this.#set.find(bytes, view, start, end)
    if (found !== -1) return found
    if (this.#set.count === limits.keysKnown) return -1
    const number = this.#set.add(bytes, view, start, end)
    const text = this.#set.text(number)
    this.uses[number] = usesOf(text)
    const name = storedName(text)
    const stored = plain(Buffer.from(name))
    this.names[number] = name
    this.stored[number] = stored
    this.views[number] = viewOf(stored)
    return number
  }

  /** Makes room for the keys of the next span. */
  tidy(): void {
    if (this.#set.count < limits.keysKnown / 2 && this.#set.length < limits.keyBytes) return
    this.#set.truncate(this.#fixed)
    this.stored.length = this.#fixed
    this.views.length = this.#fixed
    this.names.length = this.#fixed
  }
}

function usesOf(name: string): number {
  let uses = 0
  if (!taken.test(name)) uses |= peerTaken.test(name) ? KEPT_UNLESS_OUT : KEPT
  if (name === 'url.query' || name === 'http.request.body.content' || name === 'http.response.body.content') {
    uses |= QUERY_OR_BODY
  }
  if (name.startsWith(requestHeader)) uses |= REQUEST_HEADER
  if (name.startsWith(responseHeader)) uses |= RESPONSE_HEADER | (isQuotaField(storedName(name)) ? QUOTA : 0)
  return uses
}

function storedName(name: string): string {
  for (const prefix of [requestHeader, responseHeader]) {
    // The older form of the convention wrote content_type.
    if (name.startsWith(prefix)) return name.slice(prefix.length).toLowerCase().replaceAll('_', '-')
  }
  return clip(name)
}
