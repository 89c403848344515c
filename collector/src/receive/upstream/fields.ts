/**
 * Structured field values for HTTP (RFC 9651), read strictly after its section 4.2: a field that is not what it should
 * be is no field at all.
 */

/** A value without its parameters. A token and a string differ, as `a` and `"a"` do. */
export type Bare =
  | { readonly type: 'integer' | 'decimal' | 'date'; readonly value: number }
  | { readonly type: 'string' | 'token' | 'bytes' | 'text'; readonly value: string }
  | { readonly type: 'boolean'; readonly value: boolean }

export type Parameters = ReadonlyMap<string, Bare>

/** A value, or several in parentheses. */
export interface Member {
  readonly value: Bare | readonly Member[]
  readonly parameters: Parameters
}

/** @returns undefined for what is no list */
export function readList(field: string): Member[] | undefined {
  return read(field, (cursor) => {
    const members: Member[] = []
    cursor.each(() => members.push(cursor.member()))
    return members
  })
}

/** @returns undefined for what is no dictionary */
export function readDictionary(field: string): Map<string, Member> | undefined {
  return read(field, (cursor) => {
    const members = new Map<string, Member>()
    cursor.each(() => {
      const key = cursor.key()
      // As of a parameter, the last of a name is the one that counts.
      members.set(key, cursor.take('=') ? cursor.member() : { value: YES, parameters: cursor.parameters() })
    })
    return members
  })
}

const YES: Bare = { type: 'boolean', value: true }

class Malformed extends Error {}

function read<T>(field: string, whole: (cursor: Cursor) => T): T | undefined {
  try {
    return whole(new Cursor(field))
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

/** Expressions that stand on one place (`y`): what they match there is what is next. */
const shapes = {
  blanks: / */y,
  optionalSpace: /[ \t]*/y,
  key: /[a-z*][a-z0-9_.*-]*/y,
  number: /-?\d+(?:\.\d*)?/y,
  string: /"((?:[ !#-[\]-~]|\\["\\])*)"/y,
  token: /[A-Za-z*][!#$%&'*+.^_`|~\w:/-]*/y,
  bytes: /:([A-Za-z0-9+/=]*):/y,
  boolean: /\?([01])/y,
  date: /@(-?\d+)/y,
  text: /%"((?:[ !#$&-~]|%[0-9a-f]{2})*)"/y,
}

class Cursor {
  readonly #field: string
  #at = 0

  constructor(field: string) {
    this.#field = field
  }

  /** Members apart by commas, to the end. */
  each(read: () => void): void {
    this.#match(shapes.blanks)
    while (this.#at < this.#field.length) {
      read()
      this.#match(shapes.optionalSpace)
      if (this.#at === this.#field.length) return
      if (!this.take(',')) throw new Malformed()
      this.#match(shapes.optionalSpace)
      if (this.#at === this.#field.length) throw new Malformed()
    }
  }

  take(character: string): boolean {
    if (this.#field[this.#at] !== character) return false
    this.#at++
    return true
  }

  key(): string {
    const found = this.#match(shapes.key)
    if (found === undefined) throw new Malformed()
    return found[0]
  }

  member(): Member {
    if (!this.take('(')) return { value: this.#bare(), parameters: this.parameters() }
    const items: Member[] = []
    for (;;) {
      this.#match(shapes.blanks)
      if (this.take(')')) return { value: items, parameters: this.parameters() }
      items.push({ value: this.#bare(), parameters: this.parameters() })
      const next = this.#field[this.#at]
      if (next !== ' ' && next !== ')') throw new Malformed()
    }
  }

  parameters(): Parameters {
    const found = new Map<string, Bare>()
    while (this.take(';')) {
      this.#match(shapes.blanks)
      const key = this.key()
      found.set(key, this.take('=') ? this.#bare() : YES)
    }
    return found
  }

  #bare(): Bare {
    const first = this.#field[this.#at] ?? ''
    if (first === '-' || (first >= '0' && first <= '9')) return this.#number()
    if (first === '"') {
      const value = this.#inner(shapes.string).replace(/\\(.)/g, '$1')
      return { type: 'string', value }
    }
    if (first === ':') return { type: 'bytes', value: this.#inner(shapes.bytes) }
    if (first === '?') return { type: 'boolean', value: this.#inner(shapes.boolean) === '1' }
    if (first === '@') {
      const digits = this.#inner(shapes.date)
      if (digits.replace('-', '').length > 15 || this.#field[this.#at] === '.') throw new Malformed()
      return { type: 'date', value: Number(digits) }
    }
    if (first === '%') return { type: 'text', value: decoded(this.#inner(shapes.text)) }
    const token = this.#match(shapes.token)
    if (token === undefined) throw new Malformed()
    return { type: 'token', value: token[0] }
  }

  #number(): Bare {
    const text = this.#match(shapes.number)?.[0]
    if (text === undefined) throw new Malformed()
    const [whole = '', fraction] = text.replace('-', '').split('.')
    if (fraction === undefined) {
      if (whole.length > 15) throw new Malformed()
      return { type: 'integer', value: Number(text) }
    }
    if (whole.length > 12 || fraction.length === 0 || fraction.length > 3) throw new Malformed()
    return { type: 'decimal', value: Number(text) }
  }

  #inner(shape: RegExp): string {
    const found = this.#match(shape)
    if (found === undefined) throw new Malformed()
    return found[1]!
  }

  #match(shape: RegExp): RegExpExecArray | undefined {
    shape.lastIndex = this.#at
    const found = shape.exec(this.#field)
    if (found === null) return undefined
    this.#at += found[0].length
    return found
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Malformed()
  }
}
