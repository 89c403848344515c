import { limits } from '../limits.ts'
import { quoted, Unreadable } from './fault.ts'

/** What a label must be: equal or not to a text, or matched or not by an expression that stands for the whole value. */
export interface Matcher {
  /** As written, and as Alertmanager would write it. */
  readonly text: string
  readonly label: string
  /** `!=` and `!~` want the contrary. */
  readonly negated: boolean
  readonly value: string
  /** Of `=~` and `!~`. */
  readonly pattern: RegExp | undefined
}

const remedy = 'write service="shop", service!="shop", operation=~"GET .*" or operation!~"GET .*"'

/**
 * Reads a matcher as Alertmanager writes it; quotes around the value may be left out.
 *
 * @throws Unreadable
 */
export function parseMatcher(text: string): Matcher {
  const found = /^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s.exec(text)
  if (found === null) throw new Unreadable(`${quoted(text)} is not a matcher`, remedy)
  const [, label, operator, written] = found as unknown as [string, string, string, string]
  if (text.length > limits.matcherChars) {
    throw new Unreadable(`a matcher of ${text.length} characters`, `write at most ${limits.matcherChars}`)
  }
  const value = unquoted(written)
  let pattern: RegExp | undefined
  if (operator.endsWith('~')) {
    try {
      // Anchored at both ends, as Alertmanager does it; `s`, since a label may hold a line's end.
      pattern = new RegExp(`^(?:${value})$`, 'su')
    } catch {
      throw new Unreadable(`${quoted(value)} is not a regular expression`, remedy)
    }
  }
  return { text: `${label}${operator}${inQuotes(value)}`, label, negated: operator[0] === '!', value, pattern }
}

/** A label that is not there is the empty text, as in Alertmanager. */
export function matches(matchers: readonly Matcher[], labels: Readonly<Record<string, string>>): boolean {
  return matchers.every(({ label, negated, value, pattern }) => {
    const given = Object.hasOwn(labels, label) ? labels[label]! : ''
    return (pattern === undefined ? given === value : pattern.test(given)) !== negated
  })
}

/** As Alertmanager reads it: inside quotes \" is a quote, \\ a backslash, \n a line's end, and any other \ itself. */
function unquoted(written: string): string {
  if (!written.startsWith('"')) return written
  const inside = /^"((?:[^"\\]|\\.)*)"$/s.exec(written)?.[1]
  if (inside === undefined) {
    throw new Unreadable(`${quoted(written)} has quotes that do not end`, 'close them, and write \\" for one inside')
  }
  return inside.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}

function inQuotes(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}
