import { limits } from '../limits.ts'
import type { Value } from './otlp.ts'

/** An attribute as bounded text; empty for none. */
export function text(value: Value | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return clip(value)
  if (value instanceof Uint8Array) return clip(Buffer.from(value).toString('base64'))
  return clip(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** Bounded, and without halves of characters, which JSON can carry and ClickHouse refuses. */
export function clip(value: string, chars: number = limits.textChars): string {
  return (value.length <= chars ? value : value.slice(0, chars)).toWellFormed()
}

/** A count from an attribute: whole and not negative, 0 for anything else. */
export function count(value: Value | undefined): number {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? Math.floor(number) : 0
}
