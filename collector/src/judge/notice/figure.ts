import type { Condition } from '../../config/config.ts'

/** A figure of a rule for people: `412.3 ms`, `6 %`. */
export function shown(when: Condition, value: number): string {
  return when.metric === 'percentile' ? `${decimals(value)} ms` : `${decimals(value * 100)} %`
}

function decimals(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)))
}
