import { ALNUM, DASH, DIGIT, isSpace, KIND, LOWER, UPPER } from './bytes.ts'
import type { Span } from './pair.ts'

/** RFC 5321: 64 octets before the @, 255 after it. */
const LOCAL = 64
const DOMAIN = 255
/** How far a password may reach in `scheme://user:password@host`. */
const PASSWORD = 256

/** Bytes of the part before the @ in practice; the rest of RFC 5322 (`/`, `=`, `|` ...) separates more often. */
const IN_LOCAL = new Uint8Array(256)
for (let c = 0; c < 256; c++) IN_LOCAL[c] = c >= 0x80 || (KIND[c]! & (ALNUM | DASH)) !== 0 ? 1 : 0
for (const c of ".%+'!#$*~^") IN_LOCAL[c.charCodeAt(0)] = 1

/** The e-mail address around the @ at `at`, not reaching before `from`; a name with a dot must follow. */
export function emailSpan(bytes: Buffer, from: number, at: number, end: number, span: Span): boolean {
  let start = at
  if (start > from && bytes[start - 1] === 34) start = quoted(bytes, from, start)
  const least = Math.max(from, at - LOCAL)
  if (start === at) while (start > least && IN_LOCAL[bytes[start - 1]!] === 1) start--
  if (start === at) return false
  const most = Math.min(end, at + 1 + DOMAIN)
  let stop = at + 1
  let dot = -1
  for (; stop < most; stop++) {
    const c = bytes[stop]!
    if (c === 46) {
      // Two dots, or one at the end of a sentence.
      if (stop + 1 >= most || !inLabel(bytes[stop + 1]!)) break
      dot = stop
    } else if (!inLabel(c)) break
  }
  if (dot <= at + 1 || !isTopLevel(bytes, dot + 1, stop)) return isLiteral(bytes, start, at, end, span)
  span.start = start
  span.end = stop
  return true
}

function inLabel(c: number): boolean {
  return c >= 0x80 || (KIND[c]! & ALNUM) !== 0 || c === 45
}

function isTopLevel(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 2) return false
  return bytes[start]! >= 0x80 || (KIND[bytes[start]!]! & (LOWER | UPPER)) !== 0
}

/** `"any text"@example.com`, RFC 5322. */
function quoted(bytes: Buffer, from: number, end: number): number {
  for (let i = end - 2; i >= Math.max(from, end - LOCAL); i--) if (bytes[i] === 34) return i
  return end
}

/** `user@[192.0.2.1]` */
function isLiteral(bytes: Buffer, start: number, at: number, end: number, span: Span): boolean {
  if (bytes[at + 1] !== 91) return false
  let i = at + 2
  while (i < end && i < at + 64 && ((KIND[bytes[i]!]! & DIGIT) !== 0 || bytes[i] === 46 || bytes[i] === 58)) i++
  if (i >= end || bytes[i] !== 93 || i < at + 6) return false
  span.start = start
  span.end = i + 1
  return true
}

function endsRun(c: number): boolean {
  return isSpace(c) || c === 34 || c === 39 || c === 60 || c === 62 || c === 96
}

/**
 * Where the user and password of a URL end whose authority starts at `start` (after `://`), or 0. A password with a
 * raw slash is found as well: then what follows the first colon is no port.
 */
export function urlUserEnd(bytes: Buffer, start: number, end: number): number {
  let at = 0
  let password = false
  let i = start
  const most = Math.min(end, start + PASSWORD)
  for (; i < most; i++) {
    const c = bytes[i]!
    if (c === 64) at = i
    else if (c === 58 && i + 1 < end && (KIND[bytes[i + 1]!]! & DIGIT) === 0) password = true
    else if (c === 47 || c === 63 || c === 35 || endsRun(c)) break
  }
  if (at === 0 && password && bytes[start] !== 91) {
    for (; i < most && !endsRun(bytes[i]!); i++) if (bytes[i] === 64) at = i
  }
  return at
}

/** Where the password of `user:password@host` without a scheme starts, or 0. */
export function userPasswordStart(bytes: Buffer, from: number, at: number): number {
  if (inLabel(bytes[at + 1] ?? 0) === false) return 0
  for (let i = at - 1; i > Math.max(from, at - PASSWORD); i--) {
    const c = bytes[i]!
    if (c === 58) return i + 1 < at && (KIND[bytes[i - 1]!]! & ALNUM) !== 0 ? i + 1 : 0
    if (endsRun(c) || c === 47 || c === 64 || c === 44) return 0
  }
  return 0
}
