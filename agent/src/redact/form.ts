import { decodePercent } from './escape.ts'
import { type Level, type Mode, PLAIN } from './level.ts'
import { ALLOWED, RULE } from './names.ts'
import { CUT, MASK } from './output.ts'

/**
 * Redacts `a=1&b=2` into the level's output: a form (https://url.spec.whatwg.org/#application/x-www-form-urlencoded) or
 * the query of a URL. Without `complete` the last pair is left out. Gives whether anything was masked.
 */
export function redactForm(
  level: Level,
  bytes: Buffer,
  start: number,
  end: number,
  complete: boolean,
  mode: Mode,
  prefix: string,
): boolean {
  let changed = false
  let from = start
  for (let i = start; i <= end; i++) {
    if (i < end && bytes[i] !== 38) continue
    if (i === end && !complete) {
      level.out.text(CUT)
      return true
    }
    if (redactPair(level, bytes, from, i, mode, prefix)) changed = true
    if (i < end) level.out.byte(38)
    from = i + 1
  }
  return changed
}

function redactPair(level: Level, bytes: Buffer, start: number, end: number, mode: Mode, prefix: string): boolean {
  if (start === end) return false
  const { out, scratch, rules } = level
  let equals = start
  let escaped = false
  while (equals < end && bytes[equals] !== 61) {
    if (bytes[equals] === 37 || bytes[equals] === 43) escaped = true
    equals++
  }
  // A part without `=` is a value.
  if (equals === end) return redactValue(level, bytes, start, end, mode, 0, prefix)
  let verdict: number
  if (escaped) {
    scratch.clear()
    decodePercent(bytes, start, equals, scratch)
    verdict = rules.names.verdict(scratch.buffer, 0, scratch.length)
  } else verdict = rules.names.verdict(bytes, start, equals)
  const path = rules.report === undefined ? '' : `${prefix}${bytes.toString('utf8', start, equals)}`
  const odd = writeText(level, bytes, start, equals, `${prefix}(name)`)
  out.byte(61)
  return redactValue(level, bytes, equals + 1, end, mode, verdict, path) || odd
}

function redactValue(
  level: Level,
  bytes: Buffer,
  start: number,
  end: number,
  mode: Mode,
  verdict: number,
  path: string,
): boolean {
  const { out, rules } = level
  if (start === end) return false
  const rule = verdict & RULE
  const listed = mode === 'allow' && (verdict & ALLOWED) !== 0
  if (mode === 'schema') {
    out.ascii('string')
    return true
  }
  if (!listed && (rule !== 0 || mode === 'allow')) {
    out.ascii(MASK)
    level.report(rule === 0 ? 'mode:allow' : rules.names.rules[rule]!, path)
    return true
  }
  level.scanner.personal = !listed
  const changed = writeText(level, bytes, start, end, path)
  level.scanner.personal = true
  return changed
}

/** A name or value: decoded for the detectors, as it was when they find nothing. */
function writeText(level: Level, bytes: Buffer, start: number, end: number, path: string): boolean {
  const { out, scratch } = level
  let escaped = false
  for (let i = start; i < end; i++) {
    const c = bytes[i]!
    if (c === 37 || c === 43) escaped = true
  }
  // `a@b.co` is the shortest that any detector finds.
  if (end - start < 6) {
    out.raw(bytes, start, end)
    return false
  }
  let text = bytes
  let from = start
  let to = end
  if (escaped) {
    scratch.clear()
    decodePercent(bytes, start, end, scratch)
    text = scratch.buffer
    from = 0
    to = scratch.length
  }
  const found = level.inspect(text, from, to, path)
  if (found === PLAIN) out.raw(bytes, start, end)
  else level.write(text, from, to, found, 'percent', path)
  return found !== PLAIN
}
