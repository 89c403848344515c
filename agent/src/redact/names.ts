import { REDACT_NAME_LENGTH, REDACT_NAMES } from '../limits.ts'
import { keep } from '../ship/bytes.ts'
import { isPairName, isPairValue, judgeName, wordsOf } from './vocabulary.ts'

/** Bits of a verdict; the rest of it is the number of the rule that masks the value, 0 for none. */
export const ALLOWED = 1 << 16
export const PAIR_NAME = 1 << 17
export const PAIR_VALUE = 1 << 18
export const RULE = 0xffff

/** Tells of a field name what to do with its value; remembers the answer by the name's bytes. */
export class Names {
  /** Rules by number; 0 is no rule. */
  readonly rules: string[] = ['']
  readonly #builtIn: boolean
  readonly #masked = new Set<string>()
  readonly #allowed = new Set<string>()
  readonly #known: (Buffer | undefined)[] = new Array(REDACT_NAMES).fill(undefined)
  readonly #verdicts = new Int32Array(REDACT_NAMES)

  /** `masked` and `allowed` are the user's; they match a whole name, case and separators aside. */
  constructor(masked: readonly string[], allowed: readonly string[], builtIn = true) {
    this.#builtIn = builtIn
    for (const name of masked) this.#masked.add(wordsOf(name).join(''))
    for (const name of allowed) this.#allowed.add(wordsOf(name).join(''))
  }

  /** The verdict on the name at `bytes[start...end)`, which is UTF-8. */
  verdict(bytes: Buffer, start: number, end: number): number {
    const size = end - start
    if (size > REDACT_NAME_LENGTH) return this.verdictOf(bytes.toString('utf8', start, end))
    let hash = size
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    const slot = (hash ^ (hash >>> 15)) & (REDACT_NAMES - 1)
    const known = this.#known[slot]
    if (known !== undefined && known.length === size && same(known, bytes, start)) return this.#verdicts[slot]!
    const verdict = this.verdictOf(bytes.toString('utf8', start, end))
    this.#known[slot] = keep(bytes.subarray(start, end))
    this.#verdicts[slot] = verdict
    return verdict
  }

  verdictOf(name: string): number {
    const words = wordsOf(decoded(name))
    const joined = words.join('')
    let verdict = this.#builtIn ? this.#number(judgeName(words)) : 0
    // The n of an escaped new line is not the first letter of the name, `\npin`; that of `C:\npin` may be.
    if (verdict === 0 && name.includes('\\')) verdict = this.verdictOf(name.replace(/\\+[nrt]?/g, ' '))
    if (this.#masked.has(joined)) verdict = this.number(`option:${joined}`)
    if (this.#allowed.has(joined)) verdict |= ALLOWED
    if (isPairName(words)) verdict |= PAIR_NAME
    if (isPairValue(words)) verdict |= PAIR_VALUE
    return verdict
  }

  #number(rule: string | undefined): number {
    return rule === undefined ? 0 : this.number(`name:${rule}`)
  }

  /** The number of a rule by its name. There are few: the built-in ones, and one for each name of the user. */
  number(rule: string): number {
    const at = this.rules.indexOf(rule)
    return at >= 0 ? at : this.rules.push(rule) - 1
  }
}

function same(known: Buffer, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}

/** Names in text may come percent-encoded, with JSON escapes or with character references. */
function decoded(name: string): string {
  if (!/[%\\&]/.test(name)) return name
  return name
    .replace(/%25/g, '%')
    .replace(/%([0-9a-f]{2})|\\+u([0-9a-f]{4})|\\+x([0-9a-f]{2})|&#x([0-9a-f]{1,6});/gi, (_, a, b, c, d) =>
      character(a ?? b ?? c ?? d, 16),
    )
    .replace(/&#([0-9]{1,7});/g, (_, digits) => character(digits, 10))
}

function character(digits: string, base: number): string {
  const code = Number.parseInt(digits, base)
  return code <= 0x10ffff ? String.fromCodePoint(code) : ''
}
