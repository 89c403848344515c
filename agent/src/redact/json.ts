import { REDACT_DEPTH } from '../limits.ts'
import { unescapeJson } from './escape.ts'
import { type Level, type Mode, PLAIN } from './level.ts'
import { ALLOWED, PAIR_NAME, PAIR_VALUE, RULE } from './names.ts'
import { cardEnd } from './number.ts'
import { CUT, MASK } from './output.ts'

/** What the next token may be. */
const VALUE = 0
const FIRST_VALUE = 1
const KEY = 2
const FIRST_KEY = 3
const AFTER = 4

/** Bytes in a string that matter, as bits. */
const CONTROL = 1
const BACKSLASH = 2
/** `@ = : > % &`: e-mail addresses, pairs, markup, escapes. */
const SIGN = 4
const DIGITS = 8
const DASHES = 16
const IN_STRING = new Uint8Array(256)
for (let c = 0; c < 32; c++) IN_STRING[c] = CONTROL
for (const c of '@=:>%&') IN_STRING[c.charCodeAt(0)] = SIGN
for (let c = 48; c <= 57; c++) IN_STRING[c] = DIGITS
for (const c of '-_') IN_STRING[c.charCodeAt(0)] = DASHES
IN_STRING[92] = BACKSLASH

/** A value that the user has allowed: it survives, but for credentials in it. Other treatments are numbers of rules. */
const LISTED = -1
const KEEP = 0

const NULL = Buffer.from('null')
const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const QUOTED_MASK = `"${MASK}"`

/**
 * Redacts JSON (RFC 8259), also several documents one after the other (NDJSON, RFC 7464 sequences), in one pass over the
 * bytes and without recursion. What needs no masking is copied in long runs. A value is copied only when the token after
 * it shows that it was whole; at the first fault everything from there on is left out.
 */
export class JsonPass {
  /** Whether the last run wrote anything else than it read. */
  changed = false
  readonly #level: Level
  #mode: Mode = 'masked'
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0
  /** Input up to here is written; up to `safe` it may be written. */
  #copied = 0
  #safe = 0
  #depth = 0
  /** Depth of the container that is masked whole, and of the one that the user has allowed; -1 for none. */
  #muted = -1
  #allowedAt = -1
  /** What its key says of the next value. */
  #verdict = 0
  /** Whether the last token ended a container. */
  #closed = false
  #pairs = false
  #kinds = new Uint8Array(REDACT_DEPTH * 2)
  readonly #keyStart = new Int32Array(REDACT_DEPTH + 1)
  readonly #keyEnd = new Int32Array(REDACT_DEPTH + 1)
  readonly #index = new Int32Array(REDACT_DEPTH + 1)
  /** `{"value": ..., "name": ...}`: the rule that the name asks for, and where in the output the value stands. */
  readonly #pairRule = new Int32Array(REDACT_DEPTH + 1)
  readonly #pairStart = new Int32Array(REDACT_DEPTH + 1)
  readonly #pairEnd = new Int32Array(REDACT_DEPTH + 1)
  readonly #maskStates: Int32Array | undefined
  readonly #allowStates: Int32Array | undefined
  readonly #pathRule: number
  readonly #depthRule: number
  readonly #modeRule: number

  constructor(level: Level) {
    this.#level = level
    const { masks, allows, names } = level.rules
    this.#maskStates = masks && new Int32Array((REDACT_DEPTH + 2) * masks.words)
    this.#allowStates = allows && new Int32Array((REDACT_DEPTH + 2) * allows.words)
    this.#pathRule = names.number('option:path')
    this.#depthRule = names.number('limit:depth')
    this.#modeRule = names.number('mode:allow')
  }

  /**
   * Redacts `bytes[start...end)` into the level's output. Gives true for well-formed JSON; else the output ends with the
   * mark of a cut. Without `complete` the bytes are the first part of something longer.
   */
  run(bytes: Buffer, start: number, end: number, complete: boolean, mode: Mode): boolean {
    this.#bytes = bytes
    this.#at = this.#copied = this.#safe = start
    this.#end = end
    this.#mode = mode
    this.#depth = 0
    this.#muted = this.#allowedAt = -1
    this.#verdict = 0
    this.#pairs = false
    this.changed = false
    this.#kinds[0] = 0
    this.#pairStart[0] = -1
    this.#pairRule[0] = 0
    if (this.#maskStates) this.#level.rules.masks!.begin(this.#maskStates)
    if (this.#allowStates) this.#level.rules.allows!.begin(this.#allowStates)
    if (this.#walk() && complete) {
      this.#flush(end)
      return true
    }
    this.#cut()
    return false
  }

  #walk(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    let state = VALUE
    for (;;) {
      let at = this.#at
      let newLine = false
      let c = 0
      for (; at < end; at++) {
        c = bytes[at]!
        if (c === 10 || c === 13) newLine = true
        else if (c === 30 && this.#depth === 0) newLine = true
        else if (c !== 32 && c !== 9) break
      }
      this.#at = at
      if (at >= end) return this.#depth === 0
      switch (state) {
        case FIRST_KEY:
        case KEY:
          if (c === 125 && state === FIRST_KEY) {
            this.#close()
            state = AFTER
            break
          }
          if (c !== 34 || !this.#key()) return false
          state = VALUE
          break
        case FIRST_VALUE:
        case VALUE:
          if (c === 93 && state === FIRST_VALUE) {
            this.#close()
            state = AFTER
            break
          }
          if (c === 123 || c === 91) {
            this.#open(c)
            state = c === 123 ? FIRST_KEY : FIRST_VALUE
            break
          }
          this.#closed = false
          if (!(c === 34 ? this.#string() : this.#scalar(c))) return false
          state = AFTER
          break
        default: {
          const kind = this.#kinds[this.#depth]
          if (this.#depth === 0) {
            // A scalar ends where the line ends; `4111 1111` is no two documents.
            if (!newLine && !this.#closed) return false
            this.#safe = at
            state = VALUE
          } else if (c === 44) {
            this.#at = at + 1
            this.#safe = at + 1
            state = kind === 123 ? KEY : VALUE
          } else if (c === (kind === 123 ? 125 : 93)) this.#close()
          else return false
        }
      }
    }
  }

  /** A key and its colon; decides what happens to the value. */
  #key(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    const start = this.#at + 1
    let at = start
    let seen = 0
    for (; at < end; at++) {
      const c = bytes[at]!
      if (c === 34) break
      seen |= IN_STRING[c]!
      if (c === 92) at++
    }
    if (at >= end || (seen & CONTROL) !== 0) return false
    let colon = at + 1
    while (colon < end && (bytes[colon]! === 32 || (bytes[colon]! >= 9 && bytes[colon]! <= 13))) colon++
    if (colon >= end || bytes[colon] !== 58) return false
    this.#at = colon + 1
    if (this.#muted < 0 && !this.#judgeKey(start, at, seen)) return false
    this.#safe = colon + 1
    return true
  }

  #judgeKey(start: number, end: number, seen: number): boolean {
    const level = this.#level
    const depth = this.#depth
    let text = this.#bytes
    let from = start
    let to = end
    if ((seen & BACKSLASH) !== 0) {
      level.scratch.clear()
      if (!unescapeJson(text, start, end, level.scratch)) return false
      text = level.scratch.buffer
      from = 0
      to = level.scratch.length
    }
    this.#keyStart[depth] = start
    this.#keyEnd[depth] = end
    let verdict = level.rules.names.verdict(text, from, to)
    if ((verdict & PAIR_VALUE) !== 0 && this.#pairRule[depth] !== 0) verdict = PAIR_VALUE | this.#pairRule[depth]!
    this.#verdict = verdict
    if (this.#maskStates || this.#allowStates) this.#movePaths(text.toString('utf8', from, to), -1)
    // Maps are keyed by e-mail addresses and card numbers as well.
    const size = to - from
    if ((seen & SIGN) !== 0 || (size >= 11 && (seen & DIGITS) !== 0) || size >= 32) {
      const path = this.#path()
      const found = level.inspect(text, from, to, path)
      if (found !== PLAIN) {
        this.#flush(start)
        level.write(text, from, to, found, 'json', path)
        this.#skipTo(end)
      }
    }
    return true
  }

  #movePaths(name: string | undefined, index: number): void {
    const { masks, allows } = this.#level.rules
    const depth = this.#depth
    if (masks?.move(this.#maskStates!, depth, name, index)) {
      this.#verdict = (this.#verdict & ~(RULE | ALLOWED)) | this.#pathRule
    } else if (allows?.move(this.#allowStates!, depth, name, index)) this.#verdict |= ALLOWED
  }

  /** Decides on the value that starts here, once for each value. */
  #treatment(): number {
    const depth = this.#depth
    if (this.#kinds[depth] === 91) {
      this.#index[depth]!++
      if (this.#maskStates || this.#allowStates) this.#movePaths(undefined, this.#index[depth]!)
    }
    const verdict = this.#verdict
    this.#verdict = 0
    const rule = verdict & RULE
    if (this.#mode !== 'allow') return rule
    if ((verdict & ALLOWED) !== 0) return LISTED
    return rule !== 0 ? rule : this.#allowedAt >= 0 ? KEEP : this.#modeRule
  }

  #open(kind: number): void {
    const at = this.#at
    if (this.#muted < 0) {
      const pairValue = (this.#verdict & PAIR_VALUE) !== 0
      let rule = this.#treatment()
      // Something allowed may lie within: the members are judged one by one.
      if (this.#mode === 'allow' && this.#allowedAt < 0 && rule !== this.#pathRule && rule !== LISTED) rule = KEEP
      if (rule === LISTED && this.#allowedAt < 0) this.#allowedAt = this.#depth + 1
      if (rule <= KEEP && this.#depth >= REDACT_DEPTH) rule = this.#depthRule
      if (rule > KEEP) {
        this.#mask(rule, at, at, kind === 123 ? '"object"' : '"array"')
        this.#muted = this.#depth + 1
      } else if (pairValue) this.#startPair(at)
    }
    this.#at = at + 1
    if (this.#muted < 0) this.#safe = at + 1
    const depth = ++this.#depth
    if (depth >= this.#kinds.length) {
      const larger = new Uint8Array(this.#kinds.length * 2)
      larger.set(this.#kinds)
      this.#kinds = larger
    }
    this.#kinds[depth] = kind
    if (depth > REDACT_DEPTH) return
    this.#index[depth] = -1
    this.#keyStart[depth] = this.#keyEnd[depth] = 0
    this.#pairStart[depth] = -1
    this.#pairRule[depth] = 0
  }

  #close(): void {
    const depth = this.#depth--
    this.#at++
    this.#closed = true
    if (this.#allowedAt === depth) this.#allowedAt = -1
    if (this.#muted >= 0) {
      if (this.#muted !== depth) return
      this.#muted = -1
      this.#skipTo(this.#at)
    }
    this.#safe = this.#at
    if (this.#pairs) this.#endPair()
  }

  #string(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    const start = this.#at + 1
    let at = start
    let seen = 0
    for (; at < end; at++) {
      const c = bytes[at]!
      if (c === 34) break
      seen |= IN_STRING[c]!
      if (c === 92) at++
    }
    if (at >= end || (seen & CONTROL) !== 0) return false
    this.#at = at + 1
    if (this.#muted >= 0) return true
    const verdict = this.#verdict
    const rule = this.#treatment()
    if ((verdict & (PAIR_NAME | PAIR_VALUE)) !== 0) {
      if ((verdict & PAIR_NAME) !== 0) this.#namePair(start, at, seen)
      else if (rule <= KEEP) this.#startPair(start - 1)
    }
    if (rule > KEEP || this.#mode === 'schema') this.#mask(rule, start - 1, at + 1, '"string"')
    else {
      const size = at - start
      const odd = (seen & (SIGN | BACKSLASH)) !== 0 || size >= 14 || (size >= 11 && (seen & (DIGITS | DASHES)) !== 0)
      if (odd && !this.#inspect(start, at, seen, rule)) return false
    }
    if (this.#pairs) this.#endPair()
    return true
  }

  /** Masks what is secret in the string between the quotes. Gives false for a bad escape. */
  #inspect(start: number, end: number, seen: number, rule: number): boolean {
    const level = this.#level
    let text = this.#bytes
    let from = start
    let to = end
    if ((seen & BACKSLASH) !== 0) {
      level.scratch.clear()
      if (!unescapeJson(text, start, end, level.scratch)) return false
      text = level.scratch.buffer
      from = 0
      to = level.scratch.length
    }
    const path = this.#path()
    level.scanner.personal = rule !== LISTED
    const found = this.#isOperation() ? level.inspectGraphql(text, from, to, path) : level.inspect(text, from, to, path)
    level.scanner.personal = true
    if (found === PLAIN) return true
    this.#flush(start)
    level.write(text, from, to, found, 'json', path)
    this.#skipTo(end)
    return true
  }

  /** `"query"` holds a GraphQL operation, by https://graphql.github.io/graphql-over-http/ */
  #isOperation(): boolean {
    const depth = this.#depth
    const start = this.#keyStart[depth]!
    if (this.#keyEnd[depth]! - start !== 5 || this.#kinds[depth] !== 123) return false
    return this.#bytes.toString('latin1', start, start + 5) === 'query'
  }

  #scalar(c: number): boolean {
    const start = this.#at
    const word = c === 110 ? NULL : c === 116 ? TRUE : c === 102 ? FALSE : undefined
    const digits = c === 45 ? start + 1 : start
    let whole = digits
    if (word !== undefined) {
      for (let i = 0; i < word.length; i++) if (this.#bytes[start + i] !== word[i]) return false
      if (start + word.length > this.#end) return false
      this.#at = start + word.length
    } else {
      whole = skipDigits(this.#bytes, digits, this.#end)
      const end = numberEnd(this.#bytes, digits, whole, this.#end)
      if (end === 0) return false
      this.#at = end
    }
    if (this.#muted >= 0) return true
    const pairValue = (this.#verdict & PAIR_VALUE) !== 0
    const rule = this.#treatment()
    if (word === NULL && this.#mode !== 'schema') return true
    const type = word === undefined ? '"number"' : word === NULL ? '"null"' : '"boolean"'
    if (rule > KEEP || this.#mode === 'schema') this.#mask(rule, start, this.#at, type)
    else if (whole - digits >= 13 && cardEnd(this.#bytes, digits, whole) !== 0) {
      this.#mask(this.#level.rules.names.number('shape:card'), start, this.#at, type)
    } else if (pairValue) {
      this.#startPair(start)
      this.#endPair()
    }
    return true
  }

  /** Writes the mask, or the type in mode `schema`, in place of the input from `start` to `end`. */
  #mask(rule: number, start: number, end: number, type: string): void {
    this.#flush(start)
    this.#level.out.ascii(this.#mode === 'schema' ? type : QUOTED_MASK)
    this.#skipTo(end)
    if (rule > 0) this.#level.report(this.#level.rules.names.rules[rule]!, this.#path())
  }

  #flush(to: number): void {
    if (to <= this.#copied) return
    this.#level.out.raw(this.#bytes, this.#copied, to)
    this.#copied = to
  }

  #skipTo(at: number): void {
    this.#copied = at
    this.changed = true
  }

  /** Everything that is certain, and the mark. A value whose name may have come later is no longer certain. */
  #cut(): void {
    const { out } = this.#level
    this.changed = true
    if (this.#muted < 0) this.#flush(this.#safe)
    for (let depth = 0; this.#pairs && depth <= Math.min(this.#depth, REDACT_DEPTH); depth++) {
      if (this.#pairStart[depth]! < 0 || this.#pairRule[depth] !== 0) continue
      if (this.#pairEnd[depth]! < 0) {
        out.length = this.#pairStart[depth]!
        out.ascii(QUOTED_MASK)
        break
      }
      this.#splice(depth)
    }
    out.text(CUT)
  }

  #startPair(at: number): void {
    if (this.#mode === 'schema' || this.#pairRule[this.#depth] !== 0) return
    this.#flush(at)
    this.#pairs = true
    this.#pairStart[this.#depth] = this.#level.out.length
    this.#pairEnd[this.#depth] = -1
  }

  /** After every value: when it was the value of a pair, its end in the output is noted. */
  #endPair(): void {
    const depth = this.#depth
    if (depth > REDACT_DEPTH || this.#pairStart[depth]! < 0 || this.#pairEnd[depth]! >= 0) return
    this.#flush(this.#at)
    this.#pairEnd[depth] = this.#level.out.length
  }

  /** The string is the name of a pair: a secret's name masks the value, also one that came before it. */
  #namePair(start: number, end: number, seen: number): void {
    const level = this.#level
    const depth = this.#depth
    let text = this.#bytes
    let from = start
    let to = end
    if ((seen & BACKSLASH) !== 0) {
      level.scratch.clear()
      if (!unescapeJson(text, start, end, level.scratch)) return
      text = level.scratch.buffer
      from = 0
      to = level.scratch.length
    }
    const rule = level.rules.names.verdict(text, from, to) & RULE
    if (rule === 0) return
    this.#pairRule[depth] = rule
    if (this.#pairStart[depth]! < 0) return
    this.#splice(depth)
    this.#pairStart[depth] = -1
    level.report(level.rules.names.rules[rule]!, this.#path())
  }

  /** Puts the mask in place of a value that is written already. */
  #splice(depth: number): void {
    const { out } = this.#level
    const start = this.#pairStart[depth]!
    const end = this.#pairEnd[depth]!
    const size = QUOTED_MASK.length
    const length = out.length - (end - start) + size
    if (length > out.length) out.reserve(length - out.length)
    out.buffer.copyWithin(start + size, end, out.length)
    out.length = start
    out.ascii(QUOTED_MASK)
    out.length = length
    this.changed = true
  }

  /** `$.user.items[3].note`, for findings only. */
  #path(): string {
    if (this.#level.rules.report === undefined) return ''
    let path = '$'
    for (let depth = 1; depth <= Math.min(this.#depth, REDACT_DEPTH); depth++) {
      if (this.#kinds[depth] === 91) path += `[${Math.max(0, this.#index[depth]!)}]`
      else {
        const key = this.#bytes.toString('utf8', this.#keyStart[depth]!, this.#keyEnd[depth]!)
        path += /^[\w$]+$/.test(key) ? `.${key}` : `["${key}"]`
      }
    }
    return path
  }
}

function skipDigits(bytes: Buffer, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i]! >= 48 && bytes[i]! <= 57) i++
  return i
}

/** The end of the number whose digits are `digits...whole`, or 0 when it is none (RFC 8259 section 6). */
function numberEnd(bytes: Buffer, digits: number, whole: number, end: number): number {
  if (whole === digits || (bytes[digits] === 48 && whole > digits + 1)) return 0
  let at = whole
  if (at < end && bytes[at] === 46) {
    const fraction = skipDigits(bytes, at + 1, end)
    if (fraction === at + 1) return 0
    at = fraction
  }
  if (at < end && (bytes[at]! | 32) === 101) {
    const sign = bytes[at + 1] === 43 || bytes[at + 1] === 45 ? 2 : 1
    const exponent = skipDigits(bytes, at + sign, end)
    if (exponent === at + sign) return 0
    at = exponent
  }
  return at
}
