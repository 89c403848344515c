import type { Comparison, Fraction, Share } from './config.ts'
import { quoted, Unreadable } from './fault.ts'

/**
 * Reads a percentage as a fraction of whole numbers: `99.5%` is 995/1000.
 *
 * @throws Unreadable
 */
export function parseShare(text: string): Share {
  const share = parsePercentage(text)
  if (share.numerator > share.denominator)
    throw new Unreadable(`${quoted(text)} is more than all`, 'write at most 100%')
  return share
}

/**
 * The same of what can be more than all: `120%`.
 *
 * @throws Unreadable
 */
export function parsePercentage(text: string): Share {
  const match = /^(\d{1,6})(?:\.(\d{1,6}))?\s*%$/.exec(text.trim())
  if (match === null) {
    throw new Unreadable(`${quoted(text)} is not a percentage`, 'write a number with a percent sign: 99.5%')
  }
  const [, whole, decimals = ''] = match
  return { text: text.trim(), numerator: Number(whole + decimals), denominator: 100 * 10 ** decimals.length }
}

/** As a number, for showing only. */
export function ratio({ numerator, denominator }: Fraction): number {
  return numerator / denominator
}

/** Whether the comparison is true, on whole numbers. Nothing of nothing is neither above nor below anything. */
export function compare(left: Fraction, comparison: Comparison, right: Fraction): boolean {
  if (left.denominator === 0) return false
  const difference =
    BigInt(left.numerator) * BigInt(right.denominator) - BigInt(right.numerator) * BigInt(left.denominator)
  if (comparison === '>') return difference > 0n
  if (comparison === '>=') return difference >= 0n
  return comparison === '<' ? difference < 0n : difference <= 0n
}
