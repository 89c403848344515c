import { isIP } from 'node:net'

/**
 * An address in its one canonical text (RFC 5952), so that equal addresses are equal texts: an IPv4 address that came
 * over a dual-stack socket is that IPv4 address; zones are left away. Undefined when it is none.
 */
export function plainAddress(text: string): string | undefined {
  const zone = text.indexOf('%')
  const bare = zone < 0 ? text : text.slice(0, zone)
  const version = isIP(bare)
  if (version !== 6) return version === 4 ? bare : undefined
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (mapped === null) return canonical
  const bits = [mapped[1]!, mapped[2]!].map((group) => Number.parseInt(group, 16))
  return bits.flatMap((group) => [group >> 8, group & 255]).join('.')
}

/** The network of a plain address: the first three bytes of an IPv4 address, the first 48 bits of an IPv6 address. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return `${address.slice(0, address.lastIndexOf('.'))}.0`
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return plainAddress(`${groups.slice(0, 3).join(':')}::`)!
}
