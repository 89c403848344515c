import { limits } from '../limits.ts'

/**
 * Names operations of senders that do not name them: method and route, or, without a route, a guess from the path with
 * its changing parts folded. Guesses are bounded by service, so that a scan cannot grow anything.
 */
export class Operations {
  readonly #guessed = new Map<string, Set<string>>()

  name(service: string, method: string, route: string, path: string, unmatched: boolean): string {
    if (route !== '') return `${method} ${route}`
    if (path === '') return method
    if (unmatched) return `${method} (unmatched)`
    const guess = `${method} ${fold(path)}`
    const known = this.#known(service)
    if (known.has(guess)) return guess
    if (known.size >= limits.guessedOperations) return '_OTHER'
    known.add(guess)
    return guess
  }

  #known(service: string): Set<string> {
    let known = this.#guessed.get(service)
    if (known === undefined) {
      if (this.#guessed.size >= limits.sendersKnown) this.#guessed.clear()
      known = new Set()
      this.#guessed.set(service, known)
    }
    return known
  }
}

const segments = 8

/**
 * Folds the parts of a path that look like values: numbers, UUIDs, hashes, dates, e-mail addresses, long or mixed words.
 *
 * @example fold('/books/42/reviews') === '/books/{id}/reviews'
 */
export function fold(path: string): string {
  const parts = path.split('/')
  const kept = parts.slice(0, segments + 1).map((part) => (isValue(part) ? '{id}' : part))
  return parts.length > segments + 1 ? `${kept.join('/')}/{rest}` : kept.join('/')
}

function isValue(part: string): boolean {
  if (part === '' || /^v\d{1,2}$/i.test(part)) return false
  if (part.length > 32 || part.includes('@') || part.includes('%')) return true
  if (/^[0-9a-f]{8,}$/i.test(part) && /\d/.test(part)) return true
  // A word with a number in it is a value as soon as the number is more than a suffix: abc-123, 2026-11-21, x1y2.
  return /^\d/.test(part) || /\d.*\d/.test(part)
}
