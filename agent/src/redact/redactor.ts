import { createHash } from 'node:crypto'
import { REDACT_GROWTH, REDACT_SMALL } from '../limits.ts'
import { redactForm } from './form.ts'
import { redactHeader } from './header.ts'
import { type Finding, Level, type Mode, type Rules } from './level.ts'
import { characterEnd, decodeText, type Media, readMedia } from './media.ts'
import { redactMultipart } from './multipart.ts'
import { Names } from './names.ts'
import { CUT } from './output.ts'
import { Paths } from './paths.ts'
import { redactText } from './text.ts'
import { redactPath } from './url.ts'
import { RULES_VERSION } from './vocabulary.ts'

export type { Finding, Mode } from './level.ts'

export const MODES: readonly Mode[] = ['metadata', 'schema', 'masked', 'allow', 'full']

export interface RedactOptions {
  mode: Mode
  /** More field names to mask, whole names, case and separators aside. */
  names: readonly string[]
  /** JSON paths to mask: `$.user.address`, `$.items[*].note`, `$..pin`. */
  paths: readonly string[]
  /** Mode `allow`: names and paths whose values survive. */
  allow: readonly string[]
}

export interface Redactor {
  /** Short stable id of the rule set: version of the built-in rules and a hash of the options. */
  readonly id: string
  /**
   * The redacted body as UTF-8, the caller's to keep; undefined when nothing may be kept: mode `metadata`, unknown or
   * binary type, unknown charset. `complete` false: the bytes are the first part. Content coding is already undone.
   */
  body(bytes: Uint8Array, contentType: string | undefined, complete: boolean): Buffer | undefined
  /** `a=1&b=2`, without the question mark. */
  query(query: string): string
  /** `name` in lower case. The value to send, or undefined to leave the header out. */
  header(name: string, value: string): string | undefined
  /** `User-Agent`, which is told of every call. */
  userAgent(value: string): string
  /** A field about quotas, which is told of every outgoing call. */
  quota(value: string): string
  /** A path may hold an e-mail address, a token or a card number as well. */
  path(path: string): string
}

/** Remembered content types; a service has a handful. */
const MEDIA = 256

/**
 * Compiles the options. `onFinding` hears of everything that is masked. Throws an Error with the place and the remedy for
 * a JSON path that cannot be read or a mode that does not exist.
 */
export function compileRedactor(options: RedactOptions, onFinding?: (finding: Finding) => void): Redactor {
  return new CompiledRedactor(options, onFinding)
}

class CompiledRedactor implements Redactor {
  readonly id: string
  readonly #mode: Mode
  readonly #level: Level
  readonly #media = new Map<string, Media>()
  readonly #redactPart = (value: Buffer, media: Media): void => this.#part(value, media)

  constructor({ mode, names, paths, allow }: RedactOptions, onFinding?: (finding: Finding) => void) {
    if (!MODES.includes(mode)) throw new Error(`redaction mode "${mode}" does not exist; one of ${MODES.join(', ')}`)
    this.id = idOf({ mode, names, paths, allow })
    this.#mode = mode
    const isPath = (entry: string): boolean => /^\$|[.[]/.test(entry.trim())
    const masked = nonEmpty(paths)
    const allowed = mode === 'allow' ? nonEmpty(allow) : []
    const allowedPaths = allowed.filter(isPath)
    this.#level = new Level({
      mode,
      names: new Names(
        nonEmpty(names),
        allowed.filter((entry) => !isPath(entry)),
      ),
      masks: masked.length === 0 ? undefined : new Paths(masked),
      allows: allowedPaths.length === 0 ? undefined : new Paths(allowedPaths),
      report: onFinding,
    } satisfies Rules)
  }

  body(bytes: Uint8Array, contentType: string | undefined, complete: boolean): Buffer | undefined {
    const mode = this.#mode
    if (mode === 'metadata' || contentType === undefined) return undefined
    const media = this.#mediaOf(contentType)
    if (media.format === 'none') return undefined
    const input = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { out } = this.#begin()
    if (media.format === 'multipart') {
      if (media.boundary === '') return undefined
      redactMultipart(this.#level, input, media.boundary, complete, mode, this.#redactPart)
    } else {
      const text = decodeText(input, charsetOf(media, input), complete)
      if (text === undefined) return undefined
      if (mode === 'full') {
        out.raw(text, 0, text.length)
        if (!complete) out.text(CUT)
      } else this.#text(text, media, complete)
    }
    const most = Math.max(REDACT_SMALL, input.length * REDACT_GROWTH)
    if (out.length > most) {
      out.length = characterEnd(out.buffer, most)
      out.text(CUT)
    }
    return out.take()
  }

  #text(text: Buffer, media: Media, complete: boolean): void {
    const level = this.#level
    const mode = this.#mode
    // Clients that set no content type themselves send JSON as a form.
    const format = media.format === 'form' ? formOrJson(text) : media.format
    const end = text.length
    if (format === 'json') level.json.run(text, 0, end, complete, mode)
    else if (format === 'form') redactForm(level, text, 0, end, complete, mode, '')
    else if (format === 'xml' || format === 'html') level.xml.run(text, 0, end, complete, format === 'html', mode)
    else if (format === 'graphql') level.graphql.run(text, 0, end, complete, mode)
    else redactText(level, text, complete, mode)
  }

  /** The value of a multipart field that has a type of its own. */
  #part(value: Buffer, media: Media): void {
    const text = decodeText(value, charsetOf(media, value), true)
    const { out } = this.#level
    if (text === undefined) out.ascii(`[${value.length} bytes]`)
    else if (this.#mode === 'full') out.raw(text, 0, text.length)
    else this.#text(text, media, true)
  }

  query(query: string): string {
    if (query === '' || this.#mode === 'metadata') return ''
    const { out } = this.#begin()
    const bytes = Buffer.from(query)
    const mode = this.#mode === 'full' ? 'masked' : this.#mode
    return redactForm(this.#level, bytes, 0, bytes.length, true, mode, '?') ? toText(out) : query
  }

  header(name: string, value: string): string | undefined {
    return this.#mode === 'metadata' ? undefined : redactHeader(this.#begin(), this.#mode, name, value)
  }

  userAgent(value: string): string {
    return redactHeader(this.#begin(), 'masked', 'user-agent', value)
  }

  quota(value: string): string {
    return redactHeader(this.#begin(), 'masked', 'ratelimit', value)
  }

  path(path: string): string {
    return redactPath(this.#begin(), path)
  }

  /** A fault in the middle of an earlier document must not weaken this one. */
  #begin(): Level {
    const level = this.#level
    level.out.clear()
    level.scanner.personal = true
    return level
  }

  #mediaOf(contentType: string): Media {
    let media = this.#media.get(contentType)
    if (media === undefined) {
      media = readMedia(contentType)
      // Every multipart body has a boundary of its own.
      if (media.format !== 'multipart' && this.#media.size < MEDIA) this.#media.set(contentType, media)
    }
    return media
  }
}

function toText(out: { buffer: Buffer; length: number }): string {
  return out.buffer.toString('utf8', 0, out.length)
}

function nonEmpty(entries: readonly string[]): string[] {
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== '')
}

/** The encoding that XML declares itself counts where the content type names none (RFC 7303). */
function charsetOf(media: Media, bytes: Buffer): Media['charset'] {
  if (media.charset !== undefined || (media.format !== 'xml' && media.format !== 'html')) return media.charset
  const declared = /^<\?xml [^>]{0,60}encoding=["']([\w-]+)["']/.exec(bytes.toString('latin1', 0, 100))?.[1]
  return declared === undefined ? undefined : readMedia(`text/xml;charset=${declared}`).charset
}

function formOrJson(text: Buffer): 'form' | 'json' | 'xml' {
  return text[0] === 123 || text[0] === 91 ? 'json' : text[0] === 60 ? 'xml' : 'form'
}

function idOf(options: RedactOptions): string {
  const { mode, names, paths, allow } = options
  const hash = createHash('sha256').update(
    JSON.stringify([mode, [...names].sort(), [...paths].sort(), [...allow].sort()]),
  )
  return `${RULES_VERSION}-${mode}-${hash.digest('hex').slice(0, 8)}`
}
