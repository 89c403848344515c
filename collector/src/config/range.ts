import { isIP } from 'node:net'
import { quoted, Unreadable } from './fault.ts'

/**
 * Reads a range of addresses in CIDR notation, or one address, which is then a range of one.
 *
 * @throws Unreadable for what is no range, and for one so wide that it names nothing
 */
export function parseRange(text: string): string {
  const [address = '', length, ...rest] = text.trim().split('/')
  const family = isIP(address)
  const bits = family === 6 ? 128 : 32
  const prefix = length === undefined ? bits : Number(length)
  if (family === 0 || rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)) || prefix > bits) {
    throw new Unreadable(`${quoted(text)} is not a range of addresses`, 'write one as 10.0.0.0/8 or fd00::/8')
  }
  const least = family === 6 ? 7 : 8
  if (prefix < least) {
    throw new Unreadable(`${quoted(text)} names nearly every address`, `write a prefix of at least /${least}`)
  }
  return `${address}/${prefix}`
}
