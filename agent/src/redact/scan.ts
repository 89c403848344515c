import { emailSpan, urlUserEnd, userPasswordStart } from './address.ts'
import {
  AT,
  DASH,
  DIGIT,
  ESCAPE,
  hexDigit,
  holds,
  holdsAnyCase,
  isSpace,
  JOIN,
  KIND,
  LOWER,
  PAIR,
  UPPER,
  WORD,
} from './bytes.ts'
import { isBasic, isBearer, jwtEnd, looksRandom, providerKeyEnd } from './credential.ts'
import { unescapeText } from './escape.ts'
import { type Names, RULE } from './names.ts'
import { cardEnd, ibanEnd, ssnEnd } from './number.ts'
import { Output } from './output.ts'
import { findName, findValue, type Span } from './pair.ts'

/** Rules of value shapes, by number; from `NAMED` on it is the number of a rule of `Names`. */
export const SHAPES = [
  '',
  'shape:card',
  'shape:iban',
  'shape:ssn',
  'shape:email',
  'shape:jwt',
  'shape:private-key',
  'shape:provider-key',
  'shape:authorization',
  'shape:url-password',
  'shape:random',
  'shape:encoded',
]
const [, CARD, IBAN, SSN, EMAIL, JWT, PRIVATE_KEY, PROVIDER_KEY, AUTHORIZATION, URL_PASSWORD, RANDOM, ENCODED] =
  SHAPES.keys() as unknown as number[] as [number, ...number[]] & Record<number, number>
export const NAMED = 1000

/** An escape in an escape in an escape is still read; what is wrapped deeper stays as it is. */
const UNESCAPES = 3

/**
 * Finds secrets in text by their shape and by `name=value` pairs, in one pass without backtracking. What it found are
 * `count` spans in `spans`: start, end, rule; in order and apart.
 */
export class Scanner {
  spans = new Int32Array(96)
  count = 0
  /** Personal shapes (e-mail, IBAN, SSN) are let through: for values that the user has allowed by name. */
  personal = true
  readonly #names: Names
  #inner: Scanner | undefined
  readonly #scratch = new Output(256)
  readonly #span: Span = { start: 0, end: 0 }
  #bytes: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0
  #escapes = false

  constructor(names: Names) {
    this.#names = names
  }

  ruleOf(number: number): string {
    return number >= NAMED ? this.#names.rules[number - NAMED]! : SHAPES[number]!
  }

  /** Scans `bytes[start...end)` and gives the number of spans found. */
  scan(bytes: Buffer, start: number, end: number): number {
    this.count = 0
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#escapes = false
    this.#walk()
    if (this.#escapes) this.#readEscapes()
    return this.count
  }

  #walk(): void {
    const bytes = this.#bytes
    const end = this.#end
    /** Where the run of base64 characters began that may be a random secret. */
    let run = -1
    let i = this.#start
    while (i < end) {
      const kind = KIND[bytes[i]!]!
      if ((kind & WORD) !== 0) {
        let stop = i
        let seen = 0
        do seen |= KIND[bytes[stop]!]!
        while (++stop < end && (KIND[bytes[stop]!]! & WORD) !== 0)
        if (run < 0) run = i
        const found = stop - i >= 2 || (seen & DIGIT) !== 0 ? this.#word(i, stop, seen) : 0
        if (found !== 0) {
          i = found
          run = -1
          continue
        }
        i = stop
        if (stop < end && (KIND[bytes[stop]!]! & JOIN) !== 0) continue
        if (stop - run >= 32 && looksRandom(bytes, run, stop)) this.#add(run, stop, RANDOM!)
        run = -1
        continue
      }
      if ((kind & JOIN) === 0) run = -1
      if ((kind & (PAIR | AT | ESCAPE)) === 0) {
        i++
        continue
      }
      const next = (kind & PAIR) !== 0 ? this.#pair(i) : (kind & AT) !== 0 ? this.#at(i) : 0
      if ((kind & ESCAPE) !== 0 && isEscape(bytes, i, end)) this.#escapes = true
      i = next !== 0 ? next : i + 1
    }
  }

  /** Looks at the word `bytes[start...stop)` made of the kinds `seen`; gives where the secret in it ends, or 0. */
  #word(start: number, stop: number, seen: number): number {
    const bytes = this.#bytes
    const end = this.#end
    if ((seen & DASH) !== 0) {
      const key = this.#privateKey(start, stop)
      if (key !== 0) return key
    }
    const size = stop - start
    if (size === 6 && holdsAnyCase(bytes, start, end, 'bearer')) return this.#authorization(stop, isBearer)
    if (size === 5 && holdsAnyCase(bytes, start, end, 'basic')) return this.#authorization(stop, isBasic)
    // A key may follow a dash or an underline: `my_sk_live_...`.
    let last = DASH
    for (let i = start; i < stop; i++) {
      const kind = KIND[bytes[i]!]!
      if (kind === DIGIT && last !== DIGIT) {
        const found = this.#digits(i)
        if (found !== 0) return found
      }
      if (last === DASH && kind !== DASH) {
        const found = this.#token(i)
        if (found !== 0) return found
        // Without digits and dashes nothing can start later in this word.
        if ((seen & (DIGIT | DASH)) === 0) return 0
      }
      last = kind
    }
    return 0
  }

  #token(start: number): number {
    const bytes = this.#bytes
    const end = this.#end
    const c = bytes[start]!
    const key = providerKeyEnd(bytes, start, end)
    if (key !== 0) return this.#add(start, key, PROVIDER_KEY!)
    if (c === 101) {
      const found = jwtEnd(bytes, start, end)
      if (found !== 0) return this.#add(start, found, JWT!)
    }
    const third = start + 2 < end ? bytes[start + 2]! : 0
    const mayBeIban = (KIND[third]! & DIGIT) !== 0 || (third === 32 && (KIND[c]! & UPPER) !== 0)
    if (mayBeIban && (KIND[c]! & (UPPER | LOWER)) !== 0) {
      const found = ibanEnd(bytes, start, end)
      if (found !== 0) return this.#add(start, found, IBAN!)
    }
    return 0
  }

  /** Digits from `start` on. Those of a fraction, `0.4111111111111111`, are no card. */
  #digits(start: number): number {
    const bytes = this.#bytes
    const before = start - 1
    if (before > this.#start && bytes[before] === 46 && (KIND[bytes[before - 1]!]! & DIGIT) !== 0) return 0
    const card = cardEnd(bytes, start, this.#end)
    if (card !== 0) return this.#add(start, card, CARD!)
    if (before >= this.#start && (KIND[bytes[before]!]! & WORD) !== 0) return 0
    const ssn = ssnEnd(bytes, start, this.#end)
    return ssn === 0 ? 0 : this.#add(start, ssn, SSN!)
  }

  /** PEM (RFC 7468): from BEGIN to END or to the end of the text; certificates and public keys are let alone. */
  #privateKey(start: number, stop: number): number {
    const bytes = this.#bytes
    const end = this.#end
    if (stop - start < 10 || bytes[stop - 1] !== 78 || !holds(bytes, stop - 10, end, '-----BEGIN')) return 0
    const label = bytes.toString('latin1', stop, Math.min(end, stop + 48))
    const close = bytes.subarray(stop, end).indexOf('-----END')
    let after = close < 0 ? end : stop + close + 8
    if (close >= 0) {
      while (after < end && bytes[after] !== 45) after++
      while (after < end && bytes[after] === 45) after++
    }
    if (/^ (CERTIFICATE|[A-Z0-9 ]*PUBLIC KEY)/.test(label)) return close < 0 ? 0 : after
    return this.#add(stop - 10, after, PRIVATE_KEY!)
  }

  /** The word after `Bearer` or `Basic`. */
  #authorization(stop: number, fits: (bytes: Buffer, start: number, end: number) => boolean): number {
    const bytes = this.#bytes
    let start = stop
    while (start < this.#end && (bytes[start] === 32 || bytes[start] === 9 || bytes[start] === 43)) start++
    if (start === stop) return 0
    let end = start
    while (end < this.#end && isCredential(bytes[end]!)) end++
    return end > start && fits(bytes, start, end) ? this.#add(start, end, AUTHORIZATION!) : 0
  }

  /** At `=` or `:`: the password of a URL, or a value whose name is a secret's. */
  #pair(at: number): number {
    const bytes = this.#bytes
    const end = this.#end
    const span = this.#span
    if (bytes[at] === 58 && bytes[at + 1] === 47 && bytes[at + 2] === 47 && at + 2 < end) {
      const stop = urlUserEnd(bytes, at + 3, end)
      return stop === 0 ? at + 3 : this.#add(at + 3, stop, URL_PASSWORD!)
    }
    if (!findName(bytes, this.#start, at, span, false)) return 0
    if (bytes[at] === 62) return this.#element(at)
    let rule = this.#names.verdict(bytes, span.start, span.end) & RULE
    // `API key: ...`, but not `Bearer realm=...`
    if (rule === 0 && bytes[at] === 58 && findName(bytes, this.#start, at, span, true)) {
      rule = this.#names.verdict(bytes, span.start, span.end) & RULE
    }
    if (rule === 0 || !findValue(bytes, at, span.end, end, span)) return 0
    return this.#add(span.start, span.end, NAMED + rule)
  }

  /** `<password>x<`: a piece of XML in text. */
  #element(at: number): number {
    const bytes = this.#bytes
    const { start, end } = this.#span
    const before = start > this.#start ? bytes[start - 1] : 0
    if (end !== at || (before !== 60 && before !== 58)) return 0
    const rule = this.#names.verdict(bytes, start, end) & RULE
    if (rule === 0) return 0
    let stop = at + 1
    while (stop < this.#end && (bytes[stop] !== 60 || bytes[stop + 1] !== 47)) stop++
    return stop === at + 1 ? 0 : this.#add(at + 1, stop, NAMED + rule)
  }

  #at(at: number): number {
    const bytes = this.#bytes
    const from = this.count === 0 ? this.#start : this.spans[this.count * 3 - 2]!
    if (emailSpan(bytes, from, at, this.#end, this.#span)) return this.#add(this.#span.start, this.#span.end, EMAIL!)
    const start = userPasswordStart(bytes, from, at)
    return start === 0 ? 0 : this.#add(start, at, URL_PASSWORD!)
  }

  /** Adds a span and gives its end. One that reaches into those before it swallows them. */
  #add(start: number, end: number, rule: number): number {
    if (!this.personal && (rule === EMAIL || rule === IBAN || rule === SSN)) return end
    let { count, spans } = this
    let first = start
    let last = end
    while (count > 0 && spans[count * 3 - 2]! > first) {
      first = Math.min(first, spans[count * 3 - 3]!)
      last = Math.max(last, spans[count * 3 - 2]!)
      count--
    }
    if (count * 3 + 3 > spans.length) {
      spans = new Int32Array(spans.length * 2)
      spans.set(this.spans)
      this.spans = spans
    }
    spans[count * 3] = first
    spans[count * 3 + 1] = last
    spans[count * 3 + 2] = rule
    this.count = count + 1
    return last
  }

  /**
   * Text may hide a secret behind escapes: `alice%40example.com`, `pass\u0077ord=...`. Every run of it that has escapes is
   * read again without them and without what was found; one in which there is more is masked whole.
   */
  #readEscapes(): void {
    const bytes = this.#bytes
    const end = this.#end
    const kept = this.spans.slice(0, this.count * 3)
    this.count = 0
    let next = 0
    let covered = 0
    let i = this.#start
    while (i < end) {
      while (i < end && isSpace(bytes[i]!)) i++
      const start = i
      let escaped = false
      while (i < end && !isSpace(bytes[i]!)) {
        if ((KIND[bytes[i]!]! & ESCAPE) !== 0 && isEscape(bytes, i, end)) escaped = true
        i++
      }
      const first = next
      while (next < kept.length && kept[next]! < i) next += 3
      const hidden = escaped && this.#hides(Math.max(start, covered), i, kept.subarray(first, next))
      if (next > first) covered = kept[next - 2]!
      if (hidden) this.#add(start, i, ENCODED!)
      else for (let at = first; at < next; at += 3) this.#add(kept[at]!, kept[at + 1]!, kept[at + 2]!)
    }
  }

  #hides(start: number, end: number, found: Int32Array): boolean {
    this.#inner ??= new Scanner(this.#names)
    const inner = this.#inner
    const scratch = this.#scratch
    scratch.clear()
    let from = start
    for (let i = 0; i < found.length; i += 3) {
      unescapeText(this.#bytes, from, found[i]!, scratch)
      // Text has no NUL; `findValue` knows that nothing is left to mask here.
      scratch.byte(0)
      from = found[i + 1]!
    }
    unescapeText(this.#bytes, from, end, scratch)
    for (let times = 1; ; times++) {
      inner.count = 0
      inner.personal = this.personal
      inner.#bytes = scratch.buffer
      inner.#start = 0
      inner.#end = scratch.length
      inner.#walk()
      if (inner.count > 0) return true
      const size = scratch.length
      if (times === UNESCAPES || !mayBeEscaped(scratch)) return false
      scratch.length = 0
      unescapeText(scratch.buffer, 0, size, scratch)
    }
  }
}

/** RFC 7235 token68, and what sloppy clients put there. */
function isCredential(c: number): boolean {
  return (KIND[c]! & (WORD | JOIN)) !== 0 || c === 46 || c === 61 || c === 126
}

function isEscape(bytes: Buffer, at: number, end: number): boolean {
  const c = bytes[at]
  if (at + 2 >= end) return false
  if (c === 37) return hexDigit(bytes[at + 1]) >= 0 && hexDigit(bytes[at + 2]) >= 0
  const next = bytes[at + 1]
  if (c === 92) return next === 117 || next === 120 || next === 92
  if (next === 35) return true
  // `&b=2` of a query is no character reference.
  let i = at + 1
  while (i < end && i < at + 8 && (KIND[bytes[i]!]! & LOWER) !== 0) i++
  return i < end && bytes[i] === 59
}

function mayBeEscaped(text: Output): boolean {
  for (let i = 0; i < text.length; i++) {
    if ((KIND[text.buffer[i]!]! & ESCAPE) !== 0 && isEscape(text.buffer, i, text.length)) return true
  }
  return false
}
