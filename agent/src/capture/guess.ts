import { Cache } from '../cache.ts'
import { GUESSED_PATHS, GUESSED_SEGMENTS } from '../limits.ts'

const remembered = new Cache<string, string>(GUESSED_PATHS)

/**
 * A template for a path that no framework claims: segments that look like an identifier become `{id}`.
 * A guess names an operation; it never becomes `http.route`, which OpenTelemetry reserves for registered routes.
 */
export function guessTemplate(path: string): string {
  let template = remembered.get(path)
  if (template === undefined) {
    template = fold(path)
    remembered.set(path, template)
  }
  return template
}

function fold(path: string): string {
  const segments = path.split('/')
  const kept = segments.slice(0, GUESSED_SEGMENTS + 1).map((segment) => (looksLikeId(segment) ? '{id}' : segment))
  if (segments.length > kept.length) kept.push('*')
  return kept.join('/') || '/'
}

/** A bare word, maybe with a version number or an extension: `users`, `v2`, `oauth2`, `report.json`. */
const WORD = /^[a-z][a-z_.-]{0,31}\d{0,2}(\.[a-z]{1,5}[34]?)?$/i

/** Everything that is not a plain word: numbers, UUIDs, hashes, dates, e-mail addresses, slugs with digits, long text. */
function looksLikeId(segment: string): boolean {
  if (segment === '') return false
  if (WORD.test(segment)) return /^[0-9a-f]{8,}$/i.test(segment) && /\d/.test(segment)
  return true
}
