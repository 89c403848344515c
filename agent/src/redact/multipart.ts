import { REDACT_PARTS } from '../limits.ts'
import type { Level, Mode } from './level.ts'
import { decodeText, type Media, readMedia } from './media.ts'
import { ALLOWED, RULE } from './names.ts'
import { CUT, MASK } from './output.ts'

/** Head of a part: longer than any real one. */
const HEAD = 4096

/**
 * Redacts multipart/form-data (RFC 7578) into the level's output: of every part its name, of a field its redacted value, of
 * a file nothing but the extension of its name, its type and its size. `redactPart` redacts a value that has a type of
 * its own. Only a part whose end was seen is written.
 */
export function redactMultipart(
  level: Level,
  bytes: Buffer,
  boundary: string,
  complete: boolean,
  mode: Mode,
  redactPart: (value: Buffer, media: Media) => void,
): void {
  const { out } = level
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  let at = bytes.indexOf(mark)
  for (let parts = 0; at >= 0 && parts < REDACT_PARTS; parts++) {
    let start = at + mark.length
    if (bytes[start] === 45 && bytes[start + 1] === 45) {
      out.ascii('--part--')
      return
    }
    while (bytes[start] === 32 || bytes[start] === 9) start++
    if (bytes[start] === 13) start++
    if (bytes[start] !== 10) break
    const next = bytes.indexOf(`\n--${boundary}`, start, 'latin1')
    if (next < 0) break
    const stop = bytes[next - 1] === 13 ? next - 1 : next
    if (!redactOne(level, bytes, start + 1, stop, mode, redactPart)) break
    at = next + 1
  }
  if (!complete || bytes.length > 0) out.text(CUT)
}

interface Head {
  name: string | undefined
  fileName: string | undefined
  type: string | undefined
  encoded: boolean
  /** Where the value starts. */
  value: number
}

function redactOne(
  level: Level,
  bytes: Buffer,
  start: number,
  end: number,
  mode: Mode,
  redactPart: (value: Buffer, media: Media) => void,
): boolean {
  const head = readHead(bytes, start, end)
  if (head === undefined) return false
  const { out, rules } = level
  const value = bytes.subarray(head.value, Math.max(head.value, end))
  const media = readMedia(head.type ?? 'text/plain')
  out.ascii('--part\r\nContent-Disposition: form-data')
  if (head.name !== undefined) parameter(level, 'name', head.name)
  if (head.fileName !== undefined) out.ascii(`; filename="${MASK}${extension(head.fileName)}"`)
  if (head.type !== undefined) out.ascii(`\r\nContent-Type: ${/^[\w.+-]+\/[\w.+-]+/.exec(head.type)?.[0] ?? 'unknown'}`)
  out.ascii('\r\n\r\n')
  const verdict = head.name === undefined ? 0 : rules.names.verdictOf(head.name)
  const rule = verdict & RULE
  const listed = mode === 'allow' && (verdict & ALLOWED) !== 0
  const path = head.name ?? '(no name)'
  if (head.fileName !== undefined || head.encoded || media.format === 'none' || media.format === 'multipart') {
    out.ascii(`[${value.length} bytes]`)
    if (head.fileName !== undefined) level.report('multipart:file', path)
  } else if (mode === 'full') redactPart(value, media)
  else if (mode === 'schema') out.ascii('string')
  else if (!listed && (rule !== 0 || mode === 'allow' || head.name === undefined)) {
    out.ascii(MASK)
    level.report(
      rule !== 0 ? rules.names.rules[rule]! : head.name === undefined ? 'multipart:no-name' : 'mode:allow',
      path,
    )
  } else if (media.format === 'text') {
    const text = decodeText(value, media.charset, true)
    level.scanner.personal = !listed
    if (text === undefined) out.ascii(MASK)
    else level.text(text, 0, text.length, 'raw', path)
    level.scanner.personal = true
  } else redactPart(value, media)
  out.ascii('\r\n')
  return true
}

function parameter(level: Level, name: string, value: string): void {
  const bytes = Buffer.from(value.replace(/["\r\n]/g, '_'))
  level.out.ascii(`; ${name}="`)
  level.text(bytes, 0, bytes.length, 'raw', 'multipart (name)')
  level.out.ascii('"')
}

/** The head of a part, or undefined when it does not end. */
function readHead(bytes: Buffer, start: number, end: number): Head | undefined {
  // A part without any header starts with the empty line.
  let stop = bytes[start] === 13 && bytes[start + 1] === 10 ? start : -1
  let value = start + 2
  if (stop < 0) {
    const window = bytes.subarray(start, Math.min(end + 2, start + HEAD))
    const crlf = window.indexOf('\r\n\r\n')
    const lf = window.indexOf('\n\n')
    if (crlf < 0 && lf < 0) return undefined
    const short = crlf < 0 || (lf >= 0 && lf < crlf)
    stop = start + (short ? lf : crlf)
    value = stop + (short ? 2 : 4)
  }
  const head: Head = { name: undefined, fileName: undefined, type: undefined, encoded: false, value }
  // A folded line (obsolete) belongs to the one before.
  const lines = bytes
    .toString('utf8', start, stop)
    .replace(/\r?\n[ \t]/g, ' ')
    .split(/\r?\n/)
  for (const line of lines) {
    const colon = line.indexOf(':')
    const header = line.slice(0, colon).trim().toLowerCase()
    const text = line.slice(colon + 1).trim()
    if (header === 'content-disposition') {
      head.name = dispositionParameter(text, 'name')
      head.fileName = dispositionParameter(text, 'filename') ?? dispositionParameter(text, 'filename*')
    } else if (header === 'content-type') head.type = text
    else if (header === 'content-transfer-encoding') head.encoded = !/^(7bit|8bit|binary)$/i.test(text)
  }
  return head
}

/** The value of `; name="..."`; quoted or not, with backslash or percent escapes. */
function dispositionParameter(text: string, name: string): string | undefined {
  const parameters = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))/g
  for (const [, key, quoted, bare] of text.matchAll(parameters)) {
    if (key!.toLowerCase() === name) return quoted?.replace(/\\(.)/g, '$1') ?? bare!.trim()
  }
  return undefined
}

/** `.pdf`, when it looks like one. */
function extension(fileName: string): string {
  return /\.[a-z]{2,4}[34]?$/i.exec(fileName)?.[0].toLowerCase() ?? ''
}
