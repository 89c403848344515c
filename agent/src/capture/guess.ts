import { Cache } from '../cache.ts'
import { GUESSED_PATHS, GUESSED_SEGMENTS, REMEMBERED_PATH } from '../limits.ts'

const remembered = new Cache<string, string>(GUESSED_PATHS)

/**
 * A template for a path that no framework claims: segments that look like an identifier become `{id}`.
 * A guess names an operation; it never becomes `http.route`, which OpenTelemetry reserves for registered routes.
 */
export function guessTemplate(path: string): string {
  let template = remembered.get(path)
  if (template === undefined) {
    template = fold(path)
    if (path.length <= REMEMBERED_PATH) remembered.set(path, template)
  }
  return template
}

function fold(path: string): string {
  // One more than is kept tells whether there is a rest.
  const segments = path.split('/', GUESSED_SEGMENTS + 2)
  const kept = segments.slice(0, GUESSED_SEGMENTS + 1).map((segment) => (looksLikeId(segment) ? '{id}' : segment))
  if (segments.length > kept.length) kept.push('*')
  return kept.join('/') || '/'
}

/** A bare word, maybe with a version number or an extension: `users`, `v2`, `oauth2`, `_search`, `report.json`. */
const WORD = /^[._@]?[a-z][a-z_.:-]{0,31}\d{0,2}(\.[a-z]{1,5}[34]?)?$/i
const VERSION = /^v\d{1,3}([._]\d{1,3}){0,2}$/i
const HEX = /^[0-9a-f]{8,}$/i
/** So many letters on end that no word has, with both cases: a key in base64 that happens to have no digit. */
const LETTERS = /^[a-z]{16,}\d{0,2}$/i
const UNSPEAKABLE = /[bcdfghjklmnpqrstvwxz]{5}/i
/** A key may have a prefix that says whose it is: `glpat-...`. */
const SEPARATOR = /[-_.:]/

/** Everything that is not a plain word: numbers, UUIDs, ULIDs, hashes, dates, e-mail addresses, slugs with digits. */
function looksLikeId(segment: string): boolean {
  if (segment === '' || VERSION.test(segment)) return false
  if (!WORD.test(segment)) return true
  if (HEX.test(segment)) return segment.length >= 12 || /\d/.test(segment)
  return segment.split(SEPARATOR).some(isRandom)
}

function isRandom(letters: string): boolean {
  return LETTERS.test(letters) && /[a-z][A-Z]/.test(letters) && UNSPEAKABLE.test(letters)
}
