import { limits } from '../../limits.ts'
import { withoutQuery } from './attributes.ts'
import { key } from './keys.ts'
import type { Slots } from './slots.ts'
import type { Span } from './span.ts'
import { isPlain, type Text } from './text.ts'

const PATH = key['url.path']
const TARGET = key['http.target']
const FULL_URL = key['url.full']
const OLD_URL = key['http.url']
const ADDRESS = key['server.address']
const PEER_NAME = key['net.peer.name']
const HOST = key['http.host']
const PORT = key['server.port']
const PEER_PORT = key['net.peer.port']

const CLIENT = key['client.address']
const OLD_CLIENT = key['http.client_ip']
const PEER = key['network.peer.address']
const OLD_PEER = key['net.sock.peer.addr']
const OLDEST_PEER = key['net.peer.ip']

const BLANK = 32
const SLASH = 47
const QUESTION = 63
const HASH = 35
const COLON = 58

/** Where a call went: path, peer and port, by old and new names. */
export class Addresses {
  readonly #slots: Slots

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** The path without its query, from the path or the URL. */
  path(to: Text): void {
    const slots = this.#slots
    slots.text(slots.either(PATH, TARGET), to)
    if (to.length > 0) cutQuery(to)
    else {
      slots.text(slots.either(FULL_URL, OLD_URL), to)
      if (to.length > 0) pathOfUrl(to)
    }
  }

  /** Some instrumentations tell the path of a call in the span's name alone: `GET /items/42`. */
  pathOfName({ nameAt, nameEnd }: Span, method: Text, to: Text): void {
    const from = nameAt + method.length + 1
    if (method.length === 0 || from >= nameEnd) return
    this.#slots.range(nameAt, from - 1, to)
    if (to.equals(method.subarray()) && to.bytes[from - 1] === BLANK && to.bytes[from] === SLASH) {
      to.start = from
      to.end = nameEnd
      cutQuery(to)
    } else to.clear()
  }

  /** Who called: said by the instrumentation, else the other end of the connection. */
  client(out: boolean, to: Text): void {
    const slots = this.#slots
    let known = slots.either(CLIENT, OLD_CLIENT)
    if (known === -1 && !out) {
      known = slots.either(PEER, OLD_PEER)
      if (known === -1) known = slots.either(OLDEST_PEER, OLDEST_PEER)
    }
    slots.text(known, to)
  }

  peer(to: Text): void {
    const slots = this.#slots
    const named = slots.either(ADDRESS, PEER_NAME)
    slots.text(named === -1 ? HOST : named, to)
    if (to.length > 0) return
    slots.text(slots.either(FULL_URL, OLD_URL), to)
    if (to.length === 0) return
    const url = to.clipped()
    to.set(URL.canParse(url) ? new URL(url).hostname : '')
  }

  port(): number {
    const port = this.#slots.count(this.#slots.either(PORT, PEER_PORT))
    return port <= 65_535 ? port : 0
  }
}

/** Queries carry what people send. */
function cutQuery(path: Text): void {
  const { bytes, end } = path
  for (let i = path.start; i < end; i++) {
    const byte = bytes[i]
    if (byte === QUESTION || byte === HASH) {
      path.end = i
      return
    }
  }
}

function pathOfUrl(url: Text): void {
  const { bytes, view, start } = url
  const end = Math.min(url.end, start + limits.textChars)
  if (!isPlain(bytes, view, start, end)) {
    const text = url.clipped()
    const slash = text.indexOf('/', text.indexOf('://') + 3)
    url.set(slash === -1 ? '/' : withoutQuery(text.slice(slash)))
    return
  }
  let from = start + 2
  for (let i = start; i + 2 < end; i++) {
    if (bytes[i] === COLON && bytes[i + 1] === SLASH && bytes[i + 2] === SLASH) {
      from = i + 3
      break
    }
  }
  while (from < end && bytes[from] !== SLASH) from++
  if (from >= end) url.set('/')
  else {
    url.start = from
    url.end = end
    cutQuery(url)
  }
}
