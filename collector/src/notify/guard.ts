import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { Config } from '../config/config.ts'

/**
 * Notices go where a configuration, or whoever may add alert rules, says. So that nobody makes the collector knock at
 * doors that only it can reach, private addresses are refused unless they are allowed. What counts is the address that
 * is connected to, not the name: a name may point elsewhere a moment later.
 */

/** Where notices may go beside the public internet. */
export interface AllowPrivate {
  /** All listeners of this collector are on loopback: then so may be its receivers. */
  readonly loopback: boolean
  /** Ranges by name: `10.0.0.0/8`. */
  readonly ranges: readonly string[]
}

/** What a configuration allows. */
export function allowPrivateOf({ listen, notices }: Config): AllowPrivate {
  const loopback = Object.values(listen).every(({ host }) => hostClass(host) === 'a loopback')
  return { loopback, ranges: notices.allowPrivate }
}

/** The same for one channel: it may have allowed private addresses for itself. */
export interface Guard extends AllowPrivate {
  readonly channel: boolean
}

/**
 * Classes by IANA's registries of special-purpose addresses (RFC 6890 and its updates), the first match counts. Those with
 * `named` are opened by a range that names them and by nothing else: nobody runs a chat server there, but clouds their
 * metadata, with credentials in it.
 */
const classes: readonly { name: string; named: boolean; ranges: readonly string[] }[] = [
  {
    name: 'a cloud metadata',
    named: true,
    ranges: ['169.254.169.254/32', '168.63.129.16/32', '100.100.100.200/32', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
  },
  { name: 'a loopback', named: false, ranges: ['127.0.0.0/8', '::1/128'] },
  { name: 'a link-local', named: true, ranges: ['169.254.0.0/16', 'fe80::/10'] },
  {
    name: 'a private',
    named: false,
    ranges: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
  },
  { name: 'a shared (carrier-grade NAT)', named: false, ranges: ['100.64.0.0/10'] },
  { name: 'a multicast', named: true, ranges: ['224.0.0.0/4', 'ff00::/8'] },
  {
    name: 'an unspecified or reserved',
    named: true,
    ranges: [
      ...['0.0.0.0/8', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24'],
      ...['203.0.113.0/24', '240.0.0.0/4', '::/128', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32'],
      ...['3fff::/20', '5f00::/16'],
    ],
  },
]
const lists = classes.map(({ name, named, ranges }) => ({ name, named, list: listOf(ranges) }))

/** `a loopback`, `a link-local` …, or undefined for an address that anyone can reach. */
export function addressClass(address: string): string | undefined {
  return classOf(address)?.name
}

/** What is wrong with connecting to this address, or undefined when nothing is. It says the class and the remedy. */
export function refusalOf(address: string, guard: Guard): string | undefined {
  const found = classOf(address)
  if (found === undefined) return undefined
  const plain = unwrapped(address)
  if (guard.ranges.length > 0 && contains(listOf(guard.ranges), plain)) return undefined
  if (!found.named && guard.channel) return undefined
  if (found.name === 'a loopback' && guard.loopback) return undefined
  const range = `notices: { allow_private: [${plain}${isIP(plain) === 6 ? '/128' : '/32'}] }`
  const remedy = found.named ? range : `allow_private: true to its channel, or ${range}`
  return `the receiver is at ${found.name} address (${plain}), where notices do not go unless allowed; add ${remedy}`
}

export class PrivateAddress extends Error {}

/**
 * A lookup for sockets that leaves only addresses that may be connected to. An address in the place of a name never comes
 * to a lookup: see `checkHost`.
 */
export function guardedLookup(guard: Guard): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 0)
      const allowed = addresses.filter(({ address }) => refusalOf(address, guard) === undefined)
      const [first] = allowed
      if (first === undefined) {
        const refusal = addresses[0] === undefined ? 'the name has no address' : refusalOf(addresses[0].address, guard)
        return callback(new PrivateAddress(refusal), '', 0)
      }
      if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

/**
 * Checks a host that is an address, in brackets where a URL has them.
 *
 * @throws PrivateAddress
 */
export function checkHost(host: string, guard: Guard): void {
  const address = bare(host)
  const refusal = isIP(address) === 0 ? undefined : refusalOf(address, guard)
  if (refusal !== undefined) throw new PrivateAddress(refusal)
}

/** The class that a host's own text tells, without asking anybody: an address, or a name that stands for loopback. */
export function hostClass(host: string): string | undefined {
  const address = bare(host)
  if (isIP(address) !== 0) return addressClass(address)
  return /^(.+\.)?localhost\.?$/i.test(address) ? 'a loopback' : undefined
}

/** An address that a URL writes in brackets, without them and without its zone. */
export function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
}

function classOf(address: string) {
  const plain = unwrapped(address)
  if (isIP(plain) === 0) return { name: 'an unknown', named: true }
  return lists.find(({ list }) => contains(list, plain))
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/**
 * The IPv4 address inside of an IPv6 one that only wraps it: mapped (::ffff:0:0/96), compatible (::/96), translated
 * (64:ff9b::/96, RFC 6052; ::ffff:0:0:0/96, RFC 2765) and 6to4 (2002::/16).
 */
function unwrapped(address: string): string {
  const bareAddress = address.replace(/%.*$/, '')
  if (isIP(bareAddress) !== 6) return bareAddress
  const groups = groupsOf(bareAddress)
  const head = groups.slice(0, 6).join(':')
  const quad = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const [, first = 0, second = 0, , , , high = 0, low = 0] = groups
  if (head === '0:0:0:0:0:65535' || head === '100:65435:0:0:0:0' || head === '0:0:0:0:65535:0') return quad(high, low)
  if (head === '0:0:0:0:0:0' && high > 0) return quad(high, low)
  return groups[0] === 0x2002 ? quad(first, second) : bareAddress
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const { hostname } = new URL(`http://[${address}]`)
  const [left = '', right] = hostname.slice(1, -1).split('::')
  const numbers = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [numbers(left), numbers(right ?? '')]
  return right === undefined ? head : [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}
