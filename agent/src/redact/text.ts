import { DIGIT, isSpace, KIND, UPPER } from './bytes.ts'
import { isSurelyJson, type Level, type Mode } from './level.ts'
import { CUT, MASK } from './output.ts'

/**
 * Redacts text of no known structure into the level's output: JSON and XML when it turns out to be that, else by shape
 * and by `name=value`. Without `complete` everything at the end that may be the first part of a secret is left out.
 */
export function redactText(level: Level, bytes: Buffer, complete: boolean, mode: Mode): void {
  const { out } = level
  const end = bytes.length
  if (end === 0) return
  if (mode !== 'masked') {
    out.ascii(mode === 'schema' ? 'string' : MASK)
    level.report(`mode:${mode}`, 'text')
    return
  }
  if (complete) {
    level.text(bytes, 0, end, 'raw', 'text')
    return
  }
  let first = 0
  while (first < end && isSpace(bytes[first]!)) first++
  const c = bytes[first]
  if ((c === 123 || c === 91) && isSurelyJson(bytes, first, end)) level.json.run(bytes, 0, end, false, mode)
  else if (c === 60) level.xml.run(bytes, 0, end, false, true, mode)
  else writePart(level, bytes, end)
}

function writePart(level: Level, bytes: Buffer, end: number): void {
  const { out, scanner } = level
  const limit = certainEnd(bytes, end)
  const count = scanner.scan(bytes, 0, end)
  let from = 0
  for (let i = 0; i < count * 3 && from < limit; i += 3) {
    const start = scanner.spans[i]!
    if (start >= limit) break
    out.raw(bytes, from, start)
    out.ascii(MASK)
    from = scanner.spans[i + 1]!
    level.report(scanner.ruleOf(scanner.spans[i + 2]!), 'text')
  }
  out.raw(bytes, from, limit)
  out.text(CUT)
}

/**
 * Where text that goes on is still certain: without its last word, and without the words before that may be groups of
 * the same number, as in `4111 1111 11` and `DE89 3704 0044`.
 */
export function certainEnd(bytes: Buffer, end: number): number {
  let limit = wordStart(bytes, end)
  for (;;) {
    let stop = limit
    while (stop > 0 && isSpace(bytes[stop - 1]!)) stop--
    const start = wordStart(bytes, stop)
    if (start === stop || !mayBeGroup(bytes, start, stop)) return limit
    limit = start
  }
}

function wordStart(bytes: Buffer, end: number): number {
  let start = end
  while (start > 0 && !isSpace(bytes[start - 1]!)) start--
  return start
}

function mayBeGroup(bytes: Buffer, start: number, end: number): boolean {
  if ((KIND[bytes[end - 1]!]! & DIGIT) !== 0) return true
  if (end - start > 4) return false
  for (let i = start; i < end; i++) if ((KIND[bytes[i]!]! & (DIGIT | UPPER)) === 0) return false
  return true
}
