import type { Share } from './config.ts'
import { quoted, Unreadable } from './fault.ts'

/**
 * Reads a percentage as a fraction of whole numbers: `99.5%` is 995/1000.
 *
 * @throws Unreadable
 */
export function parseShare(text: string): Share {
  const match = /^(\d{1,3})(?:\.(\d{1,6}))?\s*%$/.exec(text.trim())
  if (match === null) {
    throw new Unreadable(`${quoted(text)} is not a percentage`, 'write a number with a percent sign: 99.5%')
  }
  const [, whole, decimals = ''] = match
  const share = { text: text.trim(), numerator: Number(whole + decimals), denominator: 100 * 10 ** decimals.length }
  if (share.numerator > share.denominator)
    throw new Unreadable(`${quoted(text)} is more than all`, 'write at most 100%')
  return share
}

/** As a number from 0 to 1, for showing only. */
export function ratio(share: Share): number {
  return share.numerator / share.denominator
}

/** Exactly: part / whole > share. False when the whole is nothing. */
export function isAbove(part: number, whole: number, share: Share): boolean {
  return BigInt(part) * BigInt(share.denominator) > BigInt(whole) * BigInt(share.numerator)
}

/** Exactly: a < b. */
export function isLower(a: Share, b: Share): boolean {
  return BigInt(a.numerator) * BigInt(b.denominator) < BigInt(b.numerator) * BigInt(a.denominator)
}
