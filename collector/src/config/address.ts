import type { Address } from './config.ts'
import { quoted, Unreadable } from './fault.ts'

/**
 * Reads `HOST:PORT`; an IPv6 host stands in brackets.
 *
 * @throws Unreadable
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/i.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new Unreadable(`${quoted(text)} is not an address`, 'write HOST:PORT: 127.0.0.1:4318')
  }
  return { host: (match[1] ?? match[2])!, port }
}
