export interface Interval {
  readonly low: number
  readonly high: number
}

/** The normal distribution's 97.5 % point: 95 % lie between it and its negative. */
const Z = 1.959964

/**
 * The Wilson score interval of a share, with 95 % confidence (E. B. Wilson, 1927): also right for few cases and for
 * shares near 0 and 1, where attainments are.
 */
export function wilson(good: number, total: number): Interval {
  const share = good / total
  const z2 = Z * Z
  const middle = share + z2 / (2 * total)
  const reach = Z * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total))
  const whole = 1 + z2 / total
  return { low: Math.max(0, (middle - reach) / whole), high: Math.min(1, (middle + reach) / whole) }
}
