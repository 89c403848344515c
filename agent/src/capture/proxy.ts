import { BlockList } from 'node:net'
import { Cache } from '../cache.ts'
import { FORWARDED_LENGTH, HOPS, PEERS } from '../limits.ts'
import { plainAddress } from './address.ts'

/** Names that stand for ranges: RFC 1122 and 4291; RFC 1918 and 4193; RFC 3927 and 4291. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
}

interface Range {
  address: string
  prefix: number
  family: 'ipv4' | 'ipv6'
}

/** Which peers may speak for somebody else: those in certain ranges, or a number of hops whatever their addresses. */
export class Trust {
  /** 0: the ranges count. */
  readonly hops: number
  readonly #ranges = new BlockList()
  /** A range check costs as much as a dozen header look-ups. */
  readonly #known = new Cache<string, boolean>(PEERS)

  private constructor(hops: number, ranges: readonly Range[]) {
    this.hops = hops
    for (const { address, prefix, family } of ranges) this.#ranges.addSubnet(address, prefix, family)
  }

  /**
   * Reads addresses, `network/prefix`, `loopback`, `private` and `linklocal`, or one number of hops.
   * Returns undefined when any of them is none of these.
   */
  static read(names: readonly string[]): Trust | undefined {
    const hops = /^\d{1,3}$/.test(names[0] ?? '') ? Number(names[0]) : 0
    if (hops > 0) return names.length === 1 && hops <= HOPS ? new Trust(hops, []) : undefined
    const ranges = names.flatMap((name) => NAMED[name.toLowerCase()] ?? [name]).map(rangeOf)
    return ranges.every((range) => range !== undefined) && ranges.length > 0 ? new Trust(0, ranges) : undefined
  }

  /** @param address in its plain form; a UNIX socket has none and is only trusted as a hop */
  trusts(address: string | undefined): boolean {
    if (this.hops > 0) return true
    if (address === undefined) return false
    let known = this.#known.get(address)
    if (known === undefined) {
      known = this.#ranges.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
      this.#known.set(address, known)
    }
    return known
  }

  /**
   * The client of a call that a trusted peer has handed on. Each proxy appends whom it had the call from, so the list
   * is read from the right, and only as far as the speaker is trusted: what stands further left may be anybody's
   * invention. Undefined when the header says nothing of use.
   *
   * @param header `forwarded` (RFC 7239), or one that lists addresses, such as `x-forwarded-for`
   */
  clientOf(header: string, value: string): string | undefined {
    // Of a longer one the right end is what the proxies have written.
    const end = value.slice(-FORWARDED_LENGTH)
    return this.#walk(header === 'forwarded' ? forwardedFor(end) : end.split(','))
  }

  #walk(nodes: readonly string[]): string | undefined {
    let client: string | undefined
    for (let i = nodes.length - 1, hop = 1; i >= 0; i -= 1, hop += 1) {
      const address = nodeAddress(nodes[i]!.trim())
      if (address === undefined) break
      client = address
      if (this.hops > 0 ? hop >= this.hops : !this.trusts(address)) break
    }
    return client
  }
}

function rangeOf(text: string): Range | undefined {
  const [, network = '', length] = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const address = plainAddress(network)
  if (address === undefined) return undefined
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  const bits = family === 'ipv6' ? 128 : 32
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mapped = family === 'ipv4' && network.includes(':') ? 96 : 0
  const prefix = length === undefined ? bits : Number(length) - mapped
  return prefix >= 0 && prefix <= bits ? { address, prefix, family } : undefined
}

/** An address, perhaps with a port; an IPv6 address with a port stands in brackets. */
function nodeAddress(node: string): string | undefined {
  const bracketed = /^\[([^\]]{2,64})\](?::\d{1,5})?$/.exec(node)
  const withPort = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}):\d{1,5}$/.exec(node)
  return plainAddress(bracketed?.[1] ?? withPort?.[1] ?? node)
}

/** The `for` of each element of a `Forwarded` header (RFC 7239); empty text where an element has none. */
function forwardedFor(header: string): string[] {
  return splitUnquoted(header, ',').map((element) => {
    for (const pair of splitUnquoted(element, ';')) {
      const [, quoted, token] = /^for=(?:"([^"\\]*)"|([^"\s]+))$/i.exec(pair.trim()) ?? []
      if (quoted !== undefined || token !== undefined) return quoted ?? token!
    }
    return ''
  })
}

/**
 * Splits at a character outside of quoted strings. Quotations are matched from the right: what a proxy has appended
 * keeps its meaning, whatever a client has begun to quote before it.
 */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let end = text.length
  let quoted = false
  for (let i = text.length - 1; i >= 0; i -= 1) {
    const character = text[i]
    if (character === '"' && !(quoted && isEscaped(text, i))) quoted = !quoted
    else if (!quoted && character === separator) {
      parts.push(text.slice(i + 1, end))
      end = i
    }
  }
  parts.push(text.slice(0, end))
  return parts.reverse()
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text[first - 1] === '\\') first -= 1
  return (at - first) % 2 === 1
}
