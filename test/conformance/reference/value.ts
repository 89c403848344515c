import type { Value } from '../../../collector/src/receive/otlp.ts'
import { clip } from '../../../collector/src/receive/value.ts'

/** An attribute as bounded text; empty for none. */
export function text(value: Value | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return clip(value)
  if (value instanceof Uint8Array) return clip(Buffer.from(value).toString('base64'))
  return clip(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** A count from an attribute: whole, not negative and at most 2^53; 0 for anything else. */
export function count(value: Value | undefined): number {
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number) || number <= 0) return 0
  return Math.min(Math.floor(number), Number.MAX_SAFE_INTEGER)
}
