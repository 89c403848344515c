import { DIGIT, KIND } from './bytes.ts'
import { decodePercent } from './escape.ts'
import { redactForm } from './form.ts'
import { type Level, PLAIN, SPANS } from './level.ts'
import { MASK } from './output.ts'

/** From this length on letters alone may be a token. */
const TOKEN = 16

/** A path with the secrets in its segments masked; the same string when there are none. */
export function redactPath(level: Level, path: string): string {
  if (!mayHoldSecret(path)) return path
  const bytes = Buffer.from(path)
  level.out.clear()
  return writePath(level, bytes, 0, bytes.length) ? level.out.buffer.toString('utf8', 0, level.out.length) : path
}

/** Most paths are short words between slashes. */
function mayHoldSecret(path: string): boolean {
  let word = 0
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i)
    if (c === 64 || c === 61 || c === 58 || c === 37) return true
    if (c === 47) word = 0
    else if (++word >= TOKEN) return true
    // A group of a card number may be a segment: `/4111 1111 ...` cannot be written without escapes.
    else if (word >= 11 && c < 0x80 && (KIND[c]! & DIGIT) !== 0) return true
  }
  return false
}

function writePath(level: Level, bytes: Buffer, start: number, end: number): boolean {
  let changed = false
  let from = start
  for (let i = start; i <= end; i++) {
    if (i < end && bytes[i] !== 47) continue
    if (writeSegment(level, bytes, from, i)) changed = true
    if (i < end) level.out.byte(47)
    from = i + 1
  }
  return changed
}

function writeSegment(level: Level, bytes: Buffer, start: number, end: number): boolean {
  const { out, scratch, scanner } = level
  if (end - start < 6) {
    out.raw(bytes, start, end)
    return false
  }
  const escaped = bytes.subarray(start, end).includes(37)
  if (!escaped) {
    const found = scanner.scan(bytes, start, end) > 0 ? SPANS : PLAIN
    level.write(bytes, start, end, found, 'raw', 'path')
    return found !== PLAIN
  }
  scratch.clear()
  decodePercent(bytes, start, end, scratch)
  if (scanner.scan(scratch.buffer, 0, scratch.length) === 0) {
    out.raw(bytes, start, end)
    return false
  }
  out.ascii(MASK)
  level.report(scanner.ruleOf(scanner.spans[2]!), 'path')
  return true
}

/**
 * Writes the URL at `bytes[start...end)`, absolute or relative: user and password masked, path by shape, query and fragment
 * as forms. Gives whether anything was masked.
 */
export function writeUrl(level: Level, bytes: Buffer, start: number, end: number, path: string): boolean {
  let query = start
  while (query < end && bytes[query] !== 63 && bytes[query] !== 35) query++
  let changed = false
  let from = start
  const scheme = bytes.subarray(start, query).indexOf('://')
  if (scheme >= 0) {
    from = start + scheme + 3
    while (from < query && bytes[from] !== 47) from++
    changed = level.text(bytes, start, from, 'raw', path)
  } else if (bytes[start] === 47 && bytes[start + 1] === 47) {
    // `//user:password@host` is a URL without its scheme.
    from = start + 2
    while (from < query && bytes[from] !== 47) from++
    const at = bytes.subarray(start, from).lastIndexOf(64)
    level.out.ascii(at < 0 ? '//' : `//${MASK}`)
    level.out.raw(bytes, at < 0 ? start + 2 : start + at, from)
    changed = at >= 0
  }
  if (writePath(level, bytes, from, query)) changed = true
  while (query < end) {
    level.out.byte(bytes[query]!)
    let stop = query + 1
    while (stop < end && bytes[stop] !== 35) stop++
    if (redactForm(level, bytes, query + 1, stop, true, 'masked', `${path} ?`)) changed = true
    query = stop
  }
  return changed
}
