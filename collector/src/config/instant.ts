import { quoted, Unreadable } from './fault.ts'

/**
 * Reads a moment with its offset from UTC: `2026-11-20T02:00Z`, `2026-11-20T03:00:30+01:00`.
 *
 * @returns epoch milliseconds
 * @throws Unreadable
 */
export function parseInstant(text: string): number {
  const found = /^\d{4}-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.exec(text.trim())
  const ms = found === null ? Number.NaN : Date.parse(text.trim())
  // Date takes the 31st of February for a day of March.
  const last =
    found === null ? 0 : new Date(Date.UTC(Number(text.trim().slice(0, 4)), Number(found[1]), 0)).getUTCDate()
  if (Number.isNaN(ms) || Number(found![2]) > last) {
    throw new Unreadable(`${quoted(text)} is not a moment`, 'write it with its offset: 2026-11-20T02:00Z')
  }
  return ms
}
