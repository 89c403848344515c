import type { Share } from '../../config/config.ts'

/** An exact number from 0 to 1. A statement that is off by a rounding decides about money. */
export interface Fraction {
  readonly numerator: bigint
  /** More than 0. */
  readonly denominator: bigint
}

export function fraction(numerator: number | bigint, denominator: number | bigint): Fraction {
  return { numerator: BigInt(numerator), denominator: BigInt(denominator) }
}

/** Exactly: a < b. */
export function isLess(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator
}

export function ofShare({ numerator, denominator }: Share): Fraction {
  return fraction(numerator, denominator)
}

/**
 * The sum of part / whole over all, exactly. Parts of equal wholes are added first, the rest by halves, so that a month
 * of five-minute slices, each with a number of calls of its own, takes milliseconds.
 */
export function sumOf(shares: readonly { readonly part: number; readonly whole: number }[]): Fraction {
  const parts = new Map<number, bigint>()
  for (const { part, whole } of shares) if (part > 0) parts.set(whole, (parts.get(whole) ?? 0n) + BigInt(part))
  const sums = [...parts].map(([whole, part]) => fraction(part, whole))
  return addAll(sums, 0, sums.length)
}

function addAll(sums: readonly Fraction[], from: number, to: number): Fraction {
  if (to - from === 0) return fraction(0, 1)
  if (to - from === 1) return sums[from]!
  const middle = (from + to) >> 1
  const [a, b] = [addAll(sums, from, middle), addAll(sums, middle, to)]
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  }
}

/**
 * As a percentage with two to six decimals, cut and not rounded: what is below a target never reads as if it reached it,
 * since a target has at most six decimals itself.
 */
export function percentText({ numerator, denominator }: Fraction): string {
  const millionths = (numerator * 100_000_000n) / denominator
  const digits = String(millionths).padStart(7, '0')
  const decimals = digits.slice(-6).replace(/0{1,4}$/, '')
  return `${digits.slice(0, -6)}.${decimals}%`
}
