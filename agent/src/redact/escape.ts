import { hexDigit, holds } from './bytes.ts'
import type { Output } from './output.ts'

/** Character references that may stand in the way of a detector; the rest of HTML's two thousand is left as it is. */
const ENTITIES: [string, number][] = [
  ['amp;', 38],
  ['lt;', 60],
  ['gt;', 62],
  ['quot;', 34],
  ['apos;', 39],
  ['nbsp;', 32],
  ['commat;', 64],
  ['period;', 46],
  ['colon;', 58],
  ['equals;', 61],
  ['lowbar;', 95],
  ['hyphen;', 45],
  ['dash;', 45],
  ['sol;', 47],
]

/** Writes `bytes[start...end)` with `%XX`, `\uXXXX`, `\xXX`, `\\` and character references undone, others kept. */
export function unescapeText(bytes: Buffer, start: number, end: number, out: Output): void {
  for (let i = start; i < end; ) {
    const c = bytes[i]!
    const after = c === 37 ? percent(bytes, i, end, out) : c === 92 ? backslash(bytes, i, end, out) : 0
    if (after !== 0) i = after
    else if (c === 38) i = reference(bytes, i, end, out)
    else {
      out.byte(c)
      i++
    }
  }
}

function percent(bytes: Buffer, at: number, end: number, out: Output): number {
  if (at + 2 >= end) return 0
  const high = hexDigit(bytes[at + 1])
  const low = hexDigit(bytes[at + 2])
  if (high < 0 || low < 0) return 0
  out.byte(high * 16 + low)
  return at + 3
}

/** Percent-decodes a form value or a part of a query, RFC 3986 and `+` for a space. */
export function decodePercent(bytes: Buffer, start: number, end: number, out: Output): void {
  for (let i = start; i < end; ) {
    const c = bytes[i]!
    const after = c === 37 ? percent(bytes, i, end, out) : 0
    if (after === 0) out.byte(c === 43 ? 32 : c)
    i = after === 0 ? i + 1 : after
  }
}

function backslash(bytes: Buffer, at: number, end: number, out: Output): number {
  const next = bytes[at + 1]
  if (at + 1 >= end) return 0
  if (next === 92) {
    out.byte(92)
    return at + 2
  }
  if (next !== 117 && next !== 120) return 0
  const code = hexAt(bytes, at + 2, next === 117 ? 4 : 2, end)
  if (code < 0) return 0
  out.point(code)
  return at + (next === 117 ? 6 : 4)
}

/** The number of `size` hexadecimal digits, or -1. */
function hexAt(bytes: Buffer, at: number, size: number, end: number): number {
  if (at + size > end) return -1
  let value = 0
  for (let i = at; i < at + size; i++) {
    const digit = hexDigit(bytes[i])
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

/** Undoes the character reference at `at` and gives where it ends; writes `&` alone when it is none that we know. */
export function reference(bytes: Buffer, at: number, end: number, out: Output): number {
  if (bytes[at + 1] === 35) {
    const hex = bytes[at + 2] === 120 || bytes[at + 2] === 88
    let i = at + (hex ? 3 : 2)
    let code = 0
    const from = i
    for (; i < end && code <= 0x10ffff; i++) {
      const digit = hex ? hexDigit(bytes[i]) : bytes[i]! >= 48 && bytes[i]! <= 57 ? bytes[i]! - 48 : -1
      if (digit < 0) break
      code = code * (hex ? 16 : 10) + digit
    }
    if (i > from && i < end && bytes[i] === 59 && code <= 0x10ffff) {
      out.point(code === 0 ? 0xfffd : code)
      return i + 1
    }
  } else {
    for (const [name, code] of ENTITIES) {
      if (!holds(bytes, at + 1, end, name)) continue
      out.byte(code)
      return at + 1 + name.length
    }
  }
  out.byte(38)
  return at + 1
}

/**
 * Writes the JSON string between the quotes, `bytes[start...end)`, without its escapes (RFC 8259). Gives false for an
 * escape that JSON does not know.
 */
export function unescapeJson(bytes: Buffer, start: number, end: number, out: Output): boolean {
  for (let i = start; i < end; i++) {
    const c = bytes[i]!
    if (c !== 92) {
      out.byte(c)
      continue
    }
    i++
    const plain = JSON_ESCAPES[bytes[i]!]!
    if (i < end && plain !== 0) {
      out.byte(plain)
      continue
    }
    const code = bytes[i] === 117 ? hexAt(bytes, i + 1, 4, end) : -1
    if (code < 0) return false
    i += 4
    const low = code >= 0xd800 && code < 0xdc00 && holds(bytes, i + 1, end, '\\u') ? hexAt(bytes, i + 3, 4, end) : -1
    if (low >= 0xdc00 && low < 0xe000) {
      out.point(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00))
      i += 6
    } else out.point(code)
  }
  return true
}

const JSON_ESCAPES = new Uint8Array(256)
for (const [name, code] of Object.entries({ '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 })) {
  JSON_ESCAPES[name.charCodeAt(0)] = code
}

/** How a format writes text: which bytes it escapes. */
export type Encoding = 'raw' | 'json' | 'xml' | 'percent'

const HEX = '0123456789ABCDEF'

/** Writes `bytes[start...end)` as the format wants it. */
export function encode(bytes: Buffer, start: number, end: number, encoding: Encoding, out: Output): void {
  if (encoding === 'raw') {
    out.raw(bytes, start, end)
    return
  }
  for (let i = start; i < end; i++) {
    const c = bytes[i]!
    if (encoding === 'json') encodeJson(c, out)
    else if (encoding === 'xml') encodeXml(c, out)
    else encodePercent(c, out)
  }
}

const SHORT = new Map([
  [34, '\\"'],
  [92, '\\\\'],
  [10, '\\n'],
  [13, '\\r'],
  [9, '\\t'],
])

function encodeJson(c: number, out: Output): void {
  if (c >= 32 && c !== 34 && c !== 92) out.byte(c)
  else out.ascii(SHORT.get(c) ?? `\\u00${HEX[c >> 4]}${HEX[c & 15]}`)
}

function encodeXml(c: number, out: Output): void {
  if (c === 38) out.ascii('&amp;')
  else if (c === 60) out.ascii('&lt;')
  else if (c === 62) out.ascii('&gt;')
  else if (c === 34) out.ascii('&quot;')
  else out.byte(c)
}

function encodePercent(c: number, out: Output): void {
  const plain = (c >= 97 && c <= 122) || (c >= 64 && c <= 90) || (c >= 44 && c <= 58) || c === 95 || c === 126
  if (c === 32) out.byte(43)
  else if (plain) out.byte(c)
  else {
    out.byte(37)
    out.byte(HEX.charCodeAt(c >> 4))
    out.byte(HEX.charCodeAt(c & 15))
  }
}
