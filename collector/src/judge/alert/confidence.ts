import type { Fraction } from '../../config/config.ts'
import { ratio } from '../../config/share.ts'

/**
 * How sure a share is when it was measured on few calls: the exact binomial test, which is what the Clopper-Pearson
 * interval is made of (Clopper and Pearson, Biometrika 26, 1934). Of a percentile it is the bound by order statistics:
 * p95 is above 300 ms when more than 5 % of the calls took longer.
 */

/** Whether the share of which `part` in `whole` were seen is above `share`, as sure as `confidence` says. */
export function surelyAbove(part: number, whole: number, share: Fraction, confidence: Fraction): boolean {
  return atLeast(whole, part, ratio(share)) <= 1 - ratio(confidence)
}

/** Whether it is below. */
export function surelyBelow(part: number, whole: number, share: Fraction, confidence: Fraction): boolean {
  return surelyAbove(whole - part, whole, { ...share, numerator: share.denominator - share.numerator }, confidence)
}

/**
 * The chance to see `part` or more of `whole` independent calls where each is one with the probability `share`: the
 * regularised incomplete beta function I_share(part, whole - part + 1) (DLMF 8.17.5). To about ten digits.
 */
export function atLeast(whole: number, part: number, share: number): number {
  if (part <= 0) return 1
  if (share <= 0 || part > whole) return 0
  if (share >= 1) return 1
  return regularBeta(share, part, whole - part + 1)
}

function regularBeta(x: number, a: number, b: number): number {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  // The fraction converges fast on this side of the mean; the other side is its complement.
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a
  return 1 - (front * betaFraction(1 - x, b, a)) / b
}

/** The continued fraction DLMF 8.17.22, from the front (modified Lentz): some square root of the larger of a, b steps. */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  const kept = (value: number) => (Math.abs(value) < tiny ? tiny : value)
  let c = 1
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / kept(1 + even * d)
    c = kept(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / kept(1 + odd * d)
    c = kept(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-14) break
  }
  return value
}

/** ln Γ(x) for x ≥ 1: Stirling's series (DLMF 5.11.1) from 10 on, where its eighth term is below 1e-15; else stepped up. */
function logGamma(x: number): number {
  let shift = 0
  let y = x
  for (; y < 10; y++) shift += Math.log(y)
  const r = 1 / (y * y)
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - (r * 691) / 360_360))))) / y
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift
}
