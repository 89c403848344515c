/** Kinds of bytes in text, as bits. Bytes from 0x80 on belong to letters of other scripts. */
export const DIGIT = 1
export const LOWER = 2
export const UPPER = 4
/** `-` and `_`. */
export const DASH = 8
export const AT = 16
/** `=`, `:` and `>`, before which a name may stand. */
export const PAIR = 32
/** `+` and `/`, the other two of base64. */
export const JOIN = 64
/** `%`, `\` and `&`, which may start an escape. */
export const ESCAPE = 128
export const ALNUM = DIGIT | LOWER | UPPER
export const WORD = ALNUM | DASH

export const KIND = new Uint8Array(256)
for (let c = 48; c <= 57; c++) KIND[c] = DIGIT
for (let c = 97; c <= 122; c++) KIND[c] = LOWER
for (let c = 65; c <= 90; c++) KIND[c] = UPPER
for (const c of '-_') KIND[c.charCodeAt(0)] = DASH
for (const c of '=:>') KIND[c.charCodeAt(0)] = PAIR
for (const c of '+/') KIND[c.charCodeAt(0)] = JOIN
for (const c of '%\\&') KIND[c.charCodeAt(0)] = ESCAPE
KIND[64] = AT

export function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13)
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(c: number | undefined): number {
  if (c === undefined) return -1
  if (c >= 48 && c <= 57) return c - 48
  const lower = c | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Whether `bytes` holds the ASCII `text` at `at`, before `end`. */
export function holds(bytes: Buffer, at: number, end: number, text: string): boolean {
  if (at + text.length > end) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** As `holds`; `text` in lower case, letters of any case match. */
export function holdsAnyCase(bytes: Buffer, at: number, end: number, text: string): boolean {
  if (at + text.length > end) return false
  for (let i = 0; i < text.length; i++) {
    const c = bytes[at + i]!
    if ((c >= 65 && c <= 90 ? c | 32 : c) !== text.charCodeAt(i)) return false
  }
  return true
}
