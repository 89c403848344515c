import { limits } from '../limits.ts'

/** Bounded, and without halves of characters, which JSON can carry and ClickHouse refuses. */
export function clip(value: string, chars: number = limits.textChars): string {
  return (value.length <= chars ? value : value.slice(0, chars)).toWellFormed()
}
