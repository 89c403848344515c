import { REDACT_PATH_STEPS } from '../limits.ts'

/** A step of a JSON path: a name, an index, or any (`*`); `deep` when two dots lead to it. */
interface Step {
  name?: string
  index?: number
  deep: boolean
}

/** What a path may look like, for messages. */
const FORMS = 'write it like $.user.address, $.items[*].note, $.items[0], $["full name"] or $..pin'

/**
 * Reads a JSON path: the part of RFC 9535 without filters, slices and negative indexes; `$.` may be left out.
 * Throws an Error that names the path and the remedy.
 */
export function readPath(path: string): Step[] {
  const text = path.trim()
  const steps: Step[] = []
  let i = text.startsWith('$') ? 1 : 0
  const fault = (what: string): Error => new Error(`redaction path "${path}": ${what}; ${FORMS}`)
  if (i === 0 && text !== '' && text[0] !== '.' && text[0] !== '[') i = step(text, 0, false, steps, fault)
  while (i < text.length) {
    const deep = text.startsWith('..', i)
    if (deep) i += 2
    else if (text[i] === '.') i += 1
    else if (text[i] !== '[') throw fault(`"${text[i]}" at position ${i + 1} is no step`)
    i = step(text, i, deep, steps, fault)
  }
  if (steps.length === 0) throw fault('it selects the whole document, for which there is the mode "metadata"')
  return steps
}

/** Reads one step from `at` on and gives where it ends. */
function step(text: string, at: number, deep: boolean, steps: Step[], fault: (what: string) => Error): number {
  if (text[at] !== '[') {
    const name = /[^.[\]]*/y
    name.lastIndex = at
    const [found = ''] = name.exec(text) ?? []
    if (found === '') throw fault(`a name is missing at position ${at + 1}`)
    steps.push(found === '*' ? { deep } : { name: found, deep })
    return at + found.length
  }
  const bracket = /\[(?:(\*)|(\d{1,9})|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/y
  bracket.lastIndex = at
  const found = bracket.exec(text)
  if (found === null) throw fault(`the bracket at position ${at + 1} holds no index, * or quoted name`)
  const name = found[3] ?? found[4]
  if (name !== undefined) steps.push({ name: name.replace(/\\(.)/g, '$1'), deep })
  else if (found[2] !== undefined) steps.push({ index: Number(found[2]), deep })
  else steps.push({ deep })
  return at + found[0].length
}

/** A path fits one word of the state below. */
const LONGEST = 30

/**
 * All paths of an option as one automaton that moves along with the document. A state is a set of bits, one for each step
 * that comes next; a path takes as many neighbouring bits of a word as it has steps, and one to say it has arrived.
 */
export class Paths {
  readonly words: number
  readonly #names = new Map<string, Int32Array>()
  readonly #indexes = new Map<number, Int32Array>()
  readonly #any: Int32Array
  readonly #deep: Int32Array
  readonly #arrived: Int32Array
  readonly #first: Int32Array

  /** Throws an Error that names the path and the remedy. */
  constructor(paths: readonly string[]) {
    const read = paths.map((path) => [path, readPath(path)] as const)
    const total = read.reduce((sum, [, steps]) => sum + steps.length, 0)
    if (total > REDACT_PATH_STEPS) {
      throw new Error(
        `redaction paths have ${total} steps together, ${REDACT_PATH_STEPS} are the most; use names instead`,
      )
    }
    this.words = Math.max(1, read.length)
    this.#any = new Int32Array(this.words)
    this.#deep = new Int32Array(this.words)
    this.#arrived = new Int32Array(this.words)
    this.#first = new Int32Array(this.words).fill(1)
    for (const [word, [path, steps]] of read.entries()) {
      if (steps.length > LONGEST)
        throw new Error(`redaction path "${path}": more than ${LONGEST} steps; start it with ..`)
      for (const [bit, one] of steps.entries()) {
        if (one.deep) this.#deep[word]! |= 1 << bit
        if (one.name !== undefined) this.#mask(this.#names, one.name)[word]! |= 1 << bit
        else if (one.index !== undefined) this.#mask(this.#indexes, one.index)[word]! |= 1 << bit
        else this.#any[word]! |= 1 << bit
      }
      this.#arrived[word] = 1 << steps.length
    }
  }

  #mask<K>(map: Map<K, Int32Array>, key: K): Int32Array {
    let mask = map.get(key)
    if (mask === undefined) {
      mask = new Int32Array(this.words)
      map.set(key, mask)
    }
    return mask
  }

  /** Sets the state of the document itself, which is the container at depth 1. */
  begin(states: Int32Array): void {
    states.set(this.#first, this.words)
  }

  /** From the state of a container at `depth` to that of its member at `depth + 1`; gives whether a path ends there. */
  move(states: Int32Array, depth: number, name: string | undefined, index: number): boolean {
    const match = name !== undefined ? this.#names.get(name) : this.#indexes.get(index)
    const from = depth * this.words
    let arrived = 0
    for (let word = 0; word < this.words; word++) {
      const state = states[from + word]!
      const next = ((state & (this.#any[word]! | (match?.[word] ?? 0))) << 1) | (state & this.#deep[word]!)
      states[from + this.words + word] = next
      arrived |= next & this.#arrived[word]!
    }
    return arrived !== 0
  }
}
