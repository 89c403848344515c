import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseShare } from '../../config/share.ts'
import { atLeast, surelyAbove, surelyBelow } from './confidence.ts'

describe('the chance of so many or more', () => {
  it('equals the sum of the binomial probabilities, in whole numbers', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 150 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 999 }),
        (whole, at, perMille) => {
          const part = Math.round(at * whole)
          const exact = exactly(whole, part, perMille)
          const found = atLeast(whole, part, perMille / 1000)
          expect(Math.abs(found - exact)).toBeLessThan(1e-10 * Math.max(exact, 1e-3))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is right for a million calls', () => {
    // By the normal law with the correction for continuity: 1 - Φ(-0.5 / 99.5) and 1 - Φ(232.5 / 99.5); then by Poisson's.
    expect(atLeast(1_000_000, 10_000, 0.01)).toBeCloseTo(0.5013, 3)
    expect(atLeast(1_000_000, 10_233, 0.01)).toBeCloseTo(0.00979, 3)
    expect(atLeast(10_000_000, 1, 0.000_000_1)).toBeCloseTo(1 - Math.exp(-1), 6)
  })

  /** Sum of C(n, i) p^i (1 - p)^(n - i) over i ≥ part, p in thousandths, as one fraction of BigInts. */
  function exactly(whole: number, part: number, perMille: number): number {
    const [p, q] = [BigInt(perMille), BigInt(1000 - perMille)]
    let choose = 1n
    let sum = 0n
    for (let i = 0; i <= whole; i++) {
      if (i >= part) sum += choose * p ** BigInt(i) * q ** BigInt(whole - i)
      choose = (choose * BigInt(whole - i)) / BigInt(i + 1)
    }
    return Number((sum * 10n ** 30n) / 1000n ** BigInt(whole)) / 1e30
  }
})

describe('being sure', () => {
  const sure = (part: number, whole: number, share: string, confidence: string) =>
    surelyAbove(part, whole, parseShare(share), parseShare(confidence))

  it('agrees with the published bounds', () => {
    // Clopper and Pearson's interval for 10 of 100 is 4.9005 % to 17.6223 % at 95 % two-sided, 97.5 % on each side:
    // R, binom.test(10, 100); also in Brown, Cai, DasGupta, Statistical Science 16 (2001).
    expect([sure(10, 100, '4.900%', '97.5%'), sure(10, 100, '4.901%', '97.5%')]).toEqual([true, false])
    const below = (share: string) => surelyBelow(10, 100, parseShare(share), parseShare('97.5%'))
    expect([below('17.622%'), below('17.623%')]).toEqual([false, true])
    // Nothing seen in n calls: below 3/n at 95 %, the "rule of three" (Hanley, Lippman-Hand, JAMA 249, 1983).
    expect(surelyBelow(0, 100, parseShare('3%'), parseShare('95%'))).toBe(true)
    expect(surelyBelow(0, 100, parseShare('2.9%'), parseShare('95%'))).toBe(false)
  })

  it('takes more than one failure in ten calls', () => {
    expect([1, 2, 3, 4].map((failed) => sure(failed, 10, '5%', '99%'))).toEqual([false, false, false, true])
    expect(sure(12, 40, '5%', '99%')).toBe(true)
    expect(sure(1, 10, '0%', '99%')).toBe(true)
    expect(sure(10, 10, '100%', '99%')).toBe(false)
  })

  it('never turns with more failures, and never says both', () => {
    const share = fc.integer({ min: 1, max: 99 }).map((percent) => parseShare(`${percent}%`))
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        share,
        (whole, at, share) => {
          const part = Math.floor(at * whole)
          const confidence = parseShare('99%')
          if (surelyAbove(part, whole, share, confidence)) {
            expect(surelyAbove(part + 1, Math.max(whole, part + 1), share, confidence)).toBe(true)
            expect(surelyBelow(part, whole, share, confidence)).toBe(false)
            expect(part / whole).toBeGreaterThan(share.numerator / share.denominator)
          }
        },
      ),
    )
  })
})
