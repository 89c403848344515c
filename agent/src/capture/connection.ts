import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Cache } from '../cache.ts'
import type { Call, Connection } from '../call.ts'
import type { ClientAddress } from '../config.ts'
import { CLIENTS, FORWARDED_REMEMBERED } from '../limits.ts'
import { encodeClient } from '../ship/record.ts'
import { networkOf, plainAddress } from './address.ts'
import { certificateId } from './certificate.ts'
import type { Trust } from './proxy.ts'

const CONNECTION = Symbol('callsight.connection')

type Peer = Socket & Partial<Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>> & { [CONNECTION]?: Connection }

/** Who is at the other end of incoming connections. Each is looked at once, and only where there is something to learn. */
export class Connections {
  readonly #mode: ClientAddress
  readonly #trust: Trust | undefined
  readonly #forwarded: readonly { name: string; clients: Cache<string, Buffer | null> }[]
  readonly #hash: (address: string) => string
  readonly #plain: boolean

  /** @param hash turns an address into what stands for it when the mode is `hashed` */
  constructor(
    mode: ClientAddress,
    trust: Trust | undefined,
    forwarded: readonly string[],
    hash: (address: string) => string,
  ) {
    this.#mode = mode
    this.#trust = trust
    this.#forwarded = forwarded.map((name) => ({ name, clients: new Cache(CLIENTS) }))
    this.#hash = hash
    this.#plain = mode === 'full' && trust === undefined
  }

  /** A call begins: later its socket may be gone. Without proxies and client certificates it stays as capture made it. */
  begin(call: Call): void {
    const socket: Peer | undefined = call.request?.socket ?? socketOf(call)
    if (this.#plain && socket?.authorized !== true) return
    const connection = socket === undefined ? undefined : (socket[CONNECTION] ?? this.#look(socket))
    call.connection = connection
    if (this.#plain) return
    if (connection !== undefined) call.peer = this.#clientOf(call, connection)
    // An address that cannot be treated as configured is not sent at all.
    else if (this.#mode !== 'full') call.peer = undefined
  }

  #look(socket: Peer): Connection {
    const address = plainAddress(socket.remoteAddress ?? '')
    const connection: Connection = {
      trusted: this.#trust?.trusts(address) ?? false,
      address: address === undefined ? undefined : this.#encode(address),
      certificate: socket.authorized === true ? certificateId(socket as TLSSocket) : undefined,
    }
    socket[CONNECTION] = connection
    return connection
  }

  #clientOf(call: Call, connection: Connection): Buffer | undefined {
    if (!connection.trusted || this.#trust === undefined) return connection.address
    for (const { name, clients } of this.#forwarded) {
      const value = call.headers[name]
      if (typeof value !== 'string' || value === '') continue
      let client = clients.get(value)
      if (client === undefined) {
        const address = this.#trust.clientOf(name, value)
        client = (address === undefined ? undefined : this.#encode(address)) ?? null
        if (value.length <= FORWARDED_REMEMBERED) clients.set(value, client)
      }
      return client ?? connection.address
    }
    return connection.address
  }

  #encode(address: string): Buffer | undefined {
    if (this.#mode === 'off') return undefined
    if (this.#mode === 'hashed') return encodeClient(this.#hash(address))
    return encodeClient(this.#mode === 'truncated' ? networkOf(address) : address)
  }
}

/** Of HTTP/2: a stream has no socket of its own, its session has. */
function socketOf(call: Call & { stream?: { session?: { socket?: Socket } } }): Socket | undefined {
  return call.stream?.session?.socket
}
