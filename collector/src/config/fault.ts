/** Something wrong with a value, wherever the value came from. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly what: string
  readonly remedy: string
}

/** The same in a file, with its place; line and column count from 1. */
export interface Fault extends Problem {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** What a parser throws: the words of a problem whose place the caller knows. */
export class Unreadable extends Error {
  readonly remedy: string

  constructor(what: string, remedy: string) {
    super(what)
    this.remedy = remedy
  }
}

/** `alerts[0].when`, and nothing for the whole. */
export function pathText(path: readonly (string | number)[]): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

/** `path: what is wrong; remedy` */
export function problemText({ path, what, remedy }: Problem): string {
  const words = `${what}; ${remedy}`
  return path.length === 0 ? words : `${pathText(path)}: ${words}`
}

/** `file:line:column: path: what is wrong; remedy` */
export function faultText(fault: Fault): string {
  return `${fault.file}:${fault.line}:${fault.column}: ${problemText(fault)}`
}

/** A value as it may stand in a message: quoted, and short. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** "; did you mean x?" is worth saying when one of the known words is at most two slips away. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let slips = 3
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < slips && distance < candidate.length) {
      best = candidate
      slips = distance
    }
  }
  return best
}

/** Letters to change, add or leave out (Levenshtein), by rows. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
