import { Cache } from '../cache.ts'
import { CONFIGURED_ROUTES, GUESSED_PATHS, REMEMBERED_PATH } from '../limits.ts'

interface Pattern {
  readonly template: string
  /** Undefined where any one segment will do. */
  readonly segments: readonly (string | undefined)[]
  /** Ends in `*`, which stands for one segment or more. */
  readonly open: boolean
}

/**
 * Templates that the user has configured for paths which no framework claims. `:name` and `{name}` stand for one
 * segment, `*` in the middle too, and `*` at the end for all that is left. Letters count as written; the first template
 * that fits decides. A look-up takes one comparison for each segment of each template at most.
 */
export class Patterns {
  readonly #patterns: readonly Pattern[]
  readonly #remembered = new Cache<string, string>(GUESSED_PATHS)

  constructor(templates: readonly string[]) {
    this.#patterns = templates.slice(0, CONFIGURED_ROUTES).map(compile)
  }

  /** The template that fits `path`. */
  match(path: string): string | undefined {
    if (this.#patterns.length === 0) return undefined
    const known = this.#remembered.get(path)
    if (known !== undefined) return known === '' ? undefined : known
    const segments = split(path)
    const found = this.#patterns.find((pattern) => fits(pattern, segments))?.template
    if (path.length <= REMEMBERED_PATH) this.#remembered.set(path, found ?? '')
    return found
  }
}

function compile(written: string): Pattern {
  const template = written.startsWith('/') ? written : `/${written}`
  const segments = split(template)
  const open = segments.at(-1) === '*'
  if (open) segments.pop()
  const isParameter = (segment: string) => segment === '*' || segment.startsWith(':') || /^\{.*\}$/.test(segment)
  return { template, segments: segments.map((segment) => (isParameter(segment) ? undefined : segment)), open }
}

function fits({ segments, open }: Pattern, path: readonly string[]): boolean {
  if (open ? path.length <= segments.length : path.length !== segments.length) return false
  return segments.every((segment, i) => segment === undefined || segment === path[i])
}

/** Without the slash at the end, which makes no difference. */
function split(path: string): string[] {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length
  return path.slice(1, end).split('/')
}
