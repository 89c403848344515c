import { REDACT_DEPTH } from '../limits.ts'
import { ALNUM, holds, holdsAnyCase, isSpace, KIND, LOWER, UPPER } from './bytes.ts'
import { encode, reference } from './escape.ts'
import type { Level, Mode } from './level.ts'
import { ALLOWED, PAIR_NAME, PAIR_VALUE, RULE } from './names.ts'
import { CUT, MASK, Output } from './output.ts'

/** Attributes of one tag that are looked at; a tag with more ends the document. */
const ATTRIBUTES = 128

/** HTML elements that have no content and no end tag. */
const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))
/** HTML attributes that tell what `value` holds: `<input type="password" value="...">`. */
const ABOUT_VALUE = new Set(['type', 'id', 'property', 'autocomplete', 'http-equiv'])

/**
 * Redacts XML and, as it does not insist on well-formedness, HTML: attributes, text and CDATA by the name of element and
 * attribute and by shape. Comments, processing instructions and document types are dropped, prefixes of names ignored.
 */
export class XmlPass {
  changed = false
  readonly #level: Level
  #mode: Mode = 'masked'
  #html = false
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #start = 0
  #end = 0
  /** The text since the last tag, without references: a comment or a CDATA section does not end it. */
  readonly #text = new Output(256)
  readonly #value = new Output(128)
  /** Element that is masked whole, or allowed whole: its name in the input and how many of that name are open. */
  readonly #muted = new Subtree()
  readonly #allowed = new Subtree()
  /** `<name>password</name>` masks the element after it. */
  #pairRule = 0
  #inPairName = false
  #depth = 0
  readonly #names = new Int32Array(REDACT_DEPTH * 2)
  /** Name start, name end, value start, value end of each attribute of the tag at hand. */
  readonly #attributes = new Int32Array(ATTRIBUTES * 4)
  #attributeCount = 0
  #selfClosed = false

  constructor(level: Level) {
    this.#level = level
  }

  /** Redacts into the level's output. Gives false when it had to stop; the output then ends with the mark of a cut. */
  run(bytes: Buffer, start: number, end: number, complete: boolean, html: boolean, mode: Mode): boolean {
    this.#bytes = bytes
    this.#at = this.#start = start
    this.#end = end
    this.#mode = mode
    this.#html = html
    this.changed = false
    this.#text.clear()
    this.#muted.count = this.#allowed.count = 0
    this.#pairRule = this.#depth = 0
    this.#inPairName = false
    // An element that is still open at the end: the rest of its text may be missing.
    if (this.#walk() && complete && (html || this.#depth === 0)) {
      this.#flushText()
      return true
    }
    this.changed = true
    this.#level.out.text(CUT)
    return false
  }

  #walk(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    while (this.#at < end) {
      const c = bytes[this.#at]!
      if (c === 38) this.#at = reference(bytes, this.#at, end, this.#text)
      else if (c !== 60) {
        this.#text.byte(c)
        this.#at++
      } else if (!this.#markup()) return false
    }
    return true
  }

  /** At `<`. Gives false where the document must be cut. */
  #markup(): boolean {
    const bytes = this.#bytes
    const at = this.#at
    const next = at + 1 < this.#end ? bytes[at + 1]! : 0
    if (next === 33) return this.#declaration()
    if (next === 63) return this.#instruction()
    const closing = next === 47
    const name = closing ? at + 2 : at + 1
    const nameEnd = this.#nameEnd(name)
    const tagEnd = nameEnd === 0 ? 0 : closing ? this.#closingEnd(nameEnd) : this.#readAttributes(nameEnd)
    if (tagEnd < 0) return false
    if (tagEnd === 0) {
      // In HTML a bracket that starts no tag is text, as in `a < b` and `<alice@example.com>`.
      if (!this.#html || at + 1 >= this.#end) return false
      this.#text.byte(60)
      this.#at++
      return true
    }
    this.#flushText()
    this.#at = tagEnd
    if (closing) this.#close(name, nameEnd)
    else this.#open(name, nameEnd)
    return !closing && this.#html ? this.#skipScript(name, nameEnd) : true
  }

  #declaration(): boolean {
    const bytes = this.#bytes
    const at = this.#at
    this.changed = true
    if (holds(bytes, at, this.#end, '<!--')) return this.#skipPast('-->', at + 4)
    if (holds(bytes, at, this.#end, '<![CDATA[')) {
      const stop = this.#find(']]>', at + 9)
      if (stop < 0) return false
      this.#text.raw(bytes, at + 9, stop)
      this.#at = stop + 3
      return true
    }
    let brackets = 0
    let quote = 0
    for (let i = at + 2; i < this.#end; i++) {
      const c = bytes[i]!
      if (quote !== 0) {
        if (c === quote) quote = 0
      } else if (c === 34 || c === 39) quote = c
      else if (c === 91) brackets++
      else if (c === 93) brackets--
      else if (c === 62 && brackets <= 0) {
        this.#at = i + 1
        return true
      }
    }
    return false
  }

  #instruction(): boolean {
    const from = this.#at
    if (!this.#skipPast('?>', from + 2)) return false
    // The declaration of version and encoding says nothing about anybody.
    const plain = from === this.#start && holds(this.#bytes, from, this.#end, '<?xml ') && this.#at - from < 80
    if (plain) this.#level.out.raw(this.#bytes, from, this.#at)
    else this.changed = true
    return true
  }

  #find(mark: string, from: number): number {
    const found = this.#bytes.subarray(from, this.#end).indexOf(mark, 0, 'latin1')
    return found < 0 ? -1 : from + found
  }

  #skipPast(mark: string, from: number): boolean {
    const found = this.#find(mark, from)
    if (found < 0) return false
    this.#at = found + mark.length
    return true
  }

  #skipScript(name: number, nameEnd: number): boolean {
    for (const element of ['script', 'style']) {
      if (nameEnd - name !== element.length || !holdsAnyCase(this.#bytes, name, nameEnd, element)) continue
      if (this.#selfClosed) return true
      this.changed = true
      for (let i = this.#at; i < this.#end; i++) {
        if (this.#bytes[i] !== 60 || !holdsAnyCase(this.#bytes, i + 1, this.#end, `/${element}`)) continue
        this.#at = i
        return true
      }
      return false
    }
    return true
  }

  /** The end of a name, or 0. */
  #nameEnd(at: number): number {
    const bytes = this.#bytes
    const first = at < this.#end ? bytes[at]! : 0
    if ((KIND[first]! & (LOWER | UPPER)) === 0 && first !== 95 && first < 0x80) return 0
    let i = at
    while (i < this.#end && inName(bytes[i]!)) i++
    if (i >= this.#end) return this.#html ? 0 : i
    const c = bytes[i]!
    return isSpace(c) || c === 62 || c === 47 ? i : 0
  }

  #closingEnd(nameEnd: number): number {
    let i = nameEnd
    while (i < this.#end && isSpace(this.#bytes[i]!)) i++
    return i >= this.#end ? -1 : this.#bytes[i] === 62 ? i + 1 : 0
  }

  /** Reads the attributes of a tag; gives the end of the tag, 0 when it is none, -1 when it does not end. */
  #readAttributes(nameEnd: number): number {
    const bytes = this.#bytes
    const end = this.#end
    this.#attributeCount = 0
    this.#selfClosed = false
    let i = nameEnd
    for (;;) {
      while (i < end && isSpace(bytes[i]!)) i++
      if (i >= end) return -1
      const c = bytes[i]!
      if (c === 62) return i + 1
      if (c === 47) {
        this.#selfClosed = bytes[i + 1] === 62
        i++
        continue
      }
      const name = i
      while (i < end && !isSpace(bytes[i]!) && !endsAttributeName(bytes[i]!)) i++
      if (i === name || this.#attributeCount === ATTRIBUTES) return bytes[i] === 60 ? 0 : -1
      const stop = i
      while (i < end && isSpace(bytes[i]!)) i++
      let from = i
      let to = i
      if (i < end && bytes[i] === 61) {
        i++
        while (i < end && isSpace(bytes[i]!)) i++
        const quote = bytes[i]
        const quoted = i < end && (quote === 34 || quote === 39)
        if (quoted) i++
        from = i
        while (i < end && (quoted ? bytes[i] !== quote : !isSpace(bytes[i]!) && bytes[i] !== 62)) i++
        to = i
        if (quoted) i++
        if (i > end || (!quoted && i >= end)) return -1
      }
      const at = this.#attributeCount++ * 4
      this.#attributes.set([name, stop, from, to], at)
    }
  }

  #open(name: number, nameEnd: number): void {
    const level = this.#level
    this.#inPairName = false
    if (this.#muted.count > 0) {
      if (!this.#selfClosed) this.#muted.opened(this.#bytes, name, nameEnd)
      return
    }
    const empty = this.#selfClosed || (this.#html && this.#isVoid(name, nameEnd))
    const verdict = this.#verdict(name, nameEnd)
    const about = this.#aboutValue()
    let rule = verdict & RULE
    if (rule === 0 && !empty) rule = this.#pairRule
    if (!empty) this.#pairRule = 0
    if (this.#depth < REDACT_DEPTH) this.#names.set([name, nameEnd], this.#depth * 2)
    if (!empty) this.#depth++
    if (this.#mode === 'allow' && (verdict & ALLOWED) !== 0) {
      rule = 0
      if (!empty && this.#allowed.count === 0) this.#allowed.begin(name, nameEnd)
    } else if (!empty) this.#allowed.opened(this.#bytes, name, nameEnd)
    this.#writeTag(name, nameEnd, rule, about)
    this.#inPairName = !empty && (verdict & PAIR_NAME) !== 0
    if (rule === 0 && about.content) rule = about.rule
    if (rule === 0 || empty) return
    this.changed = true
    this.#muted.begin(name, nameEnd)
    level.out.ascii(this.#mode === 'schema' ? 'string' : MASK)
    level.report(level.rules.names.rules[rule]!, this.#path())
  }

  #close(name: number, nameEnd: number): void {
    this.#inPairName = false
    if (this.#depth > 0) this.#depth--
    if (this.#muted.count > 0) {
      if (!this.#muted.closed(this.#bytes, name, nameEnd)) return
    }
    this.#allowed.closed(this.#bytes, name, nameEnd)
    const { out } = this.#level
    out.ascii('</')
    this.#writeName(name, nameEnd)
    out.byte(62)
  }

  /** The verdict on a name without its prefix. */
  #verdict(name: number, nameEnd: number): number {
    let local = name
    for (let i = name; i < nameEnd; i++) if (this.#bytes[i] === 58) local = i + 1
    return this.#level.rules.names.verdict(this.#bytes, local, nameEnd)
  }

  #isVoid(name: number, nameEnd: number): boolean {
    return nameEnd - name <= 6 && VOID.has(this.#bytes.toString('latin1', name, nameEnd).toLowerCase())
  }

  /** What the attributes say of each other: `<add key="ApiKey" value="..."/>`, `<entry key="password">...`. */
  #aboutValue(): { rule: number; content: boolean } {
    for (let i = 0; i < this.#attributeCount * 4; i += 4) {
      const [name, stop, from, to] = this.#attributes.subarray(i, i + 4) as unknown as [number, number, number, number]
      const content = (this.#verdict(name, stop) & PAIR_NAME) !== 0
      if (!content && !ABOUT_VALUE.has(this.#bytes.toString('latin1', name, stop).toLowerCase())) continue
      this.#decode(from, to)
      const rule = this.#level.rules.names.verdict(this.#value.buffer, 0, this.#value.length) & RULE
      if (rule !== 0) return { rule, content }
    }
    return { rule: 0, content: false }
  }

  #decode(from: number, to: number): void {
    const value = this.#value
    value.clear()
    for (let i = from; i < to; ) {
      if (this.#bytes[i] === 38) i = reference(this.#bytes, i, to, value)
      else value.byte(this.#bytes[i++]!)
    }
  }

  #writeTag(name: number, nameEnd: number, rule: number, about: { rule: number }): void {
    const { out } = this.#level
    out.byte(60)
    this.#writeName(name, nameEnd)
    for (let i = 0; i < this.#attributeCount * 4; i += 4) {
      const attributes = this.#attributes
      this.#writeAttribute(attributes[i]!, attributes[i + 1]!, attributes[i + 2]!, attributes[i + 3]!, rule, about.rule)
    }
    out.ascii(this.#selfClosed ? '/>' : '>')
  }

  #writeAttribute(name: number, stop: number, from: number, to: number, element: number, about: number): void {
    const level = this.#level
    const { out, rules } = level
    out.byte(32)
    this.#writeName(name, stop)
    if (from === stop) return
    out.ascii('="')
    const verdict = this.#verdict(name, stop)
    let rule = verdict & RULE || element
    const isContent = (verdict & PAIR_VALUE) !== 0 || holdsAnyCase(this.#bytes, name, stop, 'content')
    if (rule === 0 && isContent) rule = about
    const path = rules.report === undefined ? '' : `${this.#path()}/@${this.#bytes.toString('utf8', name, stop)}`
    const listed = this.#mode === 'allow' && (verdict & ALLOWED) !== 0
    const isNamespace = holds(this.#bytes, name, stop, 'xmlns')
    if (from === to || (isNamespace && this.#mode !== 'masked')) encode(this.#bytes, from, to, 'xml', out)
    else if (this.#mode === 'schema') out.ascii('string')
    else if (rule !== 0 && !listed) {
      this.changed = true
      out.ascii(MASK)
      level.report(rules.names.rules[rule]!, path)
    } else if (this.#mode === 'allow' && !listed && this.#allowed.count === 0) {
      out.ascii(MASK)
      level.report('mode:allow', path)
    } else {
      this.#decode(from, to)
      if (level.text(this.#value.buffer, 0, this.#value.length, 'xml', path)) this.changed = true
    }
    out.byte(34)
  }

  /** A name may hold a secret as well: `<u4111111111111111>`. */
  #writeName(name: number, nameEnd: number): void {
    const { out, scanner } = this.#level
    if (nameEnd - name < 11 || scanner.scan(this.#bytes, name, nameEnd) === 0) out.raw(this.#bytes, name, nameEnd)
    else {
      this.changed = true
      out.ascii('redacted')
    }
  }

  /** Writes the text since the last tag. */
  #flushText(): void {
    const level = this.#level
    const { out, rules } = level
    const text = this.#text
    if (text.length === 0) return
    if (this.#muted.count === 0) {
      const path = this.#path()
      if (isBlank(text)) out.raw(text.buffer, 0, text.length)
      else if (this.#mode === 'schema') out.ascii('string')
      else if (this.#mode === 'allow' && this.#allowed.count === 0) {
        out.ascii(MASK)
        level.report('mode:allow', path)
      } else {
        if (this.#inPairName) this.#pairRule = rules.names.verdict(text.buffer, 0, text.length) & RULE
        if (level.text(text.buffer, 0, text.length, 'xml', path)) this.changed = true
      }
    }
    text.clear()
  }

  /** `/Envelope/Body/Login`, for findings only. */
  #path(): string {
    if (this.#level.rules.report === undefined) return ''
    let path = ''
    for (let i = 0; i < Math.min(this.#depth, REDACT_DEPTH); i++) {
      path += `/${this.#bytes.toString('utf8', this.#names[i * 2]!, this.#names[i * 2 + 1]!)}`
    }
    return path === '' ? '/' : path
  }
}

/** An element with all in it. Only an end tag of its own name ends it: in broken XML it reaches further, never less. */
class Subtree {
  count = 0
  #name = 0
  #end = 0

  begin(name: number, end: number): void {
    this.count = 1
    this.#name = name
    this.#end = end
  }

  opened(bytes: Buffer, name: number, end: number): void {
    if (this.count > 0 && this.#is(bytes, name, end)) this.count++
  }

  /** Gives true when this end tag ends it. */
  closed(bytes: Buffer, name: number, end: number): boolean {
    return this.count > 0 && this.#is(bytes, name, end) && --this.count === 0
  }

  #is(bytes: Buffer, name: number, end: number): boolean {
    if (end - name !== this.#end - this.#name) return false
    for (let i = 0; i < end - name; i++) if ((bytes[name + i]! | 32) !== (bytes[this.#name + i]! | 32)) return false
    return true
  }
}

function inName(c: number): boolean {
  return (KIND[c]! & ALNUM) !== 0 || c === 95 || c === 45 || c === 46 || c === 58 || c >= 0x80
}

function endsAttributeName(c: number): boolean {
  return c === 61 || c === 62 || c === 47 || c === 34 || c === 39 || c === 60
}

function isBlank(text: Output): boolean {
  for (let i = 0; i < text.length; i++) if (!isSpace(text.buffer[i]!)) return false
  return true
}
