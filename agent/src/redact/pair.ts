import { holdsAnyCase, isSpace, KIND, WORD } from './bytes.ts'

/** A part of a text; one object is filled again and again. */
export interface Span {
  start: number
  end: number
}

/** A name before `=` or `:` in text is read back this far. */
const NAME = 96

/**
 * The name before the `=` or `:` at `at`. Quotes around it, also escaped ones, and spaces after it do not count. `wide`
 * takes one word more: `API key: ...`.
 */
export function findName(bytes: Buffer, from: number, at: number, span: Span, wide: boolean): boolean {
  const least = Math.max(from, at - NAME)
  let end = at
  while (end > least && isBlank(bytes[end - 1]!)) end--
  if (end > least && isQuote(bytes[end - 1]!)) {
    end--
    while (end > least && bytes[end - 1] === 92) end--
  }
  let start = end
  while (start > least && inName(bytes[start - 1]!)) start--
  if (start === end) return false
  if (wide) {
    if (start - 1 <= least || bytes[start - 1] !== 32 || !inName(bytes[start - 2]!)) return false
    start--
    while (start > least && inName(bytes[start - 1]!)) start--
  }
  span.start = start
  span.end = end
  return true
}

/** The value after the `=` or `:` at `at`, whose name ended at `nameEnd`. In doubt it reaches further. */
export function findValue(bytes: Buffer, at: number, nameEnd: number, end: number, span: Span): boolean {
  let i = at + 1
  while (i < end && (bytes[i] === 61 || bytes[i] === 58 || bytes[i] === 62 || bytes[i] === 126)) i++
  while (i < end && isBlank(bytes[i]!)) i++
  if (i >= end) return false
  span.start = i
  span.end = valueEnd(bytes, i, at, nameEnd, end, span)
  if (bytes[span.start] === 0) return false
  return span.end > span.start
}

function valueEnd(bytes: Buffer, start: number, at: number, nameEnd: number, end: number, span: Span): number {
  const colon = bytes[at] === 58
  const c = bytes[start]!
  let quote = start
  while (quote < end && bytes[quote] === 92) quote++
  if (quote < end && isQuote(bytes[quote]!)) {
    span.start = quote + 1
    return closingQuote(bytes, quote, quote - start, end)
  }
  if (c === 123 || c === 91) return closingBracket(bytes, start, end)
  if (nameEnd < at && isQuote(bytes[at - 1]!)) return until(bytes, start, end, endsLiteral)
  if (!colon) {
    if (isLineEnd(c)) return start
    // `password = two words` of settings files reaches to the end of the line.
    return isBlank(bytes[start - 1]!) ? until(bytes, start, end, isLineEnd) : assigned(bytes, start, end)
  }
  if (isLineEnd(c) || isBlockMark(bytes, start, end)) return block(bytes, start, end, span)
  return until(bytes, start, end, isLineEnd)
}

function until(bytes: Buffer, start: number, end: number, stops: (c: number) => boolean): number {
  let i = start
  while (i < end && !stops(bytes[i]!)) i++
  return i
}

function closingQuote(bytes: Buffer, open: number, backslashes: number, end: number): number {
  let before = 0
  for (let i = open + 1; i < end; i++) {
    const c = bytes[i]!
    if (c === bytes[open] && before <= backslashes) return i - before
    before = c === 92 ? before + 1 : 0
  }
  return end
}

function closingBracket(bytes: Buffer, start: number, end: number): number {
  let depth = 0
  for (let i = start; i < end; i++) {
    const c = bytes[i]!
    if (c === 123 || c === 91) depth++
    else if (c === 125 || c === 93) {
      if (--depth === 0) return i + 1
    } else if (c === 34) {
      const backslashes = bytes[i - 1] === 92 ? 1 : 0
      i = closingQuote(bytes, i, backslashes, end)
      while (i < end && bytes[i] === 92) i++
    }
  }
  return end
}

/** `name=value` ends at a space, or where the next `name=` starts after `&`, `;` or `,`; a password may hold those. */
function assigned(bytes: Buffer, start: number, end: number): number {
  let i = start
  for (; i < end && !isSpace(bytes[i]!); i++) {
    const c = bytes[i]!
    if ((c === 38 || c === 59 || c === 44) && namesNext(bytes, i + 1, end)) break
  }
  // `authorization=Bearer x` goes on after the space.
  for (const scheme of ['bearer', 'basic', 'token', 'digest', 'apikey']) {
    if (i - start === scheme.length && holdsAnyCase(bytes, start, end, scheme)) {
      return until(
        bytes,
        until(bytes, i, end, (c) => !isBlank(c)),
        end,
        isSpace,
      )
    }
  }
  return i
}

function namesNext(bytes: Buffer, start: number, end: number): boolean {
  let i = start
  const most = Math.min(end, start + NAME)
  while (i < most && isBlank(bytes[i]!)) i++
  const from = i
  while (i < most && inName(bytes[i]!)) i++
  return i > from && i < end && bytes[i] === 61
}

/** The next line, and all lines after it that are indented: what YAML and e-mails put under `password:`. */
function block(bytes: Buffer, start: number, end: number, span: Span): number {
  let i = until(bytes, start, end, isLineEnd)
  while (i < end && isSpace(bytes[i]!)) i++
  span.start = Math.min(i, end)
  for (;;) {
    i = until(bytes, i, end, isLineEnd)
    let next = i
    while (next < end && isLineEnd(bytes[next]!)) next++
    if (next >= end || !isBlank(bytes[next]!)) return i
    i = next
  }
}

/** `|` or `>` of YAML, alone on the line. */
function isBlockMark(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== 124 && bytes[start] !== 62) return false
  const stop = until(bytes, start, end, isLineEnd)
  return stop - start <= 3 && stop < end
}

function inName(c: number): boolean {
  return (KIND[c]! & WORD) !== 0 || c >= 0x80 || c === 46 || c === 36 || c === 37 || c === 91 || c === 93 || c === 92
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9
}

function isLineEnd(c: number): boolean {
  return c === 10 || c === 13
}

function isQuote(c: number): boolean {
  return c === 34 || c === 39 || c === 96
}

/** Ends `1234` in `"pin":1234,"name":...`. */
function endsLiteral(c: number): boolean {
  return isSpace(c) || c === 44 || c === 125 || c === 93
}
