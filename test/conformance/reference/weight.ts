import type { Span } from './otlp.ts'

/**
 * How many calls a sampled span stands for, as a range: what is no whole number is rounded by chance.
 *
 * @returns the weight when it is whole, else the two it may be
 */
export function weightOf({ traceState }: Span): number | { between: [number, number] } {
  const member = traceState
    .split(',')
    .map((one) => one.trim().split('='))
    .find(([name]) => name?.trim() === 'ot')
  const parts = new Map((member?.[1] ?? '').split(';').map((one) => one.split(':') as [string, string]))
  const threshold = parts.get('th')
  if (threshold === undefined || !/^[0-9a-f]{1,14}$/.test(threshold)) return 1
  const rejected = BigInt(`0x${threshold.padEnd(14, '0')}`)
  const weight = Number(1n << 56n) / Number((1n << 56n) - rejected)
  return Number.isInteger(weight) ? weight : { between: [Math.floor(weight), Math.floor(weight) + 1] }
}
