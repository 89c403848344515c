import { quoted, Unreadable } from '../config/fault.ts'

/** One condition on a label, as PromQL writes it. */
export interface Matcher {
  readonly label: string
  readonly operator: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

/** A metric and the conditions on its labels. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

/** A count of calls: what is added up, and what is taken off (`all - fast` is the slow ones). */
export interface Count {
  readonly added: readonly Selector[]
  readonly taken: readonly Selector[]
}

const token =
  /\s+|#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\{\{[^}]*\}\}|[A-Za-z_:][A-Za-z0-9_:.]*|\d+(?:\.\d+)?[a-z]*|=~|!~|!=|[={}()[\],+\-*/<>$]/gy
/** Words that change nothing about which calls are counted. */
const harmless = new Set(['sum', 'rate', 'increase', 'by', 'without', 'or', 'vector', 'on', '(', ')', ',', '0'])

/**
 * Reads which calls an expression of PromQL counts: sums of `rate` or `increase` of selectors, one optionally taken off
 * another. Anything that computes more is refused, since a guess would be a wrong promise.
 *
 * @throws Unreadable
 */
export function countOf(text: string): Count {
  const tokens = tokensOf(text)
  const added: Selector[] = []
  const taken: Selector[] = []
  let minus = false
  for (let i = 0; i < tokens.length; i++) {
    const word = tokens[i]!
    if (word === '[') {
      i = closing(tokens, i, ']')
    } else if ((word === 'by' || word === 'without' || word === 'on') && tokens[i + 1] === '(') {
      i = closing(tokens, i + 1, ')')
    } else if (word === '+') minus = false
    else if (word === '-') minus = true
    else if (word === '{' || (/^[A-Za-z_:]/.test(word) && !harmless.has(word))) {
      const named = word !== '{'
      const braces = named ? tokens[i + 1] === '{' : true
      const matchers = braces ? matchersOf(tokens, named ? i + 2 : i + 1) : { list: [], next: i + 1 }
      if (named && tokens[i + 1] === '(') {
        throw new Unreadable(
          `${quoted(text)} uses ${word}()`,
          'write the objective by hand: only sum, rate and increase are read',
        )
      }
      ;(minus ? taken : added).push({ metric: named ? word : '', matchers: matchers.list })
      i = matchers.next - 1
    } else if (!harmless.has(word)) {
      throw new Unreadable(
        `${quoted(text)} computes with ${quoted(word)}`,
        'write the objective by hand: only sums and one difference are read',
      )
    }
  }
  if (added.length === 0) throw new Unreadable(`${quoted(text)} selects no metric`, 'write metric{label="value"}')
  return { added, taken }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const found = token.exec(text)
    if (found === null)
      throw new Unreadable(`${quoted(text)} is not PromQL at ${quoted(text.slice(at, at + 10))}`, 'correct it')
    if (!/^(\s|#)/.test(found[0])) tokens.push(found[0])
  }
  return tokens
}

function closing(tokens: readonly string[], from: number, end: string): number {
  const at = tokens.indexOf(end, from)
  if (at < 0) throw new Unreadable(`${quoted(tokens.join(' '))} lacks a ${end}`, 'close it')
  return at
}

function matchersOf(tokens: readonly string[], from: number): { list: Matcher[]; next: number } {
  const list: Matcher[] = []
  let i = from
  while (tokens[i] !== '}') {
    const [label, operator, value] = [tokens[i], tokens[i + 1], tokens[i + 2]]
    if (label === undefined || value === undefined || !/^(=|!=|=~|!~)$/.test(operator ?? '') || !/^["'`]/.test(value)) {
      throw new Unreadable(
        `${quoted(tokens.slice(i, i + 3).join(' '))} is not a condition on a label`,
        'write label="value"',
      )
    }
    list.push({ label, operator: operator as Matcher['operator'], value: unquoted(value) })
    i += 3
    if (tokens[i] === ',') i++
  }
  return { list, next: i + 1 }
}

function unquoted(text: string): string {
  const inner = text.slice(1, -1)
  if (text.startsWith('`')) return inner
  return inner.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 't' ? '\t' : letter))
}
