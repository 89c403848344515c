import { REDACT_DEPTH } from '../limits.ts'
import { ALNUM, DIGIT, holds, isSpace, KIND, LOWER, UPPER } from './bytes.ts'
import { unescapeJson } from './escape.ts'
import { type Level, type Mode, PLAIN } from './level.ts'
import { ALLOWED, RULE } from './names.ts'
import { cardEnd } from './number.ts'
import { CUT, MASK } from './output.ts'

/**
 * Redacts a GraphQL document (https://spec.graphql.org/October2021/#sec-Language): literals by the name of their argument
 * and by shape; comments are dropped.
 */
export class GraphqlPass {
  changed = false
  readonly #level: Level
  #mode: Mode = 'masked'
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0
  #complete = true
  #depth = 0
  readonly #brackets = new Uint8Array(REDACT_DEPTH + 1)
  /** The rule of the argument at hand and the depth it stands at. */
  #rule = 0
  #ruleDepth = 0
  #listed = false
  #isVariable = false
  /** The last byte that was no space, and where the last name stood. */
  #last = 0
  #line = 1

  constructor(level: Level) {
    this.#level = level
  }

  /** Redacts into the level's output. Gives false when it had to stop; the output then ends with the mark of a cut. */
  run(bytes: Buffer, start: number, end: number, complete: boolean, mode: Mode): boolean {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    this.#complete = complete
    this.#mode = mode
    this.changed = false
    this.#depth = this.#rule = this.#last = 0
    this.#listed = false
    this.#line = 1
    while (this.#at < end) {
      if (this.#token()) continue
      this.changed = true
      this.#level.out.text(CUT)
      return false
    }
    if (complete && this.#depth === 0) return true
    this.changed = true
    this.#level.out.text(CUT)
    return false
  }

  #token(): boolean {
    const { out } = this.#level
    const c = this.#bytes[this.#at]!
    if (isSpace(c) || c === 44) {
      if (c === 10) this.#line++
      out.byte(c)
      this.#at++
      return true
    }
    if (c === 35) {
      this.changed = true
      while (this.#at < this.#end && this.#bytes[this.#at] !== 10) this.#at++
      return true
    }
    const done = c === 34 ? this.#string() : this.#nameOrNumber(c)
    this.#last = c
    return done
  }

  #nameOrNumber(c: number): boolean {
    const kind = KIND[c]!
    if ((kind & (LOWER | UPPER)) !== 0 || c === 95) return this.#name()
    const next = this.#at + 1 < this.#end ? this.#bytes[this.#at + 1]! : 0
    if ((kind & DIGIT) !== 0 || (c === 45 && (KIND[next]! & DIGIT) !== 0)) return this.#number()
    return this.#punctuation(c)
  }

  #punctuation(c: number): boolean {
    if (c === 40 || c === 91 || c === 123) {
      if (this.#depth === REDACT_DEPTH) return false
      this.#brackets[++this.#depth] = c === 40 ? 41 : c + 2
    } else if (c === 41 || c === 93 || c === 125) {
      if (this.#brackets[this.#depth] !== c || this.#depth === 0) return false
      this.#depth--
      if (this.#depth < this.#ruleDepth) this.#clear()
    } else if (c !== 58 && c !== 33 && c !== 36 && c !== 61 && c !== 64 && c !== 124 && c !== 38 && c !== 46)
      return false
    this.#level.out.byte(c)
    this.#at++
    return true
  }

  #clear(): void {
    this.#rule = 0
    this.#listed = false
  }

  #name(): boolean {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    while (at < this.#end && ((KIND[bytes[at]!]! & ALNUM) !== 0 || bytes[at] === 95)) at++
    if (at >= this.#end && !this.#complete) return false
    this.#at = at
    let next = at
    while (next < this.#end && isSpace(bytes[next]!)) next++
    if (next < this.#end && bytes[next] === 58) return this.#argument(start, at)
    const deeper = this.#depth > this.#ruleDepth || this.#last === 58
    const isNull = at - start === 4 && holds(bytes, start, at, 'null')
    if (this.#rule !== 0 && deeper && !this.#isVariable && this.#last !== 36 && !isNull) this.#mask(this.#rule, 'enum')
    else this.#writeName(start, at)
    return true
  }

  #argument(start: number, end: number): boolean {
    if ((this.#rule === 0 && !this.#listed) || this.#depth <= this.#ruleDepth) {
      const verdict = this.#level.rules.names.verdict(this.#bytes, start, end)
      this.#listed = this.#mode === 'allow' && (verdict & ALLOWED) !== 0
      this.#rule = this.#listed ? 0 : verdict & RULE
      this.#ruleDepth = this.#depth
      this.#isVariable = this.#last === 36
    }
    this.#writeName(start, end)
    return true
  }

  #writeName(start: number, end: number): void {
    const { scanner, out } = this.#level
    if (end - start >= 11 && scanner.scan(this.#bytes, start, end) > 0) this.#mask(0, 'name')
    else out.raw(this.#bytes, start, end)
  }

  #number(): boolean {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    while (at < this.#end && ((KIND[bytes[at]!]! & ALNUM) !== 0 || (bytes[at]! >= 43 && bytes[at]! <= 46))) {
      if (bytes[at] === 44) break
      at++
    }
    if (at >= this.#end && !this.#complete) return false
    // Numbers without a comma or bracket between them stand in lists only; `4111 1111` is no GraphQL.
    if ((KIND[this.#last]! & DIGIT) !== 0 && this.#brackets[this.#depth] !== 93) return false
    this.#at = at
    const digits = bytes[start] === 45 ? start + 1 : start
    const card = cardEnd(bytes, digits, at) !== 0
    if (this.#rule !== 0 || card || !this.#survives()) this.#mask(this.#rule, 'number', card ? 'shape:card' : undefined)
    else this.#level.out.raw(bytes, start, at)
    return true
  }

  #survives(): boolean {
    return this.#mode === 'masked' || (this.#mode === 'allow' && this.#listed)
  }

  #string(): boolean {
    const bytes = this.#bytes
    const start = this.#at
    const block = holds(bytes, start, this.#end, '"""')
    const quotes = block ? 3 : 1
    let at = start + quotes
    for (; at < this.#end; at++) {
      const c = bytes[at]!
      if (c === 34 && (!block || holds(bytes, at, this.#end, '"""'))) break
      if (!block && (c === 10 || c === 13)) return false
      if (c === 92 && (!block || holds(bytes, at + 1, this.#end, '"""'))) at += block ? 3 : 1
    }
    if (at + quotes > this.#end) return false
    // `""` at the very end of a part may be the begin of `"""`.
    if (!this.#complete && at + quotes >= this.#end) return false
    this.#at = at + quotes
    if (this.#rule !== 0 || !this.#survives()) {
      this.#mask(this.#rule, 'string')
      return true
    }
    return this.#text(start + quotes, at, block)
  }

  #text(start: number, end: number, block: boolean): boolean {
    const level = this.#level
    const { scratch, out } = level
    scratch.clear()
    if (block) scratch.raw(this.#bytes, start, end)
    else if (!unescapeJson(this.#bytes, start, end, scratch)) return false
    const path = this.#path()
    level.scanner.personal = !this.#listed
    const found = level.inspect(scratch.buffer, 0, scratch.length, path)
    level.scanner.personal = true
    const quotes = block ? '"""' : '"'
    out.ascii(quotes)
    if (found === PLAIN) out.raw(this.#bytes, start, end)
    else {
      this.changed = true
      level.write(scratch.buffer, 0, scratch.length, found, block ? 'raw' : 'json', path)
    }
    out.ascii(quotes)
    return true
  }

  #mask(rule: number, type: string, shape = 'mode:allow'): void {
    const { out, rules } = this.#level
    this.changed = true
    out.ascii(this.#mode === 'schema' ? `"${type}"` : `"${MASK}"`)
    if (this.#mode !== 'schema') this.#level.report(rule === 0 ? shape : rules.names.rules[rule]!, this.#path())
  }

  #path(): string {
    return this.#level.rules.report === undefined ? '' : `line ${this.#line}`
  }
}
