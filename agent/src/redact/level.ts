import { REDACT_NESTING } from '../limits.ts'
import { isSpace, KIND, LOWER, UPPER } from './bytes.ts'
import { type Encoding, encode } from './escape.ts'
import { GraphqlPass } from './graphql.ts'
import { JsonPass } from './json.ts'
import type { Names } from './names.ts'
import { MASK, Output } from './output.ts'
import type { Paths } from './paths.ts'
import { Scanner } from './scan.ts'
import { XmlPass } from './xml.ts'

export type Mode = 'metadata' | 'schema' | 'masked' | 'allow' | 'full'

/** Which rule masked what: for the dry run, never on the wire. */
export interface Finding {
  rule: string
  path: string
}

/** Options, compiled once. */
export interface Rules {
  mode: Mode
  names: Names
  /** User's paths to mask, and in mode `allow` those that survive. */
  masks: Paths | undefined
  allows: Paths | undefined
  report: ((finding: Finding) => void) | undefined
}

/** What `inspect` found in a text. */
export const PLAIN = 0
export const SPANS = 1
export const DOCUMENT = 2
export const WHOLE = 3

/** The tools for one document. A document inside a text of it is redacted with the tools one level further in. */
export class Level {
  readonly rules: Rules
  readonly out = new Output(1024)
  /** The text under inspection without the escapes of its format. */
  readonly scratch = new Output(256)
  readonly scanner: Scanner
  readonly json: JsonPass
  readonly xml: XmlPass
  readonly graphql: GraphqlPass
  /** Where the document stands in the one around it, for findings. */
  prefix = ''
  readonly #number: number
  #inner: Level | undefined

  constructor(rules: Rules, number = 0) {
    this.rules = rules
    this.#number = number
    this.scanner = new Scanner(rules.names)
    this.json = new JsonPass(this)
    this.xml = new XmlPass(this)
    this.graphql = new GraphqlPass(this)
  }

  get inner(): Level {
    this.#inner ??= new Level(this.rules, this.#number + 1)
    return this.#inner
  }

  /**
   * Looks for secrets in the plain text `bytes[start...end)`: a JSON or XML document is redacted as one, anything else is
   * scanned. `write` does the masking; nothing is written here.
   */
  inspect(bytes: Buffer, start: number, end: number, path: string): number {
    let i = start
    while (i < end && isSpace(bytes[i]!)) i++
    const c = bytes[i]
    if (c === 123 || c === 91 || c === 34) {
      const sure = isSurelyJson(bytes, i, end)
      if (this.#number >= REDACT_NESTING) {
        if (sure) return WHOLE
      } else {
        const inner = this.#enter(path)
        const whole = inner.json.run(bytes, start, end, true, 'masked')
        if (whole) return inner.json.changed ? DOCUMENT : PLAIN
        if (sure) return DOCUMENT
      }
    } else if (c === 60 && i + 1 < end && isMarkup(bytes[i + 1])) {
      if (this.#number >= REDACT_NESTING) return WHOLE
      const inner = this.#enter(path)
      inner.xml.run(bytes, start, end, true, true, 'masked')
      return inner.xml.changed ? DOCUMENT : PLAIN
    }
    return this.scanner.scan(bytes, start, end) > 0 ? SPANS : PLAIN
  }

  /** As `inspect`, for the text of a GraphQL operation; what is none is inspected as any text. */
  inspectGraphql(bytes: Buffer, start: number, end: number, path: string): number {
    if (this.#number < REDACT_NESTING) {
      const inner = this.#enter(path)
      if (inner.graphql.run(bytes, start, end, true, 'masked')) return inner.graphql.changed ? DOCUMENT : PLAIN
    }
    return this.inspect(bytes, start, end, path)
  }

  #enter(path: string): Level {
    const { inner } = this
    inner.out.clear()
    inner.prefix = this.rules.report === undefined ? '' : `${path} > `
    return inner
  }

  /** Writes a text that was just inspected, masked and in the encoding of the document around it. */
  write(bytes: Buffer, start: number, end: number, found: number, encoding: Encoding, path: string): void {
    const { out } = this
    if (found === DOCUMENT) {
      const { out: document } = this.inner
      encode(document.buffer, 0, document.length, encoding, out)
    } else if (found === WHOLE) {
      out.ascii(MASK)
      this.report('limit:nesting', path)
    } else if (found === SPANS) this.#writeSpans(bytes, start, end, encoding, path)
    else encode(bytes, start, end, encoding, out)
  }

  #writeSpans(bytes: Buffer, start: number, end: number, encoding: Encoding, path: string): void {
    const { out, scanner } = this
    const { spans, count } = scanner
    let from = start
    for (let i = 0; i < count * 3; i += 3) {
      encode(bytes, from, spans[i]!, encoding, out)
      out.ascii(MASK)
      from = spans[i + 1]!
      this.report(scanner.ruleOf(spans[i + 2]!), path)
    }
    encode(bytes, from, end, encoding, out)
  }

  /** Inspects and writes in one. Gives whether anything was masked. */
  text(bytes: Buffer, start: number, end: number, encoding: Encoding, path: string): boolean {
    const found = this.inspect(bytes, start, end, path)
    this.write(bytes, start, end, found, encoding, path)
    return found !== PLAIN
  }

  report(rule: string, path: string): void {
    this.rules.report?.({ rule, path: this.prefix + path })
  }
}

/** An object with a quoted key, or a list of objects, lists or strings: then broken JSON is cut, not taken for prose. */
export function isSurelyJson(bytes: Buffer, at: number, end: number): boolean {
  const c = bytes[at]
  if (c === 34) return false
  let i = at + 1
  while (i < end && isSpace(bytes[i]!)) i++
  const next = bytes[i]
  return next === 34 || (c === 91 && (next === 123 || next === 91))
}

function isMarkup(next: number | undefined): boolean {
  return next === 33 || next === 63 || (KIND[next ?? 0]! & (LOWER | UPPER)) !== 0
}
